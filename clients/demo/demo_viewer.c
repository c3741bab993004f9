/*
 * org.weir.Viewer: may subscribe, and tries to write what it reads.
 *
 *      take frames, in place -> wait until the consumer has noted how the lane is (it tells us to end)
 *        -> find the lane's descriptor or handle -> six attacks
 */
#include "clients/demo/demo_attack.h"
#include "clients/demo/demo_child.h"
#include "clients/demo/demo_role.h"
#include "clients/demo/demo_words.h"

enum { TAKEN_MAX = 8 };

static enum weir_result
attack(const struct demo_options *options, const struct weir_frame *frame, json_t *report)
{
        struct demo_attack attacks[DEMO_ATTACKS];
        json_t *list;

        if (!demo_attack_all(frame->data, options->broken == DEMO_BREAK_OPEN, attacks)) {
                json_object_set_new(report, "sentence", json_string(demo_words.nothing_to_attack_with));
                return WEIR_E_SYSTEM;
        }
        list = json_array();
        for (int i = 0; i < DEMO_ATTACKS; i++)
                json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "way", attacks[i].way, "error",
                                                      attacks[i].name, "text", attacks[i].text));
        json_object_set_new(report, "attacks", list);
        return WEIR_OK;
}

enum weir_result
demo_viewer(const struct demo_options *options, json_t *report)
{
        const struct weir_frame *frames[TAKEN_MAX];
        struct weir_subscriber *subscriber;
        struct weir *bus;
        enum weir_result result;
        unsigned taken = 0;

        result = demo_role_result(report, weir_open(&bus, WEIR_OPTIONS(.name = "viewer")));
        if (result != WEIR_OK)
                return result;
        result = weir_subscriber_open(&subscriber, bus, DEMO_TOPIC, NULL);
        if (demo_role_result(report, result) == WEIR_OK) {
                /* Until the camera has shown all it will: the lane stays as it is while it is attacked. */
                while (taken < TAKEN_MAX && weir_take(subscriber, INT64_C(10000000000), &frames[taken]) == WEIR_OK)
                        taken++;
                demo_child_await_end();
                json_object_set_new(report, "taken", json_integer(taken));
                result = taken == TAKEN_MAX ? attack(options, frames[0], report) : WEIR_EMPTY;
                while (taken > 0)
                        weir_release(frames[--taken]);
                weir_subscriber_close(subscriber);
        }
        weir_close(bus);
        return result;
}
