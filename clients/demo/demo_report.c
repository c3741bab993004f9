/*
 * The summary, for people: what ran, a table of passes, what was proven, what failed, and one last line.
 */
#include "clients/demo/demo_report.h"
#include "clients/demo/demo_decoder.h"
#include "clients/demo/demo_words.h"

#include <stdio.h>
#include <string.h>

static void
print_head(const struct demo_results *results, const struct demo_plan *plan)
{
        const struct demo_options *options = &plan->options;
        struct demo_clip clip = { .width = options->width, .height = options->height };

        printf("weir demo: %s, %llu coded frames, shown as %ux%u yuv420p, %.2f MB a frame\n\n",
               demo_plan_video_name(plan), (unsigned long long)results->coded_frames, options->width, options->height,
               (double)demo_clip_frame_bytes(&clip) / 1e6);
        printf("producer   %s%s", DEMO_CAMERA, options->sandbox ? demo_words.with_sandbox : demo_words.without_sandbox);
        printf("consumer   this process, full trust; it also runs the broker\n\n");
}

static void
print_pass(const struct demo_pass *pass, bool bus)
{
        printf("%-21s %6llu %7.2f %5.2f %8.2f %8.2f %8.2f", demo_words.passes[pass->kind],
               (unsigned long long)pass->frames, (double)pass->elapsed_ns / 1e9, demo_pass_rate(pass),
               (double)pass->p50_ns / 1e6, (double)pass->p99_ns / 1e6, (double)pass->max_ns / 1e6);
        if (bus)
                printf(" %6.2f %4llu %8llu\n", demo_pass_copies(pass), (unsigned long long)pass->lost,
                       (unsigned long long)demo_pass_failures(pass));
        else
                printf(" %6s %4s %8llu\n", "-", "-", (unsigned long long)pass->pixel_failures);
}

static void
print_passes(const struct demo_results *results)
{
        const struct demo_pass *fast = &results->passes[DEMO_FAST], *memory = &results->passes[DEMO_MEMORY];
        const struct demo_pass *pipe = &results->passes[DEMO_PIPE];

        printf("%-21s %6s %7s %5s %26s %6s %4s %8s\n", "", "", "", "", "one-way latency, ms", "", "", "hash");
        printf("%-21s %6s %7s %5s %8s %8s %8s %6s %4s %8s\n", "pass", "frames", "seconds", "GB/s", "p50", "p99", "max",
               "copies", "lost", "failures");
        for (int kind = 0; kind < DEMO_PASSES; kind++)
                print_pass(&results->passes[kind], kind != DEMO_PIPE);
        printf("\ncopies     payload bytes that libweir copied at both ends, divided by payload bytes\n");
        printf("filling    %s, %.2f bytes\n           a payload byte; from memory it is one memcpy of %llu different "
               "pictures\n",
               demo_words.filling, fast->bytes > 0 ? (double)fast->filled_bytes / (double)fast->bytes : 0,
               (unsigned long long)memory->pictures);
        if (pipe->done && demo_pass_rate(pipe) > 0)
                printf("pipe       1 MiB, whole-frame writes, the same pictures, fill and check of the pixels: weir is "
                       "%.1f times\n           as fast, and also hashes every byte when it is published and when it is "
                       "taken\n",
                       demo_pass_rate(memory) / demo_pass_rate(pipe));
}

static void
print_proofs(const struct demo_results *results)
{
        json_t *attack;
        size_t i;

        printf("\npixels     SHA-256 %s\n           of %llu frames taken in place; %s: %s\n",
               results->passes[DEMO_FAST].sha, (unsigned long long)results->passes[DEMO_FAST].frames,
               demo_words.outside,
               strcmp(results->passes[DEMO_FAST].sha, results->outside_sha) == 0 ? "the same" : results->outside_sha);
        printf("refused    %s: %s\n", demo_words.who_is_refused, results->refusal[0] != '\0' ? results->refusal : "-");
        printf("held back  %s may read; from inside it tried to write:\n", DEMO_VIEWER);
        json_array_foreach(results->attacks, i, attack)
        {
                const char *error = json_string_value(json_object_get(attack, "error"));

                printf("             %-22s %-8s %s\n", json_string_value(json_object_get(attack, "way")),
                       error[0] != '\0' ? error : "-",
                       error[0] != '\0' ? json_string_value(json_object_get(attack, "text")) : "IT SUCCEEDED");
        }
        if (results->lane_sha[0] != '\0')
                printf("           the lane's bytes are unchanged: SHA-256 %.16s... before and after, %llu held frames "
                       "the same\n",
                       results->lane_sha, (unsigned long long)results->held_frames);
}

/* The sums of the last line: over all passes of the bus. */
static void
sum_up(const struct demo_results *results, uint64_t *failures, uint64_t *lost)
{
        *failures = *lost = 0;
        for (int kind = 0; kind < DEMO_PASSES; kind++) {
                *failures += demo_pass_failures(&results->passes[kind]);
                *lost += results->passes[kind].lost;
        }
}

void
demo_report(const struct demo_results *results, const struct demo_plan *plan)
{
        uint64_t failures, lost;

        if (plan->options.json) {
                demo_report_json(results, plan);
                return;
        }
        sum_up(results, &failures, &lost);
        print_head(results, plan);
        print_passes(results);
        print_proofs(results);
        printf("\n");
        for (unsigned i = 0; i < results->fault_count; i++)
                printf("FAILED     %s\n", results->faults[i]);
        if (results->fault_count == 0)
                printf("all of it held, in %.1f s\n", (double)results->elapsed_ns / 1e9);
        printf("hash failures %llu, lost %llu\n", (unsigned long long)failures, (unsigned long long)lost);
}
