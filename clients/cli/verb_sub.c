/*
 * weir sub: takes what is published on a topic, or on all that match a pattern, and shows it.
 *
 *      take without waiting -> show -> release, until there is nothing more -> flush -> wait
 *
 * The waits are bounded, so that what the bus tells of comings, goings and a lost broker appears while nothing comes.
 */
#include "clients/cli/cli.h"
#include "clients/cli/document.h"
#include "clients/cli/missing.h"
#include "clients/cli/sub_deadline.h"
#include "clients/cli/sub_output.h"
#include "clients/cli/verbs.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

const char verb_sub_help[] =
        "usage: weir sub TOPIC [OPTIONS]      (also: weir echo)\n"
        "\n"
        "Prints the frames of a topic as they come; waits for a publisher when there is none. TOPIC may be a pattern\n"
        "in quotes: topics that come later join by themselves, and each frame is shown with its topic (not by raw).\n"
        "\n"
        "  -o, --output FORM   text (a line a frame, the default), raw (the payload, nothing else), hex, json (one\n"
        "                      object a line), none (only the counts, at the end)\n"
        "  --full              text and hex show all of a frame, not only its first 4096 bytes\n"
        "  --keep N            newest N of each publisher, older ones are passed over: 1 is the newest only\n"
        "  --reliable          the publisher waits for me: nothing is lost\n"
        "  --type TYPE         connect only to publishers of this type\n"
        "  --until-end         end when the last publisher closes\n"
        "  --now               exit 4 when nobody publishes the topic now\n"
        "  --strict            exit 7 when a frame was lost or wrong\n"
        "  --deadline TIME     exit 6 when a topic had no frame for so long (10ms, 0.5): since the frame before, or\n"
        "                      since its first publisher joined, or since the start when nobody publishes it (then a\n"
        "                      second at least)\n"
        "  -n, --count COUNT   end after COUNT frames; -t, --seconds SECONDS after that time\n"
        "  -v                  tell who comes and goes, and the counts at the end; -q: nothing of that\n"
        "  --json              the same as -o json; with -o none the counts as one object\n"
        "  -b, --broker ADDRESS; --ticket @FILE: redeem a ticket (weir ticket new)\n"
        "\n"
        "Example:\n"
        "  weir sub imu/raw -o json -n 10\n"
        "  weir sub 'imu/*' -o none --deadline 10ms --strict -t 60\n";

enum {
        OPTION_KEEP = CLI_VERB_OPTION,
        OPTION_RELIABLE,
        OPTION_TYPE,
        OPTION_UNTIL_END,
        OPTION_NOW,
        OPTION_STRICT,
        OPTION_FULL,
        OPTION_DEADLINE,
};
enum { WAIT_NS = 200 * 1000000 };

struct arguments {
        struct cli_common common;
        const char *topic, *type;
        uint64_t keep, bytes_shown;
        int64_t deadline_ns; /* 0: none */
        int output;          /* enum sub_output, -1: not given */
        bool reliable, until_end, now, strict;
};

/* What the bus tells beside the frames: sentences for stderr. `said`: take has answered with this result, and its
 * sentence is out already. */
static void
tell_events(struct weir *bus, const struct cli_common *common, enum weir_result said, struct sub_deadline *deadline)
{
        const struct weir_event *event;

        while (weir_next(bus, WEIR_NOW, &event) == WEIR_OK) {
                if (event->kind == WEIR_FRAMES)
                        return; /* level: it would be told for ever */
                if (event->kind == WEIR_JOINED)
                        sub_deadline_joined(deadline, event->topic, weir_now());
                if (said >= 0 || event->reason != (int32_t)said)
                        cli_tell("sub", event, common);
        }
}

static int64_t
wait_ns(int64_t until_ns, const struct sub_deadline *deadline)
{
        int64_t due_ns = sub_deadline_next_ns(deadline);
        int64_t left_ns = (due_ns < until_ns ? due_ns : until_ns) - weir_now();
        int64_t most_ns = WAIT_NS;

        if (deadline->limit_ns > 0 && deadline->limit_ns < 2 * most_ns)
                most_ns = deadline->limit_ns / 2 + 1000000; /* so that who joins is seen to, in time */
        return left_ns < 0 ? 0 : left_ns < most_ns ? left_ns : most_ns;
}

