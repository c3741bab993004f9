/*
 * weir hz: how often topics publish, how much, how regularly, how late it arrives here, and what was lost.
 *
 *      TOPIC      HZ     MB/S   JITTER   P50    P99    LOST  FRAMES
 *      cam/front  60.0   186.6  1.2 ms   31 us  90 us     0     300
 *
 * Takes every frame without looking at its payload, newest of now: history does not count. With -t one table at the
 * end, without it one a second, each of its own second.
 */
#include "clients/cli/cli.h"
#include "clients/cli/document.h"
#include "clients/cli/meter.h"
#include "clients/cli/missing.h"
#include "clients/cli/table.h"
#include "clients/cli/verbs.h"

#include <jansson.h>
#include <stdio.h>

const char verb_hz_help[] =
        "usage: weir hz PATTERN [OPTIONS]      (also: weir bw)\n"
        "\n"
        "Measures topics: frames a second, payload, JITTER (the deviation of the time between two frames of a\n"
        "publisher), how long a frame takes from its publisher to here (P50 and P99 of all), and how many were lost\n"
        "on the way. A table a second, or with -t one table of the whole time. Put patterns in quotes. Exit 4 when\n"
        "nothing came and nobody publishes it at the end of -t.\n"
        "\n"
        "  --reliable              the publishers wait for me: nothing is lost, and I may slow them down\n"
        "  -t, --seconds SECONDS   measure for so long; -n, --count COUNT: until so many frames came\n"
        "  --json                  an array of objects; without -t and -n an object a line\n"
        "  -b, --broker ADDRESS\n"
        "\n"
        "Example:\n"
        "  weir hz 'imu/*' -t 5 --json\n";

enum { OPTION_RELIABLE = CLI_VERB_OPTION };
enum { PERIOD_NS = 1000000000, WAIT_NS = 100 * 1000000, OUT_MAX = 64 };

struct measuring {
        struct cli_common common;
        const char *pattern;
        bool reliable, is_endless; /* neither -t nor -n */
        struct meters meters;
        uint64_t frames;
        int64_t began_ns, until_ns;
        int64_t quiet_ns; /* when to say that nothing comes; INT64_MAX: it was said */
};

/* ---- what is told ---------------------------------------------------------------------------------------------- */

static json_t *
meter_json(const struct meter *meter, int64_t elapsed_ns)
{
        double seconds = (double)elapsed_ns / 1e9;

        return json_pack("{s:s, s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I}", "topic", meter->topic, "frames",
                         (json_int_t)meter->frames, "hz", (double)meter->frames / seconds, "bytes_per_second",
                         (double)meter->bytes / seconds, "jitter_ns", meter_jitter_ns(meter), "latency_p50_ns",
                         (json_int_t)meter_latency_ns(meter, 0.5), "latency_p99_ns",
                         (json_int_t)meter_latency_ns(meter, 0.99), "lost", (json_int_t)meter->lost, "publishers",
                         (json_int_t)meter->source_count, "elapsed_ns", (json_int_t)elapsed_ns);
}

static bool
print_json(const struct measuring *m, int64_t elapsed_ns)
{
        json_t *array = json_array();

        for (size_t i = 0; i < m->meters.count; i++)
                json_array_append_new(array, meter_json(m->meters.by_topic[i], elapsed_ns));
        return cli_print_json(array, JSON_INDENT(2));
}

static bool
print_json_lines(const struct measuring *m, int64_t elapsed_ns)
{
        bool printed = true;

        for (size_t i = 0; i < m->meters.count && printed; i++)
                printed = cli_print_json(meter_json(m->meters.by_topic[i], elapsed_ns), 0);
        return printed;
}

static bool
print_table(const struct measuring *m, int64_t elapsed_ns)
{
        static const char *const headings[] = {
                "TOPIC", ">HZ", ">MB/S", ">JITTER", ">P50", ">P99", ">LOST", ">FRAMES"
        };
        double seconds = (double)elapsed_ns / 1e9;
        struct table table;

        table_open(&table, headings, 8);
        for (size_t i = 0; i < m->meters.count; i++) {
                const struct meter *meter = m->meters.by_topic[i];

                table_add(&table, "%s", meter->topic);
                table_add(&table, "%.1f", (double)meter->frames / seconds);
                table_add(&table, "%.2f", (double)meter->bytes / seconds / 1e6);
                table_add_time(&table, (int64_t)meter_jitter_ns(meter));
                table_add_time(&table, meter_latency_ns(meter, 0.5));
                table_add_time(&table, meter_latency_ns(meter, 0.99));
                table_add(&table, "%llu", (unsigned long long)meter->lost);
                table_add(&table, "%llu", (unsigned long long)meter->frames);
        }
        return table_print(&table);
}

/* Nothing came: because nobody publishes, or although somebody does? CLI_OK or an exit code. */
static int
tell_quiet(struct measuring *m, struct weir *bus)
{
        uint64_t publishers;

        m->quiet_ns = INT64_MAX;
        if (missing_publishers(bus, m->pattern, &publishers) != WEIR_OK)
                return CLI_OK; /* what happened to the broker is an event */
        if (publishers == 0)
                missing_tell("hz", bus, "no frame came: nobody publishes ", m->pattern);
        else
                fprintf(stderr, "weir hz: no frame came: '%s' has %llu publisher%s, which published none meanwhile\n",
                        m->pattern, (unsigned long long)publishers, cli_s(publishers));
        return publishers == 0 ? CLI_NO_TOPIC : CLI_OK;
}

