/*
 * org.weir.Camera: publishes the clip's pictures, in place.
 *
 *      live, fast    lend -> read from the decoder into the loan -> publish
 *      memory        lend -> memcpy of a picture decoded before -> publish
 *      held          the same, eight pictures once two subscribers are there; then stays until it is told to end
 *
 * Each frame carries the fold of its pixels as tag, and as stamp the time just before it was published: what the
 * consumer measures is the whole way, both hashes included.
 */
#include "clients/demo/demo_child.h"
#include "clients/demo/demo_decoder.h"
#include "clients/demo/demo_digest.h"
#include "clients/demo/demo_pictures.h"
#include "clients/demo/demo_role.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_FRAMES = 8, BROKEN_FRAME = 1, MEMORY_SPARE = 4 << 20 };
enum { LANE_FRAMES = 3, HELD_LANE_FRAMES = 24 }; /* a short queue keeps latency low, and the pictures in the cache */

static const int64_t ROOM_NS = INT64_C(10000000000); /* a consumer that makes no room for so long is gone */

struct camera {
        const struct demo_options *options;
        struct weir_publisher *publisher;
        uint64_t frames, frame_bytes;
        struct weir_loan *kept; /* published, and still ours to write: only where a test wants it spoiled */
        json_t *report;
};

static void
flip_bit(struct weir_loan *loan)
{
        ((unsigned char *)loan->data)[loan->size / 2] ^= 1;
}

/* A test's ways to spoil the frame whose loan is filled. Returns true when it is not to be published at all. */
static bool
spoil(struct camera *camera, struct weir_loan *loan)
{
        enum demo_break broken = camera->options->broken;
        enum demo_kind kind = camera->options->kind;

        if (camera->frames != BROKEN_FRAME)
                return false;
        if (broken == DEMO_BREAK_PIXEL)
                flip_bit(loan);
        if ((broken == DEMO_BREAK_HASH && kind == DEMO_LIVE) || (broken == DEMO_BREAK_LATE && kind == DEMO_HELD)) {
                loan->about.flags = WEIR_KEEP;
                camera->kept = loan;
        }
        return broken == DEMO_BREAK_DROP;
}

/* Spoils the frame that was kept for it. */
static void
spoil_kept(struct camera *camera)
{
        if (camera->kept == NULL)
                return;
        flip_bit(camera->kept);
        weir_loan_discard(camera->kept);
        camera->kept = NULL;
}

/* Publishes the filled loan, whose pixels fold to `sum`. */
static enum weir_result
publish(struct camera *camera, struct weir_loan *loan, uint64_t sum)
{
        enum weir_result result;

        if (spoil(camera, loan)) {
                weir_loan_discard(loan);
                camera->frames++;
                return WEIR_OK;
        }
        loan->about.tag = sum;
        loan->about.stamp_ns = weir_now();
        if (camera->options->broken == DEMO_BREAK_COPY) {
                struct weir_about about = { .tag = sum, .stamp_ns = loan->about.stamp_ns };

                result = weir_publish(camera->publisher, loan->data, loan->size, &about, WEIR_FOREVER);
                weir_loan_discard(loan);
        } else {
                result = weir_loan_publish(loan);
        }
        camera->frames += result == WEIR_OK;
        return result;
}

/* The decoder writes each picture where the consumer will read it. */
static enum weir_result
publish_decoded(struct camera *camera)
{
        const struct demo_options *options = camera->options;
        struct demo_clip clip = { .path = options->video,
                                  .width = options->width,
                                  .height = options->height,
                                  .paced_ns = options->kind == DEMO_LIVE ? options->live_ns : 0 };
        struct demo_decoder decoder;
        struct weir_loan *loan;
        enum weir_result result;
        int got = 0;

        if (!demo_decoder_open(&decoder, &clip))
                return WEIR_E_SYSTEM;
        for (;;) {
                result = weir_lend(camera->publisher, camera->frame_bytes, ROOM_NS, &loan);
                if (result != WEIR_OK)
                        break;
                got = demo_decoder_read(&decoder, loan->data);
                if (got != 1) {
                        weir_loan_discard(loan);
                        break;
                }
                result = publish(camera, loan, demo_digest_fold(loan->data, camera->frame_bytes));
                if (result != WEIR_OK || camera->kept != NULL)
                        break;
        }
        spoil_kept(camera);
        json_object_set_new(camera->report, "filled_bytes", json_integer((json_int_t)decoder.read_bytes));
        if ((!demo_decoder_close(&decoder) && result == WEIR_OK) || got < 0) {
                json_object_set_new(camera->report, "sentence", json_string("the decoder failed"));
                return WEIR_E_SYSTEM;
        }
        return result;
}

