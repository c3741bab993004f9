/*
 * weir pub: a file, a stream or lines become frames.
 *
 *      --frame-size N   lend N bytes, read the input into them, publish; the last frame may be shorter
 *      --lines          each line is a frame, without its end
 *      neither          the whole input is one frame
 */
#include "clients/cli/cli.h"
#include "clients/cli/document.h"
#include "clients/cli/pub_source.h"
#include "clients/cli/system.h"
#include "clients/cli/verbs.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char verb_pub_help[] =
        "usage: weir pub TOPIC [FILE|-] [OPTIONS]\n"
        "\n"
        "Publishes FILE or the standard input. Without --frame-size and --lines the whole input is one frame.\n"
        "\n"
        "  --frame-size SIZE   cut the input into frames of SIZE bytes (64k, 1M); they are read straight into\n"
        "                      shared memory. A shorter rest becomes a shorter last frame, which is said unless -q\n"
        "  --lines             each line is a frame\n"
        "  --rate HZ           at most so many frames a second\n"
        "  --type TYPE         what the bytes are, such as video/x-raw\n"
        "  --history N         keep the newest N frames for subscribers that join later, while it runs\n"
        "  --memory SIZE       what is in flight and kept takes at most this (memory_max); without it 512M, and up to\n"
        "                      1G when needed\n"
        "  --wait-readers N    begin when N subscribers are there\n"
        "  -n, --count COUNT   end after COUNT frames; -t, --seconds SECONDS after that time\n"
        "  -v                  say at the end what was published; --json the same as one object on stdout; -q: no\n"
        "                      more than failures\n"
        "  -b, --broker ADDRESS; --ticket @FILE: redeem a ticket (weir ticket new)\n"
        "\n"
        "Example:\n"
        "  ffmpeg -v error -i clip.ogv -pix_fmt yuv420p -f rawvideo - | weir pub cam/test --frame-size 153600\n";

enum {
        OPTION_FRAME_SIZE = CLI_VERB_OPTION,
        OPTION_LINES,
        OPTION_RATE,
        OPTION_TYPE,
        OPTION_HISTORY,
        OPTION_READERS,
        OPTION_MEMORY
};

#define BROKER_NS INT64_C(15000000000) /* so long a broker may be away: longer than a ticket is doubted */

struct arguments {
        struct cli_common common;
        const char *topic, *type, *path;
        uint64_t frame_size, history, readers, memory, rate_ns; /* rate_ns: between two frames, 0: none */
        bool lines;
};

struct counts {
        uint64_t frames, bytes, last_bytes;
        int64_t began_ns;
};

/* Waits until the topic's readers are there, or the time is up. */
static enum weir_result
wait_readers(struct weir *bus, struct weir_publisher *publisher, const struct arguments *arguments, int64_t until_ns)
{
        struct weir_info info = { .size = sizeof info };
        const struct weir_event *event;
        enum weir_result result;

        for (;;) {
                result = weir_publisher_info(publisher, &info);
                if (result != WEIR_OK || info.peers >= arguments->readers)
                        return result;
                if (weir_now() >= until_ns) {
                        if (!arguments->common.quiet)
                                fprintf(stderr,
                                        "weir pub: %llu of %llu subscriber%s came in time: nothing is published\n",
                                        (unsigned long long)info.peers, (unsigned long long)arguments->readers,
                                        cli_s(arguments->readers));
                        return WEIR_EMPTY;
                }
                /* Bounded, since a reader may have joined between the look and the wait. */
                result = weir_next(bus, 50 * 1000000, &event);
                if (result == WEIR_INTERRUPTED || result < 0)
                        return result;
        }
}

static void
sleep_until(int64_t when_ns)
{
        while (cli_interrupted() == 0 && !cli_system_sleep_until(when_ns))
                ;
}

/* Publishes frame after frame until the input, the count or the time ends. */
static enum weir_result
publish_all(struct weir_publisher *publisher, const struct arguments *arguments, struct pub_source *source,
            int64_t until_ns, struct counts *counts)
{
        enum weir_result result = WEIR_OK;
        uint64_t bytes;

        while (result == WEIR_OK && counts->frames < arguments->common.count && cli_interrupted() == 0) {
                if (arguments->rate_ns > 0)
                        sleep_until(counts->began_ns + (int64_t)(counts->frames * arguments->rate_ns));
                if (weir_now() >= until_ns)
                        break;
                result = pub_source_publish(source, publisher, &bytes);
                if (result != WEIR_OK)
                        break;
                counts->frames++;
                counts->bytes += bytes;
                counts->last_bytes = bytes;
        }
        return result == WEIR_ENDED ? WEIR_OK : result;
}

