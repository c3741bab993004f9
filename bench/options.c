/* Lists are comma separated. Each word of a list is looked up in a table, so that a refusal can print the table. */
#include "bench/options.h"

#include "bench/payload.h"
#include "bench/placement.h"
#include "bench/result.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One entry per word; `value` is what the caller stores. */
struct word {
        const char *name;
        int value;
};

static const struct word mode_words[] = {
        { "latency", BENCH_LATENCY }, { "stream", BENCH_STREAM }, { "loan", BENCH_LOAN }, { NULL, 0 }
};
static const struct word wait_words[] = { { "spin", BENCH_SPIN }, { "block", BENCH_BLOCK }, { NULL, 0 } };
static const struct word hash_words[] = {
        { "full", BENCH_HASH_FULL }, { "header", BENCH_HASH_HEADER }, { "none", BENCH_HASH_NONE }, { NULL, 0 }
};

enum { LIST_BYTES = 256, SIZE_MAX_BYTES = 1 << 30, WORDS_MAX = 16 };

static bool
refuse(const char *option, const char *text, const char *expected)
{
        fprintf(stderr, "weir-bench: --%s '%s': expected %s. Try weir-bench --help\n", option, text, expected);
        return false;
}

/* Calls add(user, word) for each word of the list. */
static bool
each_word(const char *list, bool (*add)(void *user, const char *word), void *user)
{
        char copy[LIST_BYTES], *word = copy, *comma;

        if (snprintf(copy, sizeof copy, "%s", list) >= LIST_BYTES)
                return false;
        while ((comma = strchr(word, ',')) != NULL) {
                *comma = '\0';
                if (!add(user, word))
                        return false;
                word = comma + 1;
        }
        return add(user, word);
}

struct word_list {
        const struct word *words;
        int values[BENCH_LIST_MAX];
        size_t count;
};

static bool
add_word(void *user, const char *text)
{
        struct word_list *list = user;

        for (const struct word *word = list->words; word->name && list->count < BENCH_LIST_MAX; word++) {
                if (strcmp(word->name, text) != 0)
                        continue;
                list->values[list->count++] = word->value;
                return true;
        }
        return false;
}

/* A list of words of one table; refuses with the words there are. */
static bool
read_words(struct word_list *list, const struct word *words, const char *option, const char *text)
{
        char expected[LIST_BYTES] = "a list of";

        *list = (struct word_list){ .words = words };
        if (each_word(text, add_word, list))
                return true;
        for (; words->name; words++)
                snprintf(expected + strlen(expected), sizeof expected - strlen(expected), " %s", words->name);
        return refuse(option, text, expected);
}

/* "33M": a number and k, M or G for powers of 1024. */
static bool
add_size(void *user, const char *text)
{
        struct bench_options *options = user;
        char *end;
        unsigned long long value = strtoull(text, &end, 10);
        int shift = *end == 'k' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;

        if (text[0] < '0' || text[0] > '9' || (shift != 0 ? end[1] : end[0]) != '\0' || value > SIZE_MAX_BYTES)
                return false;
        value <<= shift;
        if (value < BENCH_SIZE_MIN || value > SIZE_MAX_BYTES || options->size_count == BENCH_LIST_MAX)
                return false;
        options->sizes[options->size_count++] = value;
        return true;
}

static bool
read_sizes(struct bench_options *options, const char *text)
{
        options->size_count = 0;
        return each_word(text, add_size, options) ? true : refuse("size", text, "sizes from 8 to 1G, as 32,4k,1M,33M");
}

static bool
read_vs(struct bench_options *options, const char *text)
{
        struct word words[WORDS_MAX] = { { NULL, 0 } };
        struct word_list list;
        int known = 0;

        options->vs_count = 0;
        if (strcmp(text, "none") == 0)
                return true;
        for (; known < WORDS_MAX - 1 && options->peers[known]; known++)
                words[known] = (struct word){ options->peers[known]->name, known };
        if (!read_words(&list, words + 1, "vs", text))
                return false;
        for (size_t i = 0; i < list.count; i++)
                options->vs[options->vs_count++] = options->peers[list.values[i]];
        return true;
}

