/* The results as one JSON object: times in ns, sizes in bytes. */
#include "clients/demo/demo_report.h"

#include <stdio.h>

static json_t *
pass_json(const struct demo_pass *pass)
{
        json_t *object =
                json_pack("{s:s, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I}", "pass",
                          demo_kind_names[pass->kind], "frames", (json_int_t)pass->frames, "bytes",
                          (json_int_t)pass->bytes, "elapsed_ns", (json_int_t)pass->elapsed_ns, "gigabytes_per_second",
                          demo_pass_rate(pass), "latency_p50_ns", (json_int_t)pass->p50_ns, "latency_p99_ns",
                          (json_int_t)pass->p99_ns, "latency_max_ns", (json_int_t)pass->max_ns, "lost",
                          (json_int_t)pass->lost, "skipped", (json_int_t)pass->skipped, "hash_failures",
                          (json_int_t)demo_pass_failures(pass));

        if (pass->kind == DEMO_PIPE)
                return object;
        json_object_set_new(object, "copies", json_real(demo_pass_copies(pass)));
        json_object_set_new(object, "copied_bytes", json_integer((json_int_t)pass->copied_bytes));
        json_object_set_new(object, "filled_bytes", json_integer((json_int_t)pass->filled_bytes));
        json_object_set_new(object, "pictures", json_integer((json_int_t)pass->pictures));
        if (pass->sha[0] != '\0')
                json_object_set_new(object, "sha256", json_string(pass->sha));
        return object;
}

void
demo_report_json(const struct demo_results *results, const struct demo_plan *plan)
{
        const struct demo_options *options = &plan->options;
        json_t *passes = json_array(), *faults = json_array(), *document;

        for (int kind = 0; kind < DEMO_PASSES; kind++)
                json_array_append_new(passes, pass_json(&results->passes[kind]));
        for (unsigned i = 0; i < results->fault_count; i++)
                json_array_append_new(faults, json_string(results->faults[i]));
        document = json_pack("{s:s, s:b, s:i, s:i, s:I, s:I, s:s, s:o, s:O?, s:s, s:O?, s:s, s:I, s:I, s:b, s:o}",
                             "video", plan->video, "sandboxed", options->sandbox, "width", (int)options->width,
                             "height", (int)options->height, "coded_frames", (json_int_t)results->coded_frames,
                             "outside_frames", (json_int_t)results->outside_frames, "outside_sha256",
                             results->outside_sha, "passes", passes, "sandbox", results->sandbox, "refusal",
                             results->refusal, "attacks", results->attacks, "lane_sha256", results->lane_sha,
                             "held_frames", (json_int_t)results->held_frames, "elapsed_ns",
                             (json_int_t)results->elapsed_ns, "held", results->fault_count == 0, "faults", faults);
        if (document == NULL)
                fprintf(stderr, "weir demo: no memory for the report\n");
        else
                json_dumpf(document, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(document);
}
