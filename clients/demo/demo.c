/*
 * The order of things.
 *
 *      plan (private directory, policy) -> embed the broker -> live, fast, memory -> the decoder outside, to compare
 *        -> the stranger is refused -> the viewer is held back -> the pipe -> report
 *
 * Each step notes as a fault what does not hold; the demo succeeds when there is none.
 */
#include "clients/demo/demo.h"
#include "clients/demo/demo_decoder.h"
#include "clients/demo/demo_pass.h"
#include "clients/demo/demo_stop.h"
#include "clients/demo/demo_unseal.h"
#include "clients/demo/demo_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/broker.h>

enum { EXIT_FAILED = 1, EXIT_DATA = 7 };

const char *const demo_break_names[] = { "nothing", "pixel", "hash",  "late", "drop", "loss",
                                         "copy",    "wall",  "grant", "seal", "open", NULL };
const char *const demo_kind_names[] = { "live", "fast", "memory", "pipe", "held", NULL };

/* The same decoder on the same clip, outside of every sandbox and without weir. */
static void
decode_outside(struct demo_results *results, const struct demo_plan *plan)
{
        struct demo_clip clip = { .path = plan->video, .width = plan->options.width, .height = plan->options.height };
        struct demo_decoder decoder;
        struct demo_sha sha;
        void *picture = malloc(demo_clip_frame_bytes(&clip));
        int got = -1;

        if (picture == NULL || !demo_decoder_open(&decoder, &clip)) {
                demo_fault(results, false, "the decoder could not be run outside");
                free(picture);
                return;
        }
        demo_sha_open(&sha);
        while (demo_stopped() == 0 && (got = demo_decoder_read(&decoder, picture)) == 1) {
                demo_sha_add(&sha, picture, decoder.frame_bytes);
                results->outside_frames++;
        }
        demo_sha_close(&sha, results->outside_sha);
        if ((!demo_decoder_close(&decoder) || got < 0) && demo_stopped() == 0)
                demo_fault(results, false, "the decoder outside failed");
        free(picture);
}

/* Every coded frame once, and each pixel as the decoder outside has it. */
static void
compare_outside(struct demo_results *results)
{
        const struct demo_pass *pass = &results->passes[DEMO_FAST];

        if (pass->frames != results->coded_frames || results->outside_frames != results->coded_frames)
                demo_fault(results, true, "the clip has %llu coded frames; %llu came through the bus, %llu outside",
                           (unsigned long long)results->coded_frames, (unsigned long long)pass->frames,
                           (unsigned long long)results->outside_frames);
        if (pass->sha[0] == '\0' || strcmp(pass->sha, results->outside_sha) != 0)
                demo_fault(results, true, "SHA-256 of all pixels is %s through the bus and %s outside", pass->sha,
                           results->outside_sha);
}

static void
judge_sandbox(struct demo_results *results)
{
        static const char *const walls[] = { "write_root", "new_namespace", "host_passwords" };

        if (json_integer_value(json_object_get(results->sandbox, "capabilities")) != 0)
                demo_fault(results, false, "the camera has capabilities in its sandbox");
        for (int i = 0; i < 3; i++)
                if (json_string_length(json_object_get(results->sandbox, walls[i])) == 0)
                        demo_fault(results, false, "the sandbox does not hold: %s", walls[i]);
}

/* A package with a socket and without a grant gets a sentence that names what is missing. */
static void
run_stranger(struct demo_results *results, const struct demo_plan *plan)
{
        struct demo_child stranger;
        const char *sentence;
        json_t *report;

        if (!demo_child_start(&stranger, plan, DEMO_STRANGER, "stranger", DEMO_HELD)) {
                demo_fault(results, false, "the stranger could not be started");
                return;
        }
        report = demo_pass_child_end(results, &stranger, DEMO_STRANGER, true);
        sentence = json_string_value(json_object_get(report, "sentence"));
        snprintf(results->refusal, sizeof results->refusal, "%s", sentence != NULL ? sentence : "");
        if (json_is_false(json_object_get(report, "connected")))
                demo_fault(results, false, "%s did not get as far as the broker: %s", DEMO_STRANGER, results->refusal);
        else if (json_integer_value(json_object_get(report, "result")) != WEIR_E_DENIED)
                demo_fault(results, false, "%s was not refused", DEMO_STRANGER);
        else if (strstr(results->refusal, demo_words.stranger) == NULL || strstr(results->refusal, "subscribe") == NULL)
                demo_fault(results, false, "the refusal does not name the missing grant: %s", results->refusal);
        json_decref(report);
}