/* Takes until the count, the time, a missed deadline, the last publisher or a signal ends it. WEIR_OK: it ended as
 * asked. */
static enum weir_result
take_all(struct weir *bus, struct weir_subscriber *subscriber, const struct arguments *arguments,
         struct sub_deadline *deadline)
{
        int64_t limit_ns = arguments->common.limit_ns;
        int64_t until_ns = limit_ns == INT64_MAX ? INT64_MAX : weir_now() + limit_ns;
        const struct weir_frame *frame;
        bool is_pattern = strchr(arguments->topic, '*') != NULL;
        enum weir_result result;
        uint64_t frames = 0;

        while (frames < arguments->common.count && cli_interrupted() == 0 && !ferror(stdout)) {
                int64_t looked_ns = deadline->limit_ns > 0 ? weir_now() : 0;

                result = weir_take(subscriber, WEIR_NOW, &frame);
                if (result == WEIR_EMPTY) {
                        fflush(stdout);
                        tell_events(bus, &arguments->common, WEIR_OK, deadline);
                        if (!sub_deadline_silence(deadline, looked_ns) || weir_now() >= until_ns)
                                return WEIR_OK;
                        result = weir_take(subscriber, wait_ns(until_ns, deadline), &frame);
                }
                if (result == WEIR_EMPTY || result == WEIR_INTERRUPTED)
                        continue;
                if (result != WEIR_OK)
                        return result == WEIR_ENDED ? WEIR_OK : result;
                frames++;
                sub_output_frame((enum sub_output)arguments->output, frame, arguments->bytes_shown, is_pattern);
                sub_deadline_frame(deadline, frame);
                weir_release(frame);
                if (deadline->is_missed)
                        return WEIR_OK;
        }
        return WEIR_OK;
}

static void
print_counts(const struct arguments *arguments, const struct weir_info *info, int64_t elapsed_ns)
{
        FILE *stream = arguments->output == SUB_NONE ? stdout : stderr;

        if (arguments->output == SUB_NONE && arguments->common.json)
                cli_print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "topic", arguments->topic, "frames",
                                         (json_int_t)info->frames, "bytes", (json_int_t)info->bytes, "lost",
                                         (json_int_t)info->lost, "skipped", (json_int_t)info->skipped, "corrupt",
                                         (json_int_t)info->corrupt, "elapsed_ns", (json_int_t)elapsed_ns),
                               0);
        else if (arguments->output == SUB_NONE || arguments->common.verbose)
                fprintf(stream, "%llu frame%s, %llu byte%s in %.3f s, lost %llu, skipped %llu, corrupt %llu\n",
                        (unsigned long long)info->frames, cli_s(info->frames), (unsigned long long)info->bytes,
                        cli_s(info->bytes), (double)elapsed_ns / 1e9, (unsigned long long)info->lost,
                        (unsigned long long)info->skipped, (unsigned long long)info->corrupt);
}

static int
take_and_report(struct weir *bus, const struct arguments *arguments)
{
        struct weir_subscriber *subscriber;
        struct weir_info info = { .size = sizeof info };
        struct sub_deadline deadline;
        int64_t began_ns = weir_now();
        enum weir_result result;
        int code;

        result = weir_subscriber_open(&subscriber, bus, arguments->topic,
                                      WEIR_SUBSCRIBER(.delivery = arguments->reliable ? WEIR_RELIABLE : WEIR_LOSSY,
                                                      .keep = (uint32_t)arguments->keep, .type = arguments->type,
                                                      .until_end = arguments->until_end));
        if (result != WEIR_OK)
                return cli_failed("sub", result);
        sub_deadline_begin(&deadline, arguments->topic, arguments->deadline_ns, weir_now());
        result = take_all(bus, subscriber, arguments, &deadline);
        code = result < 0 ? cli_failed("sub", result) : CLI_OK;
        tell_events(bus, &arguments->common, result, &deadline);
        weir_subscriber_info(subscriber, &info);
        print_counts(arguments, &info, weir_now() - began_ns);
        weir_subscriber_close(subscriber);
        if (cli_interrupted() == 0)
                sub_deadline_close(&deadline);
        if (code != CLI_OK)
                return code;
        if (deadline.is_missed) {
                fflush(stdout); /* what came stands before what did not */
                fprintf(stderr, "weir sub: deadline missed: %s\n", deadline.text);
                return CLI_DEADLINE;
        }
        if (info.corrupt > 0 || (info.lost > 0 && (arguments->strict || arguments->reliable))) {
                fprintf(stderr, "weir sub: lost %llu, corrupt %llu\n", (unsigned long long)info.lost,
                        (unsigned long long)info.corrupt);
                return CLI_DATA;
        }
        return CLI_OK;
}

