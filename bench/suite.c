/*
 *      for each mode, wait, size:   one group of  { first peer x hashes, the others }   -> a table, and into the JSON
 */
#include "bench/suite.h"

#include "bench/child.h"
#include "bench/floors.h"
#include "bench/options.h"
#include "bench/placement.h"
#include "bench/system.h"
#include "bench/ticks.h"

enum {
        GROUP_MAX = BENCH_LIST_MAX * BENCH_LIST_MAX,
        ARGUMENTS_MAX = 64,
        EXIT_OK = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_LOST = 7,
        EXIT_INTERRUPTED = 130,
};

struct suite {
        const struct bench_options *options;
        struct bench_place place;
        FILE *table; /* NULL with --json */
        json_t *document;
        bench_progress *progress;
        enum bench_verdict worst;
};

/* One line on a terminal that overwrites itself. */
static void
show_progress(const struct bench_result *result, int done, int all)
{
        char size[24];

        fprintf(stderr, "\r\033[K%s %s %s %s, run %d of %d", result->peer->name, bench_mode_name(result->terms.mode),
                bench_size_name(size, result->terms.size), bench_wait_name(result->terms.wait), done + 1, all);
}

static void
clear_progress(const struct suite *suite)
{
        if (suite->progress)
                fputs("\r\033[K", stderr);
}

/* A peer that hashes once per policy, any other once. */
static void
group_add(struct bench_group *group, const struct bench_options *options, const struct bench_peer *peer,
          struct bench_terms terms)
{
        for (size_t i = 0; i < (peer->hashes ? options->hash_count : 1) && group->count < GROUP_MAX; i++) {
                terms.hash = options->hashes[i];
                group->results[group->count++] = (struct bench_result){ .peer = peer, .terms = terms };
        }
}

static void
suite_group(struct suite *suite, const struct bench_terms *terms)
{
        static struct bench_result results[GROUP_MAX];
        const struct bench_options *options = suite->options;
        struct bench_group group = { results, 0 };
        enum bench_verdict verdict;

        group_add(&group, options, options->peers[0], *terms);
        for (size_t i = 0; i < options->vs_count; i++)
                group_add(&group, options, options->vs[i], *terms);
        verdict = bench_group_run(&group, &suite->place, options->runs, suite->progress);
        suite->worst = verdict > suite->worst ? verdict : suite->worst;
        clear_progress(suite);
        if (suite->table)
                bench_table_group(suite->table, &group);
        bench_json_group(suite->document, &group);
        bench_group_close(&group);
}

static void
suite_groups(struct suite *suite)
{
        const struct bench_options *o = suite->options;

        for (size_t m = 0; m < o->mode_count; m++)
                for (size_t w = 0; w < o->wait_count; w++)
                        for (size_t s = 0; s < o->size_count && suite->worst != BENCH_INTERRUPTED; s++)
                                suite_group(suite, &(struct bench_terms){ .mode = o->modes[m],
                                                                          .wait = o->waits[w],
                                                                          .size = o->sizes[s] });
}

static bool
suite_write(const struct suite *suite)
{
        const char *path = suite->options->out;
        FILE *file;
        bool written;

        if (suite->options->json && (json_dumpf(suite->document, stdout, JSON_INDENT(2)) < 0 || puts("") < 0))
                return false;
        if (!path)
                return true;
        file = bench_system_open(path, "w");
        written = file && json_dumpf(suite->document, file, JSON_INDENT(2)) == 0;
        if (file && fclose(file) != 0)
                written = false;
        if (!written)
                fprintf(stderr, "weir-bench: %s: %s\n", path, bench_system_error());
        return written;
}

static int
exit_code(enum bench_verdict verdict)
{
        static const int codes[] = { [BENCH_OK] = EXIT_OK,
                                     [BENCH_FAILED] = EXIT_FAILED,
                                     [BENCH_LOST] = EXIT_LOST,
                                     [BENCH_INTERRUPTED] = EXIT_INTERRUPTED };

        return codes[verdict];
}

static int
suite_run(const struct bench_options *options)
{
        struct suite suite = {
                .options = options,
                .place = { .cpus = { options->cpus[0], options->cpus[1] },
                           .run_ns = (int64_t)(options->seconds * 1e9) },
                .table = options->json ? NULL : stdout,
                .progress = bench_system_terminal() ? show_progress : NULL,
        };
        struct bench_machine machine;
        double line_ns;
        bool written;

        bench_ticks_calibrate();
        bench_machine_read(&machine);
        line_ns = bench_placement_line_ns(suite.place.cpus);
        suite.document = bench_json_document(&machine, &suite.place, line_ns, options->runs);
        if (!suite.document)
                return EXIT_FAILED;
        if (suite.table)
                bench_table_head(suite.table, &machine, &suite.place, line_ns, options->runs);
        fflush(stdout); /* what waits in the buffer would be written by each child, too */
        if (options->floors) {
                suite.worst =
                        bench_floors_run(&suite.place, options->runs, suite.table, suite.document, suite.progress);
                clear_progress(&suite);
        } else {
                suite_groups(&suite);
        }
        written = suite_write(&suite);
        json_decref(suite.document);
        return written || suite.worst != BENCH_OK ? exit_code(suite.worst) : EXIT_FAILED;
}

int
bench_suite_main(int argc, char **argv, const struct bench_peer *const *peers, const char *const *defaults)
{
        struct bench_options options;
        char *arguments[ARGUMENTS_MAX];
        int count = 0;

        bench_run_knows(peers);
        bench_child_begin(argc, argv);
        arguments[count++] = argv[0];
        while (defaults && *defaults)
                arguments[count++] = (char *)(uintptr_t)*defaults++;
        if (count + argc > ARGUMENTS_MAX) {
                fputs("weir-bench: too many arguments\n", stderr);
                return EXIT_USAGE;
        }
        for (int i = 1; i < argc; i++)
                arguments[count++] = argv[i];
        arguments[count] = NULL;
        if (!bench_options_read(&options, count, arguments, peers))
                return EXIT_USAGE;
        if (options.help) {
                bench_options_help(peers);
                return EXIT_OK;
        }
        return suite_run(&options);
}
