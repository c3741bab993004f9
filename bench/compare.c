/*
 * Results meet by (peer, mode, size, wait, hash). Latencies must not grow, rates must not fall, by more than
 * --fail-over. Only weir's own results can fail the comparison: that a pipe became slower is the machine's doing, and
 * shown. A result that A has and B lost is a failure; one measured on another placement is not compared, since
 * everything that goes through the caches differs there.
 */
#include "bench/compare.h"

#include "bench/options.h"
#include "bench/result.h"
#include "bench/system.h"

#include <getopt.h>
#include <jansson.h>
#include <string.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_REGRESSION = 7 };

struct comparison {
        double fail_over;
        int compared, worse;
};

static const char *
text_of(const json_t *value, const char *key)
{
        const char *text = json_string_value(json_object_get(value, key));

        return text ? text : "";
}

static json_t *
document_open(const char *path)
{
        json_error_t error;
        FILE *file = bench_system_open(path, "r");
        json_t *document = file ? json_loadf(file, 0, &error) : NULL;

        if (file)
                fclose(file);
        if (!file)
                fprintf(stderr, "weir-bench: %s: %s\n", path, bench_system_error());
        else if (!document)
                fprintf(stderr, "weir-bench: %s:%d:%d: %s\n", path, error.line, error.column, error.text);
        else if (json_is_array(json_object_get(document, "results")))
                return document;
        else
                fprintf(stderr, "weir-bench: %s: not written by weir-bench --json\n", path);
        json_decref(document);
        return NULL;
}

static bool
same_terms(const json_t *a, const json_t *b)
{
        static const char *const keys[] = { "peer", "mode", "wait", "hash" };

        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
                if (strcmp(text_of(a, keys[i]), text_of(b, keys[i])) != 0)
                        return false;
        return json_integer_value(json_object_get(a, "size")) == json_integer_value(json_object_get(b, "size"));
}

static const json_t *
result_find(const json_t *document, const json_t *like)
{
        size_t i;
        json_t *result;

        json_array_foreach(json_object_get(document, "results"), i, result)
        {
                if (same_terms(result, like))
                        return result;
        }
        return NULL;
}

/* The median of the mode's main figure; negative when there is none. */
static double
main_figure(const json_t *result)
{
        bool streams = strcmp(text_of(result, "mode"), "stream") == 0;
        const char *name = bench_figure_name(bench_figure_main(streams ? BENCH_STREAM : BENCH_LATENCY));
        const json_t *figure = json_object_get(json_object_get(result, "figures"), name);

        return figure ? json_number_value(json_object_get(figure, "median")) : -1;
}

static void
print_terms(const json_t *result)
{
        char size[24];

        bench_size_name(size, (uint64_t)json_integer_value(json_object_get(result, "size")));
        printf("%-8s %-8s %6s %-6s %-7s", text_of(result, "peer"), text_of(result, "mode"), size,
               text_of(result, "wait"), text_of(result, "hash"));
}

static void
compare_figures(struct comparison *c, const json_t *a, const json_t *b)
{
        bool grows_well = strcmp(text_of(a, "mode"), "stream") == 0;
        bool ours = strcmp(text_of(a, "peer"), "weir") == 0;
        double before = main_figure(a), after = main_figure(b), change, worsening;

        if (!(before > 0) || after < 0) {
                printf("  no figure in %s\n", before > 0 ? "B" : "A");
                c->worse += ours && before > 0;
                return;
        }
        change = after / before - 1;
        worsening = grows_well ? -change : change;
        c->compared += ours;
        c->worse += ours && worsening > c->fail_over;
        printf(" %12.3f -> %12.3f %s  %+6.1f %%%s\n", before, after, grows_well ? "GB/s" : "ns  ", change * 100,
               ours && worsening > c->fail_over ? "  WORSE" : "");
}

static void
compare_result(struct comparison *c, const json_t *a, const json_t *document_b)
{
        const json_t *b = result_find(document_b, a);

        print_terms(a);
        if (!b)
                puts("  not in B");
        else if (strcmp(text_of(a, "placement"), text_of(b, "placement")) != 0)
                printf("  not compared: cores %s in A, %s in B\n", text_of(a, "placement"), text_of(b, "placement"));
        else
                compare_figures(c, a, b);
}

static int
compare_documents(struct comparison *c, const char *path_a, const char *path_b)
{
        json_t *a = document_open(path_a), *b = document_open(path_b), *result;
        int code = EXIT_FAILED;
        size_t i;

        if (a && b) {
                json_array_foreach(json_object_get(a, "results"), i, result)
                {
                        compare_result(c, result, b);
                }
                code = c->worse > 0 ? EXIT_REGRESSION : c->compared > 0 ? EXIT_OK : EXIT_FAILED;
                printf("%d of weir's results compared, %d worse by more than %g %%\n", c->compared, c->worse,
                       c->fail_over * 100);
        }
        json_decref(a);
        json_decref(b);
        return code;
}

int
bench_compare(int argc, char **argv)
{
        static const struct option known[] = { { "fail-over", required_argument, NULL, 'f' }, { NULL, 0, NULL, 0 } };
        struct comparison comparison = { .fail_over = 0.05 };
        int option;

        optind = 1;
        while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
                if (option != 'f' || !bench_options_percent(optarg, &comparison.fail_over))
                        goto usage;
        if (argc - optind == 2)
                return compare_documents(&comparison, argv[optind], argv[optind + 1]);
usage:
        fputs("usage: weir bench compare A.json B.json [--fail-over 5%]\n", stderr);
        return EXIT_USAGE;
}
