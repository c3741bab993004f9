/*
 * What every verb of the command shares: the exit codes, the common options, how a bus is opened and how Ctrl-C ends
 * it. Data goes to stdout, everything else to stderr.
 */
#ifndef CLI_H
#define CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/weir.h>

struct verb {
        const char *name;
        int (*run)(int argc, char **argv); /* argv[0] is the verb; returns an exit code */
        const char *line;                  /* for the list of verbs */
        const char *help;                  /* for --help: usage, options, an example */
};

extern const struct verb verbs[]; /* ended by a verb without a name */

enum {
        CLI_OK = 0,
        CLI_FAILED = 1,
        CLI_USAGE = 2,
        CLI_NO_BROKER = 3,
        CLI_NO_TOPIC = 4,
        CLI_DENIED = 5,
        CLI_DEADLINE = 6, /* missed */
        CLI_DATA = 7,     /* lost or wrong */
        CLI_GO_ON = -1    /* not an exit code: the arguments are fine */
};

/* The common options; a verb takes those that mean something to it. */
struct cli_common {
        const char *address, *ticket;
        int64_t limit_ns; /* -t; INT64_MAX without */
        uint64_t count;   /* -n; UINT64_MAX without */
        bool json, quiet, verbose;
};
#define CLI_COMMON ((struct cli_common){ .limit_ns = INT64_MAX, .count = UINT64_MAX })

/* getopt_long's values for long options without a letter begin here. */
enum { CLI_JSON = 256, CLI_TICKET, CLI_VERB_OPTION };

#define CLI_SHORT ":b:t:n:qvh"
#define CLI_LONG                                                                                       \
        { "broker", required_argument, NULL, 'b' }, { "seconds", required_argument, NULL, 't' },       \
                { "count", required_argument, NULL, 'n' }, { "quiet", no_argument, NULL, 'q' },        \
                { "verbose", no_argument, NULL, 'v' }, { "json", no_argument, NULL, CLI_JSON },        \
                { "ticket", required_argument, NULL, CLI_TICKET }, { "help", no_argument, NULL, 'h' }, \
        {                                                                                              \
                NULL, 0, NULL, 0                                                                       \
        }

/*
 * Answers an option that the verb itself does not know. Returns CLI_GO_ON, or the exit code to leave with: after
 * --help, and after a mistake, which it has reported.
 */
int
cli_common_option(const char *verb, int option, char **argv, struct cli_common *common);

/* Reports a mistake in the arguments, with the way to the help. Returns CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int
cli_usage(const char *verb, const char *format, ...);

/* "64k", "1M", "3110400": bytes, in powers of 1024. False where the text is not a size. */
bool
cli_size(const char *text, uint64_t *bytes);

/* "10": seconds, "0.5", "250ms". False where the text is not a time, or negative. */
bool
cli_seconds(const char *text, int64_t *ns);

/* "1000": a count without a unit. */
bool
cli_count(const char *text, uint64_t *count);

/* The same file for a process that stands in another directory. Valid until the next call; names beyond a path's
 * length stay as they are. */
const char *
cli_absolute(const char *path);

/* The address of a broker: a path that begins where we stand becomes absolute, as the broker wants it. Valid until the
 * next call. */
const char *
cli_address(const char *text);

/* The exit code that goes with a result; 0 for ordinary ones. */
int
cli_exit_code(enum weir_result result);

/* Says weir_error() on stderr, with the verb in front. Returns the exit code. */
int
cli_failed(const char *verb, enum weir_result result);

/* Opens the bus for a verb, and lets Ctrl-C and SIGTERM interrupt it. Reports a failure. CLI_OK or an exit code. */
int
cli_open(struct weir **bus, const char *verb, const struct cli_common *common);

/* Closes the bus; signals end the process again as usual. */
void
cli_close(struct weir *bus);

/* Says on stderr what the bus tells beside the frames: always what changes what the verb shows (unless -q), with -v all
 * of it. */
void
cli_tell(const char *verb, const struct weir_event *event, const struct cli_common *common);

/* The end of a noun behind its number: 0 frames, 1 frame, 2 frames. */
const char *
cli_s(uint64_t count);

/* 0, or 128 + the signal that was caught: 130 after Ctrl-C. */
int
cli_interrupted(void);

/* The exit code of a verb that did what was asked, unless its output could not be written. */
int
cli_finish(const char *verb);

#endif
