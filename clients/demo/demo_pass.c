/*
 * A pass of frames from the sandboxed camera to this process, through shared memory.
 *
 *      subscribe (reliable, until the end) -> start the camera -> take in place, verified by libweir
 *        -> fold the pixels, compare with what the camera saw -> in the pass over the whole clip: add to SHA-256
 *        -> release -> ... -> WEIR_ENDED -> the camera's own counts
 */
#include "clients/demo/demo_pass.h"
#include "clients/demo/demo_stop.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

enum { WAIT_NS = 200 * 1000000, SILENT_WAITS_MAX = 150 }; /* 30 s without a frame: something hangs */
enum { LATE_MS = 60000 };

void
demo_fault(struct demo_results *results, bool data, const char *format, ...)
{
        va_list arguments;

        results->data_wrong |= data;
        if (results->fault_count == DEMO_FAULTS_MAX)
                return;
        va_start(arguments, format);
        vsnprintf(results->faults[results->fault_count++], DEMO_SENTENCE, format, arguments);
        va_end(arguments);
}

double
demo_pass_rate(const struct demo_pass *pass)
{
        return pass->elapsed_ns > 0 ? (double)pass->bytes / (double)pass->elapsed_ns : 0;
}

uint64_t
demo_pass_failures(const struct demo_pass *pass)
{
        return pass->hash_failures + pass->pixel_failures;
}

double
demo_pass_copies(const struct demo_pass *pass)
{
        return pass->bytes > 0 ? (double)pass->copied_bytes / (double)pass->bytes : 0;
}

uint64_t
demo_report_number(const json_t *report, const char *key)
{
        return (uint64_t)json_integer_value(json_object_get(report, key));
}

json_t *
demo_pass_child_end(struct demo_results *results, struct demo_child *child, const char *who, bool may_fail)
{
        json_t *report;

        if (demo_stopped() != 0)
                demo_child_kill(child);
        report = demo_child_finish(child);
        if (report == NULL && demo_stopped() == 0)
                demo_fault(results, false, "%s ended without a report (status 0x%x)", who, (unsigned)child->status);
        else if (!may_fail && json_integer_value(json_object_get(report, "result")) != WEIR_OK)
                demo_fault(results, false, "%s: %s", who,
                           json_is_string(json_object_get(report, "sentence"))
                                   ? json_string_value(json_object_get(report, "sentence"))
                                   : "did not do its part");
        return report != NULL ? report : json_object();
}

struct taker {
        struct weir_subscriber *subscriber;
        const struct demo_plan *plan;
        struct demo_pass *pass;
        struct demo_times times;
        struct demo_sha sha; /* context NULL: this pass does not fold all pixels into one */
};

static void
check_frame(struct taker *taker, const struct weir_frame *frame)
{
        struct demo_pass *pass = taker->pass;

        demo_times_add(&taker->times, frame->about.stamp_ns, weir_now());
        pass->frames++;
        pass->bytes += frame->size;
        pass->pixel_failures += demo_digest_fold(frame->data, frame->size) != frame->about.tag;
        demo_sha_add(&taker->sha, frame->data, frame->size);
        demo_progress(taker->plan, pass, &taker->times);
}

/* Takes frames until the camera closes. WEIR_ENDED is the good end. */
static enum weir_result
take_all(struct taker *taker, struct demo_child *camera)
{
        const struct weir_frame *frame;
        enum weir_result result = WEIR_OK;
        unsigned silent = 0;
        bool gone = false;

        while (demo_stopped() == 0) {
                result = weir_take(taker->subscriber, WAIT_NS, &frame);
                if (result == WEIR_OK) {
                        check_frame(taker, frame);
                        weir_release(frame);
                        silent = 0;
                } else if (result != WEIR_EMPTY || gone || ++silent == SILENT_WAITS_MAX) {
                        break;
                } else {
                        /* A camera that never got so far as to publish has no end to be told: look once more. */
                        gone = demo_child_ended(camera);
                }
        }
        return result;
}

/* In two passes that a test spoils the consumer does not look before the camera has done all it will. */
static void
come_late(const struct taker *taker, const struct demo_child *camera)
{
        enum demo_break broken = taker->plan->options.broken;
        enum demo_kind kind = taker->pass->kind;

        if ((broken == DEMO_BREAK_HASH && kind == DEMO_LIVE) || (broken == DEMO_BREAK_LOSS && kind == DEMO_MEMORY))
                demo_child_await_report(camera, LATE_MS);
}