static bool
read_pin(struct bench_options *options, const char *text)
{
        char *end;
        long a = strtol(text, &end, 10), b;

        if (end == text || *end != ',')
                return refuse("pin", text, "two processors, as 0,1");
        text = end + 1;
        b = strtol(text, &end, 10);
        if (end == text || *end != '\0' || !bench_placement_allowed((int)a) || !bench_placement_allowed((int)b))
                return refuse("pin", text, "two processors that this process may use, as 0,1");
        options->cpus[0] = (int)a;
        options->cpus[1] = (int)b;
        return true;
}

static bool
read_runs(struct bench_options *options, const char *text)
{
        char *end;
        long runs = strtol(text, &end, 10);

        if (end == text || *end != '\0' || runs < 1 || runs > BENCH_RUNS_MAX)
                return refuse("runs", text, "a number from 1 to 101");
        options->runs = (int)runs;
        return true;
}

static bool
read_seconds(struct bench_options *options, const char *text)
{
        char *end;
        double seconds = strtod(text, &end);

        if (end == text || *end != '\0' || !(seconds >= 0.001 && seconds <= 3600))
                return refuse("time", text, "seconds from 0.001 to 3600");
        options->seconds = seconds;
        return true;
}

bool
bench_options_percent(const char *text, double *share)
{
        char *end;
        double percent = strtod(text, &end);

        if (end == text || !(percent >= 0 && percent <= 1000) || (strcmp(end, "%") != 0 && *end != '\0'))
                return false;
        *share = percent / 100;
        return true;
}

static bool
read_lists(struct bench_options *options, int option, const char *text)
{
        struct word_list list;

        switch (option) {
        case 'm':
                options->mode_count = read_words(&list, mode_words, "mode", text) ? list.count : 0;
                for (size_t i = 0; i < options->mode_count; i++)
                        options->modes[i] = (enum bench_mode)list.values[i];
                return options->mode_count > 0;
        case 'w':
                options->wait_count = read_words(&list, wait_words, "wait", text) ? list.count : 0;
                for (size_t i = 0; i < options->wait_count; i++)
                        options->waits[i] = (enum bench_wait)list.values[i];
                return options->wait_count > 0;
        default:
                options->hash_count = read_words(&list, hash_words, "hash", text) ? list.count : 0;
                for (size_t i = 0; i < options->hash_count; i++)
                        options->hashes[i] = (enum bench_hash)list.values[i];
                return options->hash_count > 0;
        }
}

static void
read_quick(struct bench_options *options)
{
        read_sizes(options, "32,1M");
        read_seconds(options, "0.02");
        read_runs(options, "1");
}

static bool
read_one(struct bench_options *options, int option, const char *text)
{
        switch (option) {
        case 's': return read_sizes(options, text);
        case 'v': return read_vs(options, text);
        case 'm':
        case 'w':
        case 'H': return read_lists(options, option, text);
        case 'r': return read_runs(options, text);
        case 't': return read_seconds(options, text);
        case 'p': return read_pin(options, text);
        case 'q': return true; /* was read first: it only changes the defaults */
        case 'j': return options->json = true;
        case 'f': return options->floors = true;
        case 'o': options->out = text; return true;
        case 'h': return options->help = true;
        default: fputs("Try weir-bench --help\n", stderr); return false;
        }
}