static void
print_counts(const struct arguments *arguments, const struct counts *counts)
{
        int64_t elapsed_ns = weir_now() - counts->began_ns;

        if (arguments->common.json)
                cli_print_json(json_pack("{s:s, s:I, s:I, s:I}", "topic", arguments->topic, "frames",
                                         (json_int_t)counts->frames, "bytes", (json_int_t)counts->bytes, "elapsed_ns",
                                         (json_int_t)elapsed_ns),
                               0);
        else if (arguments->common.verbose)
                fprintf(stderr, "weir pub: %llu frame%s, %llu byte%s in %.3f s\n", (unsigned long long)counts->frames,
                        cli_s(counts->frames), (unsigned long long)counts->bytes, cli_s(counts->bytes),
                        (double)elapsed_ns / 1e9);
}

/* The input was no whole number of frames: who reads pictures will want to know. */
static void
tell_short(const struct arguments *arguments, const struct counts *counts)
{
        if (counts->frames > 0 && counts->last_bytes < arguments->frame_size && !arguments->common.quiet)
                fprintf(stderr, "weir pub: the last frame has %llu byte%s, not the %llu of --frame-size\n",
                        (unsigned long long)counts->last_bytes, cli_s(counts->last_bytes),
                        (unsigned long long)arguments->frame_size);
}

/* The library speaks of its own options. */
static int
tell_failed(enum weir_result result)
{
        bool is_memory = strstr(weir_error(), "memory_max") != NULL;

        fprintf(stderr, "weir pub: %s%s\n", weir_error(), is_memory ? " (here: --memory SIZE)" : "");
        return cli_exit_code(result);
}

/* Frames of a relayed publisher are its own until they are on their way. Where the broker is gone, and its ticket
 * perhaps with it, they wait for it, and it is seen how many that leaves. */
static uint64_t
wait_sent(struct weir *bus, const struct weir_publisher *publisher)
{
        struct weir_info info = { .size = sizeof info };
        struct weir_broker_state state = { .size = sizeof state };
        const struct weir_event *event;
        uint64_t before = UINT64_MAX;
        int64_t moved_ns = weir_now();

        while (weir_publisher_info(publisher, &info) == WEIR_OK && info.unsent > 0 && cli_interrupted() == 0) {
                if (info.unsent != before)
                        moved_ns = weir_now();
                before = info.unsent;
                if (weir_now() - moved_ns > BROKER_NS && weir_broker_status(bus, &state) != WEIR_OK)
                        break; /* else a reader holds it up, which weir_publisher_close knows better */
                if (weir_next(bus, 20 * 1000000, &event) == WEIR_OK && event->kind == WEIR_REVOKED)
                        break;
        }
        return info.unsent;
}

static int
tell_unsent(const struct counts *counts, uint64_t unsent, int code)
{
        if (unsent == 0)
                return code;
        fprintf(stderr,
                "weir pub: %llu of %llu frame%s were not delivered: the broker was lost, and is not back or does not "
                "take them\n",
                (unsigned long long)unsent, (unsigned long long)counts->frames, cli_s(counts->frames));
        return code == CLI_OK ? CLI_DATA : code;
}

static int
publish_source(struct weir *bus, const struct arguments *arguments, struct pub_source *source)
{
        struct weir_format format = { .type = arguments->type, .encoding = "" };
        struct counts counts = { .began_ns = weir_now() };
        int64_t limit_ns = arguments->common.limit_ns;
        int64_t until_ns = limit_ns == INT64_MAX ? INT64_MAX : counts.began_ns + limit_ns;
        struct weir_publisher *publisher;
        enum weir_result result;
        int code = CLI_OK;

        result = weir_publisher_open(&publisher, bus, arguments->topic,
                                     WEIR_PUBLISHER(.format = arguments->type != NULL ? &format : NULL,
                                                    .history = (uint32_t)arguments->history,
                                                    .memory_max = arguments->memory));
        if (result != WEIR_OK)
                return tell_failed(result);
        if (arguments->readers > 0)
                result = wait_readers(bus, publisher, arguments, until_ns);
        if (result == WEIR_OK) {
                counts.began_ns = weir_now();
                result = publish_all(publisher, arguments, source, until_ns, &counts);
        }
        if (source->error != NULL) {
                fprintf(stderr, "weir pub: %s: %s\n", arguments->path, source->error);
                code = CLI_FAILED;
        } else if (result < 0) {
                code = tell_failed(result);
        }
        code = tell_unsent(&counts, wait_sent(bus, publisher), code);
        weir_publisher_close(publisher);
        tell_short(arguments, &counts);
        if (code == CLI_OK)
                print_counts(arguments, &counts);
        return code;
}

