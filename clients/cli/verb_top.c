/*
 * weir top: what every topic does now, as a table every two seconds.
 *
 *      TOPIC      PUBS  SUBS  HZ    MB/S   LOST  LAG     BEHIND  OUT
 *      cam/front     1     3  60.0  186.6     0  3.1 ms       1    2
 *
 * The broker knows each endpoint's counts, a second old at most; rates are what they grew by from one look to the next.
 * Endpoints are told apart by their ids, so that one that comes or goes does not look like a jump. A broker that is
 * back has counted nothing yet and learns of one endpoint after the other: what it tells at first is where counting
 * begins.
 */
#include "clients/cli/cli.h"
#include "clients/cli/document.h"
#include "clients/cli/missing.h"
#include "clients/cli/table.h"
#include "clients/cli/verbs.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char verb_top_help[] =
        "usage: weir top [PATTERN] [OPTIONS]\n"
        "\n"
        "Shows each topic's publishers and subscribers, frames and payload a second, frames that subscribers lost\n"
        "since the table before (LOST), how old the oldest frame is that a reader has yet to take (LAG) and how many\n"
        "there are (BEHIND), and frames that subscribers have out (OUT): a table every two seconds, until Ctrl-C. It\n"
        "waits for a broker that is lost. --once: exit 4 when there is no topic of a PATTERN that was given.\n"
        "\n"
        "  --sort KEY              topic (the default), hz, bytes, lost, lag, behind or out: the most first\n"
        "  --once                  one table; -n, --count COUNT: so many; -t, --seconds SECONDS: for so long\n"
        "  --interval SECONDS      time between two tables; at least 1\n"
        "  --jsonl                 an object a line for each topic; --json: with --once an array, else the same\n"
        "  -b, --broker ADDRESS\n"
        "\n"
        "Example:\n"
        "  weir top 'cam/**' --sort lag\n";

enum { OPTION_SORT = CLI_VERB_OPTION, OPTION_ONCE, OPTION_INTERVAL, OPTION_JSONL };

/* What an endpoint had counted at the last look. */
struct end {
        uint64_t id; /* of a publisher its source, which stays its own on whatever lane and under whatever broker */
        uint64_t frames, bytes, lost;
};

struct line {
        char topic[208];
        unsigned publishers, subscribers;
        uint64_t frames, bytes, lost; /* since the last look */
        uint64_t behind, out;
        int64_t lag_ns;
};

struct look {
        struct line *lines; /* in the order of their topics */
        size_t line_count;
        struct end *ends; /* in the order of their ids */
        size_t end_count;
        bool failed;
};

struct arguments {
        struct cli_common common;
        const char *pattern;
        int (*sort)(const void *a, const void *b);
        int64_t interval_ns;
        bool once, jsonl;
};

/* Within that everybody has come back to a broker that is back, and told what he counted. */
#define RETURN_NS INT64_C(2000000000)

/* ---- one look -------------------------------------------------------------------------------------------------- */

static int
by_topic(const void *a, const void *b)
{
        return strcmp(((const struct line *)a)->topic, ((const struct line *)b)->topic);
}

static int
by_id(const void *a, const void *b)
{
        const struct end *left = a, *right = b;

        return left->id < right->id ? -1 : left->id > right->id;
}

static int
take_topic(const struct weir_row *row, void *user)
{
        struct look *look = user;
        struct line *grown = realloc(look->lines, (look->line_count + 1) * sizeof *grown);

        if (grown == NULL) {
                look->failed = true;
                return 1;
        }
        look->lines = grown;
        grown += look->line_count++;
        *grown = (struct line){ .publishers = row->publishers, .subscribers = row->subscribers };
        snprintf(grown->topic, sizeof grown->topic, "%s", row->topic);
        return 0;
}

/* A look that is being taken, and the one before it. */
struct looking {
        struct look *now;
        const struct look *before;
};

static void
line_add(struct line *line, const struct weir_row *row, const struct end *now, const struct end *before)
{
        if (row->publishes) {
                line->frames += now->frames - before->frames;
                line->bytes += now->bytes - before->bytes;
                line->behind += row->lag_frames;
                if (row->lag_ns > line->lag_ns)
                        line->lag_ns = row->lag_ns;
        } else {
                line->lost += now->lost - before->lost;
                line->out += row->out;
        }
}

