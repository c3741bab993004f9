/*
 *      floor                                   figure of weir        over that of       must be
 *      32 bytes, one way, hash full            p50                   ceiling            <= 1.7
 *      32 bytes, streaming, hash full          GB/s                  ceiling            >= 0.4
 *      1 MiB written and read, hash full       GB/s                  pipe               >= 4 near, >= 1.5 far
 *      33 MiB loans untouched, hash none       p50                   4 KiB loans        <= 2
 *
 * Both figures of a ratio come from runs that took turns; the median of each counts.
 */
#include "bench/floors.h"

#include <string.h>

struct floor {
        const char *name;
        struct bench_terms terms;         /* of weir */
        const struct bench_peer *against; /* on the same terms, or weir itself with against_size */
        uint64_t against_size;
        bool at_most;
        double near, far;
};

static const struct floor floors[] = {
        { "32 bytes one way, spinning, hash full, over ceiling",
          { BENCH_LATENCY, BENCH_SPIN, BENCH_HASH_FULL, 32 },
          &bench_peer_ceiling,
          32,
          true,
          1.7,
          1.7 },
        { "32 bytes streaming, spinning, hash full, over ceiling",
          { BENCH_STREAM, BENCH_SPIN, BENCH_HASH_FULL, 32 },
          &bench_peer_ceiling,
          32,
          false,
          0.4,
          0.4 },
        { "1 MiB written and read, hash full, over pipe",
          { BENCH_STREAM, BENCH_SPIN, BENCH_HASH_FULL, 1 << 20 },
          &bench_peer_pipe,
          1 << 20,
          false,
          4,
          1.5 },
        { "loans of 33 MiB untouched, hash none, over loans of 4 KiB",
          { BENCH_LOAN, BENCH_SPIN, BENCH_HASH_NONE, 33 << 20 },
          &bench_peer_weir,
          4 << 10,
          true,
          2,
          2 },
};

/* What is asked depends on how far apart the processors were just then. */
static double
floor_limit(const struct floor *floor, const struct bench_result *result)
{
        return strcmp(result->placement, "far") == 0 ? floor->far : floor->near;
}

static bool
floor_report(const struct floor *floor, const struct bench_result pair[2], FILE *table, json_t *document)
{
        enum bench_figure figure = bench_figure_main(floor->terms.mode);
        bool measured = pair[0].verdict == BENCH_OK && pair[1].verdict == BENCH_OK;
        double limit = floor_limit(floor, &pair[0]), ratio = 0;
        bool met = false;

        if (measured) {
                ratio = pair[0].figures[figure].median / pair[1].figures[figure].median;
                met = floor->at_most ? ratio <= limit : ratio >= limit;
        }
        if (table && measured)
                fprintf(table, "%-8s %6.2f  %s %-4.1f  %s (%s; %.2f over %.2f %s)\n", met ? "met" : "NOT MET", ratio,
                        floor->at_most ? "<=" : ">=", limit, floor->name, pair[0].placement,
                        pair[0].figures[figure].median, pair[1].figures[figure].median,
                        figure == BENCH_GB_PER_S ? "GB/s" : "ns");
        else if (table)
                fprintf(table, "no figure: %s: %s%s\n", floor->name, pair[0].text, pair[1].text);
        json_array_append_new(json_object_get(document, "floors"),
                              json_pack("{s:s, s:s, s:f, s:o, s:b, s:s}", "name", floor->name, "must_be",
                                        floor->at_most ? "at most" : "at least", "limit", limit, "figure",
                                        measured ? json_real(ratio) : json_null(), "met", met, "placement",
                                        pair[0].placement));
        return met;
}

enum bench_verdict
bench_floors_run(const struct bench_place *place, int run_count, FILE *table, json_t *document,
                 bench_progress *progress)
{
        enum bench_verdict worst = BENCH_OK;

        json_object_set_new(document, "floors", json_array());
        for (size_t i = 0; i < sizeof floors / sizeof floors[0] && worst != BENCH_INTERRUPTED; i++) {
                struct bench_result pair[2] = { { .peer = &bench_peer_weir, .terms = floors[i].terms },
                                                { .peer = floors[i].against, .terms = floors[i].terms } };
                struct bench_group group = { pair, 2 };
                enum bench_verdict verdict;

                pair[1].terms.size = floors[i].against_size;
                verdict = bench_group_run(&group, place, run_count, progress);
                bench_json_group(document, &group);
                if (!floor_report(&floors[i], pair, table, document) && verdict == BENCH_OK)
                        verdict = BENCH_FAILED;
                if (table)
                        fflush(table);
                bench_group_close(&group);
                worst = verdict > worst ? verdict : worst;
        }
        return worst;
}