/* The figures since `began_ns`. False: no memory. */
static bool
print_period(struct measuring *m, int64_t now_ns)
{
        int64_t elapsed_ns = now_ns > m->began_ns ? now_ns - m->began_ns : 1;
        bool printed = true;

        if (m->meters.count == 0 && (m->is_endless || !m->common.json)) {
                m->began_ns = now_ns; /* a table of nothing tells nothing */
                return true;
        }
        if (m->common.json)
                printed = (m->is_endless ? print_json_lines : print_json)(m, elapsed_ns);
        else
                printed = print_table(m, elapsed_ns);
        if (m->is_endless && !m->common.json)
                putchar('\n');
        fflush(stdout);
        meters_begin(&m->meters);
        m->began_ns = now_ns;
        return printed;
}

/* ---- measuring ------------------------------------------------------------------------------------------------- */

/* What the bus has to say beside the frames: sentences for stderr. */
static void
tell_events(struct weir *bus, const struct cli_common *common)
{
        const struct weir_event *event;

        while (weir_next(bus, WEIR_NOW, &event) == WEIR_OK && event->kind != WEIR_FRAMES)
                cli_tell("hz", event, common);
}

/* Where the next look at the clock has to do something. */
static int64_t
period_end(const struct measuring *m)
{
        return m->is_endless ? m->began_ns + PERIOD_NS : m->until_ns;
}

static enum weir_result
measure(struct weir *bus, struct weir_subscriber *subscriber, struct measuring *m)
{
        const struct weir_frame *frame;

        while (cli_interrupted() == 0 && !ferror(stdout) && m->frames < m->common.count) {
                int64_t now_ns = weir_now(), left_ns = period_end(m) - now_ns;
                enum weir_result result;

                if (left_ns <= 0 && (!m->is_endless || !print_period(m, now_ns)))
                        break;
                if (m->frames == 0 && now_ns >= m->quiet_ns)
                        tell_quiet(m, bus);
                result = weir_take(subscriber, WEIR_NOW, &frame);
                if (result == WEIR_EMPTY) {
                        tell_events(bus, &m->common);
                        result = weir_take(subscriber, left_ns < 0 ? 0 : left_ns < WAIT_NS ? left_ns : WAIT_NS, &frame);
                }
                if (result < 0 && result != WEIR_E_EVICTED)
                        return result;
                if (result != WEIR_OK)
                        continue;
                m->frames++;
                if (!meters_count(&m->meters, frame, weir_now()))
                        m->common.count = 0; /* no memory for more: what there is is told */
                weir_release(frame);
        }
        return WEIR_OK;
}

static int
subscribe(struct measuring *m)
{
        struct weir_subscriber *subscriber;
        struct weir *bus;
        enum weir_result result;
        int code = cli_open(&bus, "hz", &m->common);

        if (code != CLI_OK)
                return code;
        result =
                weir_subscriber_open(&subscriber, bus, m->pattern,
                                     WEIR_SUBSCRIBER(.delivery = m->reliable ? WEIR_RELIABLE : WEIR_LOSSY,
                                                     .history = WEIR_NONE, .frames_max = OUT_MAX, .verify = WEIR_NONE));
        if (result != WEIR_OK) {
                code = cli_failed("hz", result);
        } else {
                m->began_ns = weir_now();
                m->until_ns = m->common.limit_ns == INT64_MAX ? INT64_MAX : m->began_ns + m->common.limit_ns;
                m->quiet_ns = m->until_ns == INT64_MAX ? m->began_ns + PERIOD_NS : INT64_MAX; /* else at the end */
                result = measure(bus, subscriber, m);
                code = result < 0 ? cli_failed("hz", result) : CLI_OK;
                weir_subscriber_close(subscriber);
        }
        if (code == CLI_OK && m->frames == 0 && m->until_ns != INT64_MAX && cli_interrupted() == 0)
                code = tell_quiet(m, bus);
        if ((code == CLI_OK || code == CLI_NO_TOPIC) && !m->is_endless && !print_period(m, weir_now())) {
                fprintf(stderr, "weir hz: no memory for the table\n");
                code = CLI_FAILED;
        }
        cli_close(bus);
        meters_free(&m->meters);
        if (code == CLI_OK && cli_interrupted() != 0)
                return cli_interrupted();
        return code == CLI_OK ? cli_finish("hz") : code;
}

int
verb_hz(int argc, char **argv)
{
        static const struct option options[] = { { "reliable", no_argument, NULL, OPTION_RELIABLE }, CLI_LONG };
        struct measuring measuring = { .common = CLI_COMMON };
        int option, code;

        while ((option = getopt_long(argc, argv, CLI_SHORT, options, NULL)) != -1) {
                if (option == OPTION_RELIABLE)
                        measuring.reliable = true;
                else if ((code = cli_common_option("hz", option, argv, &measuring.common)) != CLI_GO_ON)
                        return code;
        }
        if (optind == argc)
                return cli_usage("hz", "the PATTERN is missing: '**' is every topic");
        if (argc - optind > 1)
                return cli_usage("hz", "one PATTERN at a time: '%s' is too much (put patterns in quotes)",
                                 argv[optind + 1]);
        measuring.pattern = argv[optind];
        measuring.is_endless = measuring.common.limit_ns == INT64_MAX && measuring.common.count == UINT64_MAX;
        return subscribe(&measuring);
}
