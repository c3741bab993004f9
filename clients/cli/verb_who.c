/*
 * weir who: who is connected, how far behind, what is out, and who was refused.
 *
 *      NAME       PID  IDENTITY                TOPIC      ROLE        PATH  LAG      BEHIND  OUT  HELD
 *      weir pub   812  user:alice full trust   cam/front  publisher   shm   120 ms        3    0  2 (6.2 MB)
 *
 * The rows are copied while they come, so that they can be sorted.
 */
#include "clients/cli/cli.h"
#include "clients/cli/document.h"
#include "clients/cli/missing.h"
#include "clients/cli/row.h"
#include "clients/cli/verbs.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char verb_who_help[] =
        "usage: weir who [TOPIC] [--held | --lag | --denied] [--json]\n"
        "\n"
        "Shows each publisher and subscriber as the kernel vouched for it: how old the oldest frame is that it has\n"
        "yet to take (LAG), how many there are (BEHIND), frames or loans that it has not given back (OUT), and blocks\n"
        "of memory that cannot be reused because they are out (HELD); of a publisher, its readers together. What a\n"
        "relayed subscriber has out is its own memory: OUT counts it, HELD does not. Up to a second old, of a relayed\n"
        "one up to two. TOPIC may be a pattern in quotes; without one, idle connections are listed too. Exit 4 when\n"
        "there is no such topic.\n"
        "\n"
        "  --held           only who has something out, the most memory first\n"
        "  --lag            only who is behind, the oldest frame first\n"
        "  --denied         the last 64 refusals instead, each with the line that would grant it\n"
        "  --json           one array of objects\n"
        "  -b, --broker ADDRESS\n"
        "\n"
        "Example:\n"
        "  weir who camera/front --held\n";

enum { OPTION_HELD = CLI_VERB_OPTION, OPTION_LAG, OPTION_DENIED };
enum which { WHICH_ALL, WHICH_HELD, WHICH_LAG, WHICH_DENIED };

struct seats {
        enum which which;
        struct weir_seat *seats; /* strings are copies */
        size_t count, seen;      /* seen: before the choice */
        bool failed;
};

static bool
is_wanted(enum which which, const struct weir_seat *seat)
{
        if (which == WHICH_HELD)
                return seat->out > 0 || seat->held > 0;
        return which != WHICH_LAG || seat->lag_frames > 0;
}

static int
keep_seat(const struct weir_seat *seat, void *user)
{
        struct seats *seats = user;
        struct weir_seat *grown, *kept;

        seats->seen++;
        if (!is_wanted(seats->which, seat))
                return 0;
        grown = realloc(seats->seats, (seats->count + 1) * sizeof *grown);
        if (grown == NULL) {
                seats->failed = true;
                return 1;
        }
        seats->seats = grown;
        kept = &grown[seats->count++];
        *kept = *seat;
        kept->topic = strdup(seat->topic);
        kept->name = strdup(seat->name);
        kept->identity = strdup(seat->identity);
        kept->text = strdup(seat->text);
        seats->failed = !kept->topic || !kept->name || !kept->identity || !kept->text;
        return seats->failed;
}

static void
forget_seats(struct seats *seats)
{
        for (size_t i = 0; i < seats->count; i++) {
                free((char *)(uintptr_t)seats->seats[i].topic);
                free((char *)(uintptr_t)seats->seats[i].name);
                free((char *)(uintptr_t)seats->seats[i].identity);
                free((char *)(uintptr_t)seats->seats[i].text);
        }
        free(seats->seats);
}

static int
more_held(const void *a, const void *b)
{
        const struct weir_seat *left = a, *right = b;

        if (left->held_bytes != right->held_bytes)
                return left->held_bytes < right->held_bytes ? 1 : -1;
        return left->out < right->out ? 1 : left->out > right->out ? -1 : 0;
}