/* Shows a picture from memory: the same fill as in the pass through a pipe. */
static enum weir_result
publish_picture(struct camera *camera, const struct demo_picture *picture)
{
        struct weir_loan *loan;
        enum weir_result result = weir_lend(camera->publisher, camera->frame_bytes, ROOM_NS, &loan);

        if (result != WEIR_OK)
                return result;
        memcpy(loan->data, picture->data, camera->frame_bytes);
        return publish(camera, loan, picture->sum);
}

static enum weir_result
publish_memory(struct camera *camera, const struct demo_pictures *pictures)
{
        int64_t until_ns = weir_now() + camera->options->memory_ns;
        enum weir_result result = WEIR_OK;

        assert(pictures->count > 0);
        for (uint64_t i = 0; result == WEIR_OK && (i < pictures->count || weir_now() < until_ns); i++)
                result = publish_picture(camera, &pictures->list[i % pictures->count]);
        return result;
}

/* Waits for the consumer and the viewer, shows a few pictures, then keeps the lane as it is. */
static enum weir_result
publish_held(struct camera *camera, const struct demo_pictures *pictures, struct weir *bus)
{
        struct weir_info info = { .size = sizeof info };
        const struct weir_event *event;
        enum weir_result result;

        assert(pictures->count > 0);
        do {
                result = weir_next(bus, 20 * 1000000, &event);
                if (result >= 0)
                        result = weir_publisher_info(camera->publisher, &info);
        } while (result == WEIR_OK && info.peers < 2);
        for (uint64_t i = 0; result == WEIR_OK && i < HELD_FRAMES; i++)
                result = publish_picture(camera, &pictures->list[i % pictures->count]);
        demo_child_await_end();
        spoil_kept(camera);
        return result;
}

static enum weir_result
publish_pass(struct camera *camera, struct weir *bus, const struct demo_pictures *pictures)
{
        struct weir_info info = { .size = sizeof info };
        char schema[128];
        struct weir_format format = { .type = "video/x-raw", .encoding = "gst-caps", .schema = schema };
        bool held = camera->options->kind == DEMO_HELD;
        uint64_t memory_max = (held ? HELD_LANE_FRAMES : LANE_FRAMES) * camera->frame_bytes + MEMORY_SPARE;
        enum weir_result result;

        format.schema_size = (uint64_t)snprintf(schema, sizeof schema, "video/x-raw,format=I420,width=%u,height=%u",
                                                camera->options->width, camera->options->height);
        result = weir_publisher_open(&camera->publisher, bus, DEMO_TOPIC,
                                     WEIR_PUBLISHER(.format = &format, .loans_max = 4, .memory_max = memory_max));
        if (result != WEIR_OK)
                return demo_role_result(camera->report, result);
        if (held)
                result = publish_held(camera, pictures, bus);
        else if (camera->options->kind == DEMO_MEMORY)
                result = publish_memory(camera, pictures);
        else
                result = publish_decoded(camera);
        if (json_object_get(camera->report, "sentence") == NULL)
                demo_role_result(camera->report, result);
        weir_publisher_info(camera->publisher, &info);
        weir_publisher_close(camera->publisher);
        json_object_set_new(camera->report, "frames", json_integer((json_int_t)info.frames));
        json_object_set_new(camera->report, "bytes", json_integer((json_int_t)info.bytes));
        json_object_set_new(camera->report, "copied_bytes", json_integer((json_int_t)info.copied_bytes));
        json_object_set_new(camera->report, "waits", json_integer((json_int_t)info.waits));
        return result;
}

enum weir_result
demo_camera(const struct demo_options *options, json_t *report)
{
        struct demo_clip clip = { .width = options->width, .height = options->height };
        struct camera camera = { .options = options, .report = report, .frame_bytes = demo_clip_frame_bytes(&clip) };
        struct demo_pictures pictures = { .count = 0 };
        struct weir *bus;
        enum weir_result result;

        if (options->kind == DEMO_MEMORY || options->kind == DEMO_HELD) {
                uint64_t count_max = options->kind == DEMO_HELD ? HELD_FRAMES : options->pictures_min;

                if (!demo_pictures_open(&pictures, options, count_max)) {
                        json_object_set_new(report, "sentence", json_string(strerror(pictures.error)));
                        demo_pictures_close(&pictures);
                        return WEIR_E_SYSTEM;
                }
                json_object_set_new(report, "pictures", json_integer((json_int_t)pictures.count));
        }
        result = demo_role_result(report, weir_open(&bus, WEIR_OPTIONS(.name = "camera")));
        if (result == WEIR_OK) {
                result = publish_pass(&camera, bus, &pictures);
                weir_close(bus);
        }
        demo_pictures_close(&pictures);
        return result;
}