static int
take_end(const struct weir_row *row, void *user)
{
        static const struct end nothing;
        struct looking *looking = user;
        struct look *now = looking->now;
        struct end key = { row->publishes ? row->source : row->id, row->frames, row->bytes, row->lost }, *grown;
        struct line wanted = { .lag_ns = 0 }, *line = NULL;
        const struct end *before = NULL;

        snprintf(wanted.topic, sizeof wanted.topic, "%s", row->topic);
        if (now->line_count > 0) /* a pattern's subscription is nobody's line */
                line = bsearch(&wanted, now->lines, now->line_count, sizeof wanted, by_topic);
        if (looking->before->end_count > 0)
                before = bsearch(&key, looking->before->ends, looking->before->end_count, sizeof key, by_id);
        if (before != NULL && (key.frames < before->frames || key.lost < before->lost))
                key = *before; /* on a new lane or under a new broker it has told nothing yet */
        if (line != NULL)
                line_add(line, row, &key, before != NULL ? before : &nothing);
        grown = realloc(now->ends, (now->end_count + 1) * sizeof *grown);
        if (grown == NULL) {
                now->failed = true;
                return 1;
        }
        now->ends = grown;
        grown[now->end_count++] = key;
        return 0;
}

static void
look_free(struct look *look)
{
        free(look->lines);
        free(look->ends);
        *look = (struct look){ .line_count = 0 };
}

/* A new look in place of the old one, of which only the difference survives; where it fails, the old one stays. */
static enum weir_result
look_take(struct weir *bus, const char *pattern, struct look *look)
{
        struct look now = { .line_count = 0 };
        struct looking looking = { &now, look };
        enum weir_result result = weir_list(bus, pattern, 0, take_topic, &now);

        if (now.line_count > 0)
                qsort(now.lines, now.line_count, sizeof *now.lines, by_topic);
        if (result == WEIR_OK)
                result = weir_list(bus, pattern, 1, take_end, &looking);
        if (now.end_count > 0)
                qsort(now.ends, now.end_count, sizeof *now.ends, by_id);
        look_free(result == WEIR_OK ? look : &now);
        if (result == WEIR_OK)
                *look = now;
        return result;
}

/* ---- printing -------------------------------------------------------------------------------------------------- */

/* The most first; of equal ones the first of the alphabet. */
#define SORT_BY(field)                                                                     \
        static int by_##field(const void *a, const void *b)                                \
        {                                                                                  \
                const struct line *left = a, *right = b;                                   \
                                                                                           \
                return left->field != right->field ? (left->field < right->field ? 1 : -1) \
                                                   : strcmp(left->topic, right->topic);    \
        }
SORT_BY(frames)
SORT_BY(bytes)
SORT_BY(lost)
SORT_BY(lag_ns)
SORT_BY(behind)
SORT_BY(out)

static const struct {
        const char *key;
        int (*compare)(const void *a, const void *b);
} sorts[] = { { "topic", by_topic }, { "hz", by_frames },     { "bytes", by_bytes }, { "lost", by_lost },
              { "lag", by_lag_ns },  { "behind", by_behind }, { "out", by_out } };

static bool
print_table(const struct look *look, double seconds)
{
        static const char *const headings[] = { "TOPIC", ">PUBS", ">SUBS",   ">HZ", ">MB/S",
                                                ">LOST", ">LAG",  ">BEHIND", ">OUT" };
        struct table table;

        table_open(&table, headings, 9);
        for (size_t i = 0; i < look->line_count; i++) {
                const struct line *line = &look->lines[i];

                table_add(&table, "%s", line->topic);
                table_add(&table, "%u", line->publishers);
                table_add(&table, "%u", line->subscribers);
                table_add(&table, "%.1f", (double)line->frames / seconds);
                table_add(&table, "%.2f", (double)line->bytes / seconds / 1e6);
                table_add(&table, "%llu", (unsigned long long)line->lost);
                if (line->behind > 0)
                        table_add_time(&table, line->lag_ns);
                else
                        table_add(&table, "-");
                table_add(&table, "%llu", (unsigned long long)line->behind);
                table_add(&table, "%llu", (unsigned long long)line->out);
        }
        return table_print(&table);
}