static int
publish(const struct arguments *arguments)
{
        struct pub_source source;
        struct weir *bus;
        intptr_t input = cli_system_input(arguments->path);
        int code;

        if (input == -1) {
                fprintf(stderr, "weir pub: %s: %s\n", arguments->path, cli_system_error());
                return CLI_FAILED;
        }
        code = cli_open(&bus, "pub", &arguments->common);
        if (code == CLI_OK) {
                pub_source_open(&source, input, arguments->lines, arguments->frame_size);
                code = publish_source(bus, arguments, &source);
                pub_source_close(&source);
                cli_close(bus);
        }
        cli_system_input_close(input);
        if (code == CLI_OK && cli_interrupted() != 0)
                return cli_interrupted();
        return code == CLI_OK ? cli_finish("pub") : code;
}

static bool
parse_rate(const char *text, uint64_t *rate_ns)
{
        char *end;
        double rate = strtod(text, &end);

        if (end == text || *end != '\0' || !(rate >= 1e-6 && rate <= 1e9))
                return false;
        *rate_ns = (uint64_t)(1e9 / rate);
        return true;
}

static int
parse_option(int option, char **argv, struct arguments *arguments)
{
        switch (option) {
        case OPTION_FRAME_SIZE:
                if (cli_size(optarg, &arguments->frame_size) && arguments->frame_size > 0)
                        return CLI_GO_ON;
                return cli_usage("pub", "'%s' is not a size: 3110400, 64k or 1M is one", optarg);
        case OPTION_LINES: arguments->lines = true; return CLI_GO_ON;
        case OPTION_RATE:
                if (parse_rate(optarg, &arguments->rate_ns))
                        return CLI_GO_ON;
                return cli_usage("pub", "'%s' is not a rate in Hz", optarg);
        case OPTION_TYPE: arguments->type = optarg; return CLI_GO_ON;
        case OPTION_HISTORY:
                if (cli_count(optarg, &arguments->history) && arguments->history < WEIR_NONE)
                        return CLI_GO_ON;
                return cli_usage("pub", "'%s' is not a number of frames", optarg);
        case OPTION_READERS:
                if (cli_count(optarg, &arguments->readers))
                        return CLI_GO_ON;
                return cli_usage("pub", "'%s' is not a number of subscribers", optarg);
        case OPTION_MEMORY:
                if (cli_size(optarg, &arguments->memory) && arguments->memory > 0)
                        return CLI_GO_ON;
                return cli_usage("pub", "'%s' is not a size: 64M or 2G is one", optarg);
        default: return cli_common_option("pub", option, argv, &arguments->common);
        }
}

int
verb_pub(int argc, char **argv)
{
        static const struct option options[] = {
                { "frame-size", required_argument, NULL, OPTION_FRAME_SIZE },
                { "lines", no_argument, NULL, OPTION_LINES },
                { "rate", required_argument, NULL, OPTION_RATE },
                { "type", required_argument, NULL, OPTION_TYPE },
                { "history", required_argument, NULL, OPTION_HISTORY },
                { "wait-readers", required_argument, NULL, OPTION_READERS },
                { "memory", required_argument, NULL, OPTION_MEMORY },
                CLI_LONG,
        };
        struct arguments arguments = { .common = CLI_COMMON, .path = "-" };
        int option, code = CLI_GO_ON;

        while (code == CLI_GO_ON && (option = getopt_long(argc, argv, CLI_SHORT, options, NULL)) != -1)
                code = parse_option(option, argv, &arguments);
        if (code != CLI_GO_ON)
                return code;
        if (optind == argc)
                return cli_usage("pub", "the TOPIC is missing");
        if (argc - optind > 2)
                return cli_usage("pub", "'%s' is too much", argv[optind + 2]);
        if (arguments.lines && arguments.frame_size > 0)
                return cli_usage("pub", "--lines and --frame-size exclude each other");
        arguments.topic = argv[optind];
        if (argc - optind == 2)
                arguments.path = argv[optind + 1];
        return publish(&arguments);
}