/* Opens the subscription first and starts the camera then: its first frame finds a reader. */
static enum weir_result
run_pass(struct demo_results *results, struct taker *taker, struct demo_child *camera, struct weir *bus)
{
        struct weir_info info = { .size = sizeof info };
        struct demo_pass *pass = taker->pass;
        uint32_t delivery = taker->plan->options.broken == DEMO_BREAK_LOSS ? WEIR_LOSSY : WEIR_RELIABLE;
        enum weir_result result;

        result = weir_subscriber_open(&taker->subscriber, bus, DEMO_TOPIC,
                                      WEIR_SUBSCRIBER(.delivery = delivery, .until_end = 1, .frames_max = 4,
                                                      .type = "video/x-raw", .require = WEIR_SHM));
        if (result != WEIR_OK) {
                demo_fault(results, false, "%s: %s", demo_kind_names[pass->kind], weir_error());
                return result;
        }
        if (demo_child_start(camera, taker->plan, DEMO_CAMERA, "camera", pass->kind)) {
                come_late(taker, camera);
                result = take_all(taker, camera);
        }
        demo_progress_end(taker->plan);
        if (result < 0)
                demo_fault(results, false, "%s: %s", demo_kind_names[pass->kind], weir_error());
        weir_subscriber_info(taker->subscriber, &info);
        weir_subscriber_close(taker->subscriber);
        pass->lost = info.lost;
        pass->skipped = info.skipped;
        pass->hash_failures = info.corrupt;
        pass->copied_bytes = info.copied_bytes;
        return result;
}

/* Compares what was taken with what the camera says that it published, and notes what does not fit. */
static void
judge(struct demo_results *results, const struct demo_pass *pass, const json_t *report, enum weir_result result)
{
        const char *name = demo_kind_names[pass->kind];
        uint64_t published = demo_report_number(report, "frames");

        if (result != WEIR_ENDED && demo_stopped() == 0)
                demo_fault(results, false, "%s: the stream did not come to its end", name);
        if (pass->frames == 0)
                demo_fault(results, true, "%s: no frame came", name);
        if (pass->frames != published)
                demo_fault(results, true, "%s: %llu frames were published and %llu taken", name,
                           (unsigned long long)published, (unsigned long long)pass->frames);
        if (pass->lost + pass->skipped > 0)
                demo_fault(results, true, "%s: lost %llu, skipped %llu", name, (unsigned long long)pass->lost,
                           (unsigned long long)pass->skipped);
        if (pass->hash_failures > 0)
                demo_fault(results, true, "%s: %llu frames failed their hash", name,
                           (unsigned long long)pass->hash_failures);
        if (pass->pixel_failures > 0)
                demo_fault(results, true, "%s: the pixels of %llu frames are not those that the camera saw", name,
                           (unsigned long long)pass->pixel_failures);
        if (pass->copied_bytes > 0)
                demo_fault(results, false, "%s: libweir copied %llu payload bytes, where none were expected", name,
                           (unsigned long long)pass->copied_bytes);
}

void
demo_pass_run(struct demo_results *results, const struct demo_plan *plan, struct weir *bus, enum demo_kind kind)
{
        struct demo_pass *pass = &results->passes[kind];
        struct taker taker = { .plan = plan, .pass = pass };
        struct demo_child camera = DEMO_CHILD_NONE;
        enum weir_result result;
        json_t *report;

        pass->kind = kind;
        if (kind == DEMO_FAST)
                demo_sha_open(&taker.sha);
        result = run_pass(results, &taker, &camera, bus);
        if (kind == DEMO_FAST)
                demo_sha_close(&taker.sha, pass->sha);
        demo_times_close(&taker.times, pass);
        report = demo_pass_child_end(results, &camera, DEMO_CAMERA, false);
        pass->copied_bytes += demo_report_number(report, "copied_bytes");
        pass->filled_bytes = demo_report_number(report, "filled_bytes");
        pass->pictures = demo_report_number(report, "pictures");
        if (results->sandbox == NULL && plan->options.sandbox)
                results->sandbox = json_incref(json_object_get(report, "sandbox"));
        judge(results, pass, report, result);
        pass->done = demo_stopped() == 0;
        json_decref(report);
}