static int
subscribe(const struct arguments *arguments)
{
        struct weir *bus;
        uint64_t publishers = 0;
        enum weir_result result = WEIR_OK;
        int code = cli_open(&bus, "sub", &arguments->common);

        if (code != CLI_OK)
                return code;
        if (arguments->now)
                result = missing_publishers(bus, arguments->topic, &publishers);
        if (result != WEIR_OK) {
                code = cli_failed("sub", result);
        } else if (arguments->now && publishers == 0) {
                missing_tell("sub", bus, "no such topic: nobody publishes ", arguments->topic);
                code = CLI_NO_TOPIC;
        } else {
                code = take_and_report(bus, arguments);
        }
        cli_close(bus);
        if (code == CLI_OK && cli_interrupted() != 0)
                return cli_interrupted();
        return code == CLI_OK ? cli_finish("sub") : code;
}

static int
parse_option(int option, char **argv, struct arguments *arguments)
{
        switch (option) {
        case 'o':
                arguments->output = sub_output_named(optarg);
                if (arguments->output >= 0)
                        return CLI_GO_ON;
                return cli_usage("sub", "'%s' is none of text, raw, hex, json, none", optarg);
        case OPTION_KEEP:
                if (cli_count(optarg, &arguments->keep) && arguments->keep > 0 && arguments->keep < WEIR_NONE)
                        return CLI_GO_ON;
                return cli_usage("sub", "'%s' is not a number of frames", optarg);
        case OPTION_RELIABLE: arguments->reliable = true; return CLI_GO_ON;
        case OPTION_TYPE: arguments->type = optarg; return CLI_GO_ON;
        case OPTION_UNTIL_END: arguments->until_end = true; return CLI_GO_ON;
        case OPTION_NOW: arguments->now = true; return CLI_GO_ON;
        case OPTION_STRICT: arguments->strict = true; return CLI_GO_ON;
        case OPTION_DEADLINE:
                if (cli_seconds(optarg, &arguments->deadline_ns) && arguments->deadline_ns > 0)
                        return CLI_GO_ON;
                return cli_usage("sub", "'%s' is not a time: 10ms or 0.5 is one", optarg);
        case OPTION_FULL: arguments->bytes_shown = UINT64_MAX; return CLI_GO_ON;
        default: return cli_common_option("sub", option, argv, &arguments->common);
        }
}

int
verb_sub(int argc, char **argv)
{
        static const struct option options[] = {
                { "output", required_argument, NULL, 'o' },
                { "keep", required_argument, NULL, OPTION_KEEP },
                { "reliable", no_argument, NULL, OPTION_RELIABLE },
                { "type", required_argument, NULL, OPTION_TYPE },
                { "until-end", no_argument, NULL, OPTION_UNTIL_END },
                { "now", no_argument, NULL, OPTION_NOW },
                { "strict", no_argument, NULL, OPTION_STRICT },
                { "deadline", required_argument, NULL, OPTION_DEADLINE },
                { "full", no_argument, NULL, OPTION_FULL },
                CLI_LONG,
        };
        struct arguments arguments = { .common = CLI_COMMON, .output = -1, .bytes_shown = SUB_BYTES_SHOWN };
        int option, code = CLI_GO_ON;

        while (code == CLI_GO_ON && (option = getopt_long(argc, argv, CLI_SHORT "o:", options, NULL)) != -1)
                code = parse_option(option, argv, &arguments);
        if (code != CLI_GO_ON)
                return code;
        if (optind == argc)
                return cli_usage("sub", "the TOPIC is missing");
        if (argc - optind > 1)
                return cli_usage("sub", "one TOPIC at a time: '%s' is too much", argv[optind + 1]);
        if (arguments.output < 0)
                arguments.output = arguments.common.json ? SUB_JSON : SUB_TEXT;
        arguments.topic = argv[optind];
        return subscribe(&arguments);
}
