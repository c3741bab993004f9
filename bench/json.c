/*
 * {"weir_bench": 1,
 *  "machine": {"processor", "kernel", "cores", "caveat" (where the figures say nothing, and why)},
 *  "placement": {"cpus": [0, 1], "name": "near", "line_exchange_ns": 41.2},
 *  "runs": 3, "run_seconds": 0.2,
 *  "results": [{"peer", "mode", "size", "wait", "hash", "verdict", "lost", "placement", "line_exchange_ns", "runs",
 *               "figures": {"p50_ns": {"median", "min", "max"}, ...}}]}
 *
 * A result that is none has "figures": null and a "text" that says why. A line exchange of null was not measured.
 */
#include "bench/report.h"

#include "bench/placement.h"

static json_t *
line_value(double line_ns)
{
        return line_ns < 0 ? json_null() : json_real(line_ns);
}

json_t *
bench_json_document(const struct bench_machine *machine, const struct bench_place *place, double line_ns, int run_count)
{
        return json_pack("{s:i, s:{s:s, s:s, s:i, s:s*}, s:{s:[i,i], s:s, s:o}, s:i, s:f, s:[]}", "weir_bench", 1,
                         "machine", "processor", machine->processor, "kernel", machine->kernel, "cores",
                         (int)machine->cores, "caveat", machine->caveat, "placement", "cpus", place->cpus[0],
                         place->cpus[1], "name", bench_placement_name(place->cpus, line_ns), "line_exchange_ns",
                         line_value(line_ns), "runs", run_count, "run_seconds", (double)place->run_ns / 1e9, "results");
}

static json_t *
figures_value(const struct bench_result *result)
{
        json_t *figures;

        if (result->verdict != BENCH_OK)
                return json_null();
        figures = json_object();
        for (int figure = 0; figure < BENCH_FIGURES; figure++) {
                const struct bench_summary *summary = &result->figures[figure];

                if (bench_figure_applies((enum bench_figure)figure, result->terms.mode))
                        json_object_set_new(figures, bench_figure_name((enum bench_figure)figure),
                                            json_pack("{s:f, s:f, s:f}", "median", summary->median, "min", summary->min,
                                                      "max", summary->max));
        }
        return figures;
}

static json_t *
result_value(const struct bench_result *result)
{
        static const char *const verdicts[] = { "ok", "failed", "lost", "interrupted" };
        json_t *value = json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:s, s:o, s:i, s:o}", "peer", result->peer->name,
                                  "mode", bench_mode_name(result->terms.mode), "size", (json_int_t)result->terms.size,
                                  "wait", bench_wait_name(result->terms.wait), "hash", bench_hash_name(result),
                                  "verdict", verdicts[result->verdict], "lost", (json_int_t)result->lost, "placement",
                                  result->placement, "line_exchange_ns", line_value(result->line_ns), "runs",
                                  result->run_count, "figures", figures_value(result));

        if (result->verdict != BENCH_OK)
                json_object_set_new(value, "text", json_string(result->text));
        return value;
}

void
bench_json_group(json_t *document, const struct bench_group *group)
{
        for (size_t i = 0; i < group->count; i++)
                json_array_append_new(json_object_get(document, "results"), result_value(&group->results[i]));
}
