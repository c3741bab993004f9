/*
 * One line for each refusal, eviction and death: who, what, why; never a payload. Lines of one identity are limited
 * (a burst of ten, then one a second); what was left out is counted and told with its next line. Writing never
 * blocks: a reader that does not read loses lines.
 *
 * The daemon writes to stderr, with <N> priorities where systemd reads it. An embedded broker must not write into its
 * host's streams: it writes to the file that WEIR_LOG names, else nothing.
 */
#ifndef WR_LOG_H
#define WR_LOG_H

#include "broker/quota.h"

enum wr_log_level { WR_LOG_WARNING = 4, WR_LOG_NOTICE = 5, WR_LOG_INFO = 6 };

struct wr_log {
        wr_object object; /* WR_NO_OBJECT: nothing is written */
        bool has_priorities;
        uint64_t dropped; /* lines that nobody read */
};

/* account may be NULL: then nothing is limited. Control characters are written as '?'. */
__attribute__((format(printf, 5, 6))) void
wr_log_line(struct wr_log *log, struct wr_account *account, int64_t now_ns, enum wr_log_level level, const char *format,
            ...);

/* Where the daemon logs: stderr. */
void
wr_log_open_stderr(struct wr_log *log);

/* Appends to a file; NULL: logs nowhere. */
enum weir_result
wr_log_open_file(struct wr_log *log, const char *path);

/* log_linux.c. False: it would have blocked. */
bool
wr_log_write(wr_object object, const char *line, size_t length);

#endif