static json_t *
line_json(const struct line *line, double seconds)
{
        return json_pack("{s:s, s:i, s:i, s:f, s:f, s:I, s:I, s:I, s:I}", "topic", line->topic, "publishers",
                         (int)line->publishers, "subscribers", (int)line->subscribers, "hz",
                         (double)line->frames / seconds, "bytes_per_second", (double)line->bytes / seconds, "lost",
                         (json_int_t)line->lost, "lag_ns", (json_int_t)line->lag_ns, "behind", (json_int_t)line->behind,
                         "out", (json_int_t)line->out);
}

static bool
print_json(const struct look *look, double seconds, bool lines)
{
        json_t *array = json_array();
        bool printed = array != NULL;

        for (size_t i = 0; i < look->line_count && printed; i++)
                if (lines)
                        printed = cli_print_json(line_json(&look->lines[i], seconds), 0);
                else
                        json_array_append_new(array, line_json(&look->lines[i], seconds));
        if (!lines)
                return cli_print_json(array, JSON_INDENT(2));
        json_decref(array);
        return printed;
}

static bool
print_look(const struct arguments *arguments, struct look *look, int64_t elapsed_ns)
{
        double seconds = (double)(elapsed_ns > 0 ? elapsed_ns : 1) / 1e9;
        bool is_json = arguments->jsonl || arguments->common.json, printed;

        if (look->line_count > 0)
                qsort(look->lines, look->line_count, sizeof *look->lines, arguments->sort);
        printed =
                is_json ? print_json(look, seconds, arguments->jsonl || !arguments->once) : print_table(look, seconds);
        if (!is_json && !arguments->once)
                putchar('\n');
        fflush(stdout);
        return printed;
}

/* ---- the loop -------------------------------------------------------------------------------------------------- */

struct top {
        struct weir *bus;
        const struct arguments *arguments;
        struct look look;
        int64_t looked_ns; /* 0: there is nothing to compare the next look with */
        int64_t until_ns;
        bool is_told, is_missing_told; /* the broker's absence; that there is no such topic */
};

/* Waits for the next look, which is put off when a broker is back. False: a signal, or the time is up. */
static bool
wait_until(struct top *top, int64_t when_ns)
{
        const struct weir_event *event;
        int64_t now_ns;

        while (when_ns <= top->until_ns && (now_ns = weir_now()) < when_ns && cli_interrupted() == 0) {
                enum weir_result result = weir_next(top->bus, when_ns - now_ns, &event);

                if (result < 0)
                        return false;
                if (result != WEIR_OK)
                        continue;
                cli_tell("top", event, &top->arguments->common);
                if (event->kind == WEIR_BROKER_LOST)
                        top->is_told = true;
                if (event->kind == WEIR_BROKER_LOST || event->kind == WEIR_BROKER_BACK)
                        top->looked_ns = 0;
                if (event->kind == WEIR_BROKER_BACK)
                        when_ns = weir_now() + RETURN_NS;
        }
        return when_ns <= top->until_ns && cli_interrupted() == 0;
}

/* Nobody has such a topic: nothing is printed but this, and this once. */
static bool
tell_missing(struct top *top)
{
        const char *pattern = top->arguments->pattern;

        if (top->look.line_count > 0 || strcmp(pattern, "**") == 0)
                return false;
        if (!top->is_missing_told)
                missing_tell("top", top->bus, "no such topic: ", pattern);
        top->is_missing_told = true;
        return true;
}