static int
more_lag(const void *a, const void *b)
{
        const struct weir_seat *left = a, *right = b;

        return left->lag_ns < right->lag_ns ? 1 : left->lag_ns > right->lag_ns ? -1 : 0;
}

static const char *
role_of(const struct weir_seat *seat)
{
        switch (seat->role) {
        case WEIR_SEAT_PUBLISHER: return "publisher";
        case WEIR_SEAT_SUBSCRIBER: return seat->delivery == WEIR_RELIABLE ? "reliable subscriber" : "subscriber";
        default: return "idle";
        }
}

/* ---- a table -------------------------------------------------------------------------------------------------- */

/* "850 us", "12.3 ms", "4.0 s", "3 min": as people say it. */
static const char *
time_text(int64_t ns, char text[32])
{
        if (ns < 1000000)
                snprintf(text, 32, "%lld us", (long long)(ns / 1000));
        else if (ns < 1000000000)
                snprintf(text, 32, "%.1f ms", (double)ns / 1e6);
        else if (ns < INT64_C(120) * 1000000000)
                snprintf(text, 32, "%.1f s", (double)ns / 1e9);
        else
                snprintf(text, 32, "%lld min", (long long)(ns / 60000000000));
        return text;
}

static void
add_held(struct table *table, const struct weir_seat *seat)
{
        if (seat->held == 0)
                table_add(table, "-");
        else
                table_add(table, "%llu (%.1f MB)", (unsigned long long)seat->held, (double)seat->held_bytes / 1e6);
}

static bool
print_table(const struct seats *seats)
{
        static const char *const headings[] = { "NAME", ">PID", "IDENTITY", "TOPIC", "ROLE",
                                                "PATH", ">LAG", ">BEHIND",  ">OUT",  ">HELD" };
        struct table table;
        char text[32];

        table_open(&table, headings, 10);
        for (size_t i = 0; i < seats->count; i++) {
                const struct weir_seat *seat = &seats->seats[i];

                table_add(&table, "%s", seat->name);
                table_add(&table, "%u", seat->pid);
                table_add(&table, "%s", seat->identity);
                table_add(&table, "%s", seat->topic[0] != '\0' ? seat->topic : "-");
                table_add(&table, "%s", role_of(seat));
                table_add(&table, "%s", row_path(seat->path));
                table_add(&table, "%s", seat->lag_frames > 0 ? time_text(seat->lag_ns, text) : "-");
                table_add(&table, "%llu", (unsigned long long)seat->lag_frames);
                table_add(&table, "%llu", (unsigned long long)seat->out);
                add_held(&table, seat);
        }
        return table_print(&table);
}

/* Sentences are long: two lines for each refusal. */
static void
print_refusals(const struct seats *seats)
{
        char text[32];

        for (size_t i = 0; i < seats->count; i++) {
                const struct weir_seat *seat = &seats->seats[i];

                printf("%s ago, %s", time_text(seat->age_ns, text), seat->name[0] != '\0' ? seat->name : "unnamed");
                if (seat->pid != 0)
                        printf(" (pid %u, %s)", seat->pid, seat->identity);
                else
                        printf(" (%s)", seat->identity);
                if (seat->topic[0] != '\0')
                        printf(" on '%s'", seat->topic);
                if (seat->times > 1)
                        printf(", %u times", seat->times);
                printf("\n  %s\n", seat->text);
        }
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

static json_t *
refusal_json(const struct weir_seat *seat)
{
        return json_pack("{s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:s}", "name", seat->name, "pid", (json_int_t)seat->pid,
                         "identity", seat->identity, "topic", seat->topic, "result", weir_result_text(seat->reason),
                         "times", (json_int_t)seat->times, "age_ns", (json_int_t)seat->age_ns, "text", seat->text);
}

static json_t *
seat_json(const struct weir_seat *seat)
{
        static const char *const roles[] = { "idle", "publisher", "subscriber" };

        return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name",
                         seat->name, "pid", (json_int_t)seat->pid, "identity", seat->identity, "topic", seat->topic,
                         "role", roles[seat->role <= WEIR_SEAT_SUBSCRIBER ? seat->role : 0], "delivery",
                         seat->delivery == WEIR_RELIABLE ? "reliable" : "lossy", "path", row_path(seat->path), "peers",
                         (json_int_t)seat->peers, "age_ns", (json_int_t)seat->age_ns, "frames",
                         (json_int_t)seat->frames, "lost", (json_int_t)seat->lost, "lag_ns", (json_int_t)seat->lag_ns,
                         "behind", (json_int_t)seat->lag_frames, "out", (json_int_t)seat->out, "held",
                         (json_int_t)seat->held, "held_bytes", (json_int_t)seat->held_bytes);
}

