/*
 * Held back by the kernel: this process holds frames in place while a package attacks the lane that they lie in.
 *
 *      camera: waits for two subscribers, shows eight pictures, keeps still
 *      we:     take them, hold them, SHA-256 of all that the lane's memory holds     viewer: takes them, too
 *      viewer: attacks, reports six errors
 *      we:     SHA-256 of the lane again: the same; the camera ends; fold the held pixels: they are what it saw
 */
#include "clients/demo/demo_pass.h"
#include "clients/demo/demo_stop.h"
#include "clients/demo/demo_unseal.h"

#include <string.h>
#include <weir/weir.h>

enum { HELD_FRAMES = 8 };

struct held {
        struct weir_subscriber *subscriber;
        const struct weir_frame *frames[HELD_FRAMES];
        unsigned count;
};

static void
take_frames(struct held *held)
{
        while (held->count < HELD_FRAMES && demo_stopped() == 0 &&
               weir_take(held->subscriber, INT64_C(10000000000), &held->frames[held->count]) == WEIR_OK)
                held->count++;
}

/* All that the memory behind the held frames holds, as this process sees it; "" when it cannot be read. */
static void
lane_digest(const struct held *held, char text[DEMO_SHA_TEXT])
{
        text[0] = '\0';
        if (held->count > 0)
                demo_attack_digest(held->frames[0]->data, text);
}

static bool
unchanged(const struct held *held)
{
        for (unsigned i = 0; i < held->count; i++)
                if (demo_digest_fold(held->frames[i]->data, held->frames[i]->size) != held->frames[i]->about.tag)
                        return false;
        return true;
}

/* Judges what the viewer tells, which is to be six errors. */
static void
judge_viewer(struct demo_results *results, const json_t *report)
{
        json_t *attacks = json_object_get(report, "attacks"), *attack;
        size_t i;

        if (json_array_size(attacks) != DEMO_ATTACKS)
                demo_fault(results, false, "%s did not try its %d attacks", DEMO_VIEWER, DEMO_ATTACKS);
        json_array_foreach(attacks, i, attack) if (json_string_length(json_object_get(attack, "error")) == 0)
                demo_fault(results, true, "%s wrote the lane: %s succeeded", DEMO_VIEWER,
                           json_string_value(json_object_get(attack, "way")));
        results->attacks = json_incref(attacks);
}

/* Lets the viewer attack the lane, and judges by our own eyes what became of it. */
static void
run_viewer(struct demo_results *results, const struct demo_plan *plan, struct demo_child *viewer, struct held *held)
{
        char before[DEMO_SHA_TEXT];
        json_t *report;

        take_frames(held);
        lane_digest(held, before);
        if (plan->options.broken == DEMO_BREAK_SEAL && !demo_unseal(DEMO_BEFORE_ATTACK))
                demo_fault(results, false, "the lane could not be unsealed, so that is not seen");
        report = demo_pass_child_end(results, viewer, DEMO_VIEWER, false);
        judge_viewer(results, report);
        json_decref(report);
        lane_digest(held, results->lane_sha);
        if (before[0] == '\0' || strcmp(before, results->lane_sha) != 0) {
                demo_fault(results, true, "the lane's bytes are not the same after the attack");
                results->lane_sha[0] = '\0';
        }
}

static void
hold(struct demo_results *results, const struct demo_plan *plan, struct held *held)
{
        struct demo_child camera, viewer;

        if (!demo_child_start(&camera, plan, DEMO_CAMERA, "camera", DEMO_HELD)) {
                demo_fault(results, false, "no camera, so nothing to attack");
                return;
        }
        if (demo_child_start(&viewer, plan, DEMO_VIEWER, "viewer", DEMO_HELD))
                run_viewer(results, plan, &viewer, held);
        else
                demo_fault(results, false, "no viewer, so nobody attacks");
        json_decref(demo_pass_child_end(results, &camera, DEMO_CAMERA, false));
        if (held->count != HELD_FRAMES)
                demo_fault(results, false, "only %u of %d frames were there to be held", held->count, HELD_FRAMES);
        if (!unchanged(held))
                demo_fault(results, true, "the pixels of a held frame are not those that libweir verified");
        results->held_frames = held->count;
}

void
demo_held_run(struct demo_results *results, const struct demo_plan *plan, struct weir *bus)
{
        struct held held = { .count = 0 };
        enum weir_result result;

        result = weir_subscriber_open(&held.subscriber, bus, DEMO_TOPIC,
                                      WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .frames_max = HELD_FRAMES));
        if (result != WEIR_OK) {
                demo_fault(results, false, "%s", weir_error());
                return;
        }
        hold(results, plan, &held);
        while (held.count > 0)
                weir_release(held.frames[--held.count]);
        weir_subscriber_close(held.subscriber);
}