static void
run_steps(struct demo_results *results, const struct demo_plan *plan, struct weir *bus)
{
        demo_pass_run(results, plan, bus, DEMO_LIVE);
        if (demo_stopped() == 0)
                demo_pass_run(results, plan, bus, DEMO_FAST);
        if (demo_stopped() == 0)
                demo_pass_run(results, plan, bus, DEMO_MEMORY);
        if (demo_stopped() == 0)
                decode_outside(results, plan);
        if (demo_stopped() != 0)
                return;
        compare_outside(results);
        if (plan->options.sandbox)
                judge_sandbox(results);
        run_stranger(results, plan);
        if (demo_stopped() == 0)
                demo_held_run(results, plan, bus);
        if (demo_stopped() == 0)
                demo_pass_pipe(results, plan);
}

/* Becomes the broker, connects to it, runs. False when it did not come so far. */
static bool
run_with_broker(struct demo_results *results, const struct demo_plan *plan)
{
        const char *sockets[DEMO_PACKAGES + 1] = { NULL };
        struct weir_broker_options broker = {
                .size = sizeof broker, .address = plan->address, .config = plan->policy, .package_sockets = sockets
        };
        int64_t began_ns = weir_now();
        struct weir *bus;

        for (unsigned i = 0; i < DEMO_PACKAGES && plan->package_sockets[i][0] != '\0'; i++)
                sockets[i] = plan->package_sockets[i];
        if (plan->options.broken == DEMO_BREAK_SEAL && !demo_unseal(DEMO_BEFORE_BROKER))
                return false;
        if (weir_broker_embed_with(&broker) != WEIR_OK) {
                fprintf(stderr, "weir demo: %s\n", weir_broker_error());
                return false;
        }
        if (weir_open(&bus, WEIR_OPTIONS(.name = "weir demo", .address = plan->address)) != WEIR_OK) {
                fprintf(stderr, "weir demo: %s\n", weir_error());
                return false;
        }
        demo_stop_interrupts(bus);
        run_steps(results, plan, bus);
        demo_stop_interrupts(NULL);
        weir_close(bus);
        results->elapsed_ns = weir_now() - began_ns;
        return true;
}

/* False with a sentence on stderr when there are no frames. */
static bool
count_frames(struct demo_results *results, const struct demo_plan *plan)
{
        struct demo_clip clip = { .path = plan->video, .width = plan->options.width, .height = plan->options.height };

        results->coded_frames = demo_decoder_count(&clip);
        return results->coded_frames > 0;
}

static int
run_planned(const struct demo_plan *plan)
{
        struct demo_results *results = calloc(1, sizeof *results);
        int code = EXIT_FAILED;

        if (results == NULL) {
                fprintf(stderr, "weir demo: no memory\n");
                return code;
        }
        if (count_frames(results, plan) && run_with_broker(results, plan) && demo_stopped() == 0) {
                demo_report(results, plan);
                code = results->data_wrong ? EXIT_DATA : results->fault_count > 0 ? EXIT_FAILED : 0;
        }
        json_decref(results->sandbox);
        json_decref(results->attacks);
        free(results);
        return code;
}

int
demo_run(const struct demo_options *options)
{
        struct demo_plan plan;
        int code;

        if (!demo_plan_open(&plan, options))
                return EXIT_FAILED;
        demo_stop_open();
        code = run_planned(&plan);
        demo_plan_close(&plan);
        return demo_stopped() != 0 ? 128 + demo_stopped() : code;
}