bool
bench_options_read(struct bench_options *options, int argc, char **argv, const struct bench_peer *const *peers)
{
        static const struct option known[] = {
                { "size", required_argument, NULL, 's' }, { "vs", required_argument, NULL, 'v' },
                { "wait", required_argument, NULL, 'w' }, { "hash", required_argument, NULL, 'H' },
                { "mode", required_argument, NULL, 'm' }, { "runs", required_argument, NULL, 'r' },
                { "time", required_argument, NULL, 't' }, { "pin", required_argument, NULL, 'p' },
                { "out", required_argument, NULL, 'o' },  { "json", no_argument, NULL, 'j' },
                { "quick", no_argument, NULL, 'q' },      { "floors", no_argument, NULL, 'f' },
                { "help", no_argument, NULL, 'h' },       { NULL, 0, NULL, 0 },
        };
        int option;

        *options = (struct bench_options){ .peers = peers, .runs = 3, .seconds = 0.2 };
        bench_placement_default(options->cpus);
        read_sizes(options, "32,4k,1M,33M");
        read_lists(options, 'm', "latency,stream,loan");
        read_lists(options, 'w', "spin");
        read_lists(options, 'H', "full");
        for (size_t i = 0; peers[0] && peers[i + 1] && i < BENCH_LIST_MAX; i++)
                options->vs[options->vs_count++] = peers[i + 1];
        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], "--quick") == 0)
                        read_quick(options);
        optind = 1;
        while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
                if (!read_one(options, option, optarg))
                        return false;
        if (optind < argc)
                fprintf(stderr, "weir-bench: what is '%s'? Try weir-bench --help\n", argv[optind]);
        return optind == argc;
}

void
bench_options_help(const struct bench_peer *const *peers)
{
        puts("usage: weir bench [OPTION...]\n"
             "       weir bench compare A.json B.json [--fail-over 5%]\n"
             "       weir bench lane [OPTION...]     the bare lane beside the library\n"
             "       weir bench --path pipe|tcp [OPTION...]\n"
             "                                       weir relayed, beside a bare program over such a stream;\n"
             "                                       taken: the subscriber is relayed, given: the publisher is\n"
             "\n"
             "Measure weir beside other ways to get frames to another process, two processes each time, one table.\n"
             "\n"
             "  --size 32,4k,1M,33M   bytes of a frame, from 8 to 1G\n"
             "  --mode LIST           latency  one frame in flight, written and read whole\n"
             "                        stream   as many as fit, written and read whole\n"
             "                        loan     as latency, but the payload stays untouched\n"
             "                        default: all three\n"
             "  --vs LIST|none        whom to compare with; default: all of");
        for (size_t i = 1; peers[0] && peers[i]; i++)
                printf("                        %-8s %s\n", peers[i]->name, peers[i]->about);
        puts("  --wait spin,block     how both sides wait; default spin\n"
             "  --hash full,header,none   weir's hash policy; default full\n"
             "  --runs N              runs of each, taking turns (A B A B); medians are shown; default 3\n"
             "  --time SECONDS        measured time of a run; default 0.2\n"
             "  --pin A,B             processors of the two processes; default: the first two allowed\n"
             "  --json                one JSON document in place of the table\n"
             "  --out FILE            write that document to FILE, beside what is printed\n"
             "  --quick               other defaults: --size 32,1M (--path: 4k,1M) --time 0.02 --runs 1\n"
             "  --floors              measure weir's promised ratios, and say which are met\n"
             "  --help                this text\n"
             "\n"
             "Every frame is filled from a generator keyed with its number; where it arrives its words are added up\n"
             "and compared: the same functions for every peer. A run that lost or spoiled a frame is no result.\n"
             "\n"
             "Latency is half of a round trip with one frame in flight, from before the frame is written until after\n"
             "it is read. No frame waits behind another and none is scheduled, so no wait is omitted (coordinated\n"
             "omission) and none is made up; a stall is one sample, and the figures say nothing of queues. The line\n"
             "exchange is half of a round trip of one cache line: processors below 100 ns are near, others far.\n"
             "Compare like with like.\n"
             "\n"
             "exit: 0 done, 1 failed or a floor is not met, 2 usage, 7 data lost or wrong, or a regression\n"
             "\n"
             "example: weir bench --size 1M --vs pipe,ceiling --mode stream");
}