/* One look, and its table when there was one before it. A code, or CLI_GO_ON. */
static int
look_once(struct top *top, uint64_t *tables)
{
        const struct arguments *arguments = top->arguments;
        bool had_none = top->looked_ns == 0, is_missing;
        enum weir_result result;
        int64_t now_ns;

        result = look_take(top->bus, arguments->pattern, &top->look);
        now_ns = weir_now();
        if (result == WEIR_E_NO_BROKER && !arguments->once) {
                if (!top->is_told && !arguments->common.quiet)
                        fprintf(stderr, "weir top: %s\n", weir_error());
                top->is_told = true;
                top->looked_ns = 0;
                return CLI_GO_ON;
        }
        if (result != WEIR_OK)
                return cli_failed("top", result);
        top->is_told = false;
        is_missing = !had_none && tell_missing(top);
        if (!had_none && (!is_missing || arguments->common.json) && !top->look.failed) {
                top->look.failed = !print_look(arguments, &top->look, now_ns - top->looked_ns);
                *tables += 1;
        }
        top->looked_ns = now_ns;
        if (is_missing && arguments->once)
                return CLI_NO_TOPIC;
        if (!top->look.failed)
                return CLI_GO_ON;
        fprintf(stderr, "weir top: no memory for the table\n");
        return CLI_FAILED;
}

/* A beat that does not drift, begun anew where a look came out of turn or took too long. */
static int64_t
next_time(int64_t last_ns, int64_t looked_ns, int64_t interval_ns)
{
        return last_ns <= looked_ns && looked_ns - last_ns < interval_ns / 2 ? last_ns + interval_ns
                                                                             : weir_now() + interval_ns;
}

static int
show(struct weir *bus, const struct arguments *arguments)
{
        int64_t limit_ns = arguments->common.limit_ns;
        struct top top = { .bus = bus, .arguments = arguments };
        int64_t next_ns = weir_now();
        uint64_t tables = 0;
        int code;

        top.until_ns = limit_ns == INT64_MAX ? INT64_MAX : next_ns + limit_ns;
        do {
                code = look_once(&top, &tables);
                next_ns = next_time(next_ns, top.looked_ns, arguments->interval_ns);
        } while (code == CLI_GO_ON && tables < arguments->common.count && !ferror(stdout) && wait_until(&top, next_ns));
        look_free(&top.look);
        return code == CLI_GO_ON ? CLI_OK : code;
}

static int
parse_option(int option, char **argv, struct arguments *arguments)
{
        switch (option) {
        case OPTION_SORT:
                for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++)
                        if (strcmp(optarg, sorts[i].key) == 0) {
                                arguments->sort = sorts[i].compare;
                                return CLI_GO_ON;
                        }
                return cli_usage("top", "'%s' is none of topic, hz, bytes, lost, lag, behind, out", optarg);
        case OPTION_ONCE:
                arguments->once = true;
                arguments->common.count = 1;
                return CLI_GO_ON;
        case OPTION_INTERVAL:
                if (cli_seconds(optarg, &arguments->interval_ns) && arguments->interval_ns >= 1000000000)
                        return CLI_GO_ON;
                return cli_usage("top", "'%s' is not a time of at least a second", optarg);
        case OPTION_JSONL: arguments->jsonl = true; return CLI_GO_ON;
        default: return cli_common_option("top", option, argv, &arguments->common);
        }
}

int
verb_top(int argc, char **argv)
{
        static const struct option options[] = {
                { "sort", required_argument, NULL, OPTION_SORT },
                { "once", no_argument, NULL, OPTION_ONCE },
                { "interval", required_argument, NULL, OPTION_INTERVAL },
                { "jsonl", no_argument, NULL, OPTION_JSONL },
                CLI_LONG,
        };
        struct arguments arguments = { .common = CLI_COMMON, .sort = by_topic, .interval_ns = 2000000000 };
        struct weir *bus;
        int option, code = CLI_GO_ON;

        while (code == CLI_GO_ON && (option = getopt_long(argc, argv, CLI_SHORT, options, NULL)) != -1)
                code = parse_option(option, argv, &arguments);
        if (code != CLI_GO_ON)
                return code;
        if (argc - optind > 1)
                return cli_usage("top", "one PATTERN is enough: '%s' is too much (put patterns in quotes)",
                                 argv[optind + 1]);
        arguments.pattern = optind < argc ? argv[optind] : "**";
        code = cli_open(&bus, "top", &arguments.common);
        if (code != CLI_OK)
                return code;
        code = show(bus, &arguments);
        cli_close(bus);
        if (code == CLI_OK && cli_interrupted() != 0)
                return cli_interrupted();
        return code == CLI_OK ? cli_finish("top") : code;
}
