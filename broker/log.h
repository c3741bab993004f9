/*
 * One line for each refusal, eviction, death, reload, start and stop: who, what, why; never a payload. Lines about one
 * identity are limited: a burst of ten, then one a second. How many were left out stands in a line of its own as soon
 * as there is room for one. Writing never blocks: a reader that does not read loses lines.
 *
 * The daemon writes to stderr. Where that is the journal (JOURNAL_STREAM names this very stream) a line begins with its
 * priority, <4>, which the journal takes off again, and the journal knows who speaks; everywhere else, on a terminal,
 * in a file, in a pipe, it begins with "weir: ". An embedded broker must not write into its host's streams: it writes
 * to the file that WEIR_LOG names, else nothing.
 *
 * What a client chose cannot begin a line or move a terminal's cursor: control characters, marks that turn the
 * direction of writing, and bytes that are no UTF-8 stand there as \x1b, and a backslash that
 * comes before such a thing or before an x twice.
 */
#ifndef WR_LOG_H
#define WR_LOG_H

#include "broker/quota.h"

#include "bus/os/printf.h"

enum wr_log_level { WR_LOG_WARNING = 4, WR_LOG_NOTICE = 5, WR_LOG_INFO = 6 };

struct wr_log {
        wr_object object; /* WR_NO_OBJECT: nothing is written */
        bool has_priorities;
        bool is_ours;                /* to be closed at the end: a file, not stderr */
        uint64_t dropped;            /* lines that nobody read */
        struct wr_account strangers; /* for lines about those whose identity nobody knows */
};

/* account may be NULL, for what no client can bring about: then nothing is limited. */
__attribute__((format(WR_PRINTF, 5, 6))) void
wr_log_line(struct wr_log *log, struct wr_account *account, int64_t now_ns, enum wr_log_level level, const char *format,
            ...);

/* Every tick: tells what was left out, of identities that have been quiet long enough. */
void
wr_log_tick(struct wr_log *log, struct wr_accounts *accounts, int64_t now_ns);

/* Where the daemon logs: stderr. */
void
wr_log_open_stderr(struct wr_log *log);

/* Appends to a file; NULL: logs nowhere. */
enum weir_result
wr_log_open_file(struct wr_log *log, const char *path);

/* Nothing is written any more. stderr itself stays open. */
void
wr_log_close(struct wr_log *log);

/* log_linux.c, log_win32.c. False: it would have blocked. */
bool
wr_log_write(wr_object object, const char *line, size_t length);

#endif