static bool
print_json(const struct seats *seats)
{
        json_t *array = json_array();

        for (size_t i = 0; i < seats->count; i++)
                json_array_append_new(array, seats->which == WHICH_DENIED ? refusal_json(&seats->seats[i])
                                                                          : seat_json(&seats->seats[i]));
        return cli_print_json(array, JSON_INDENT(2));
}

/* --------------------------------------------------------------------------------------------------------------- */

static int
print_seats(struct seats *seats, const struct cli_common *common)
{
        bool printed = true;

        if (seats->which == WHICH_HELD && seats->count > 0)
                qsort(seats->seats, seats->count, sizeof *seats->seats, more_held);
        if (seats->which == WHICH_LAG && seats->count > 0)
                qsort(seats->seats, seats->count, sizeof *seats->seats, more_lag);
        if (common->json)
                printed = print_json(seats);
        else if (seats->which == WHICH_DENIED)
                print_refusals(seats);
        else
                printed = print_table(seats);
        if (printed)
                return cli_finish("who");
        fprintf(stderr, "weir who: no memory for the list\n");
        return CLI_FAILED;
}

static int
ask(const struct cli_common *common, const char *topic, enum which which)
{
        struct seats seats = { .which = which };
        struct weir *bus;
        enum weir_result result;
        int code = cli_open(&bus, "who", common);

        if (code != CLI_OK)
                return code;
        result = weir_who(bus, topic, which == WHICH_DENIED, keep_seat, &seats);
        if (result == WEIR_OK && seats.failed)
                fprintf(stderr, "weir who: no memory for the list\n"), code = CLI_FAILED;
        else if (result != WEIR_OK)
                code = cli_failed("who", result);
        if (code == CLI_OK && topic != NULL && seats.seen == 0 && which != WHICH_DENIED) {
                missing_tell("who", bus, "no such topic: ", topic);
                code = CLI_NO_TOPIC;
        }
        cli_close(bus);
        if (code == CLI_OK)
                code = print_seats(&seats, common);
        forget_seats(&seats);
        return code;
}

int
verb_who(int argc, char **argv)
{
        static const struct option options[] = {
                { "held", no_argument, NULL, OPTION_HELD },
                { "lag", no_argument, NULL, OPTION_LAG },
                { "denied", no_argument, NULL, OPTION_DENIED },
                CLI_LONG,
        };
        struct cli_common common = CLI_COMMON;
        enum which which = WHICH_ALL;
        int option, code;

        while ((option = getopt_long(argc, argv, CLI_SHORT, options, NULL)) != -1) {
                if (option < OPTION_HELD) {
                        code = cli_common_option("who", option, argv, &common);
                        if (code != CLI_GO_ON)
                                return code;
                        continue;
                }
                if (which != WHICH_ALL)
                        return cli_usage("who", "one of --held, --lag and --denied at a time");
                which = (enum which)(WHICH_HELD + (option - OPTION_HELD));
        }
        if (argc - optind > 1)
                return cli_usage("who", "one TOPIC at a time: '%s' is too much (put patterns in quotes)",
                                 argv[optind + 1]);
        return ask(&common, argv[optind], which);
}
