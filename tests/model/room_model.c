/*
 * A reliable reader and a publisher that waits for room: nothing is lost or overwritten before it was read, and the
 * publisher that sleeps for room is woken, whether the reader took a frame, left, or was evicted. The evicted one is
 * told so and gets no frame that was overwritten.
 */
#include "tests/model/lane_world.h"

static const struct lane_plan small = {
        .ring_bytes = 128, .hash = WR_HASH_NONE, .attached = true, .before = 1, .frames = 3, .reliable = true
};

static void
headers_scene(void)
{
        lane_world_open(&small);
}

static void
payloads_scene(void)
{
        struct lane_plan plan = small;

        plan.ring_bytes = 256;
        plan.inline_max = 32;
        plan.payload_bytes = 16;
        plan.ends = true;
        lane_world_open(&plan);
}

/* Nobody fences for a word that the other sleeps behind. */
static void
settled_scene(void)
{
        struct lane_plan plan = small;

        plan.registered = 1u << 0 | 1u << 1;
        lane_world_open(&plan);
}

/* Loses its patience with the first look that finds no room. */
static void
evicting_publisher(void)
{
        uint64_t until = world->plan.before + world->plan.frames;

        while (world->published < until) {
                explore_settle(0);
                if (lane_world_publish() != WEIR_OK) {
                        wr_lane_charge(&world->writer, 1, 5);
                        if (wr_lane_charge(&world->writer, 100, 5) != NULL)
                                explore_note("evicts the reader", 0);
                        wr_lane_uncharge(&world->writer, 100);
                }
                lane_world_wake();
        }
}

static void
evicted_reader(void)
{
        enum weir_result result = WEIR_OK;

        while (result != WEIR_E_EVICTED && !lane_world_read_all()) {
                explore_settle(0);
                result = lane_world_take();
                if (result == WEIR_EMPTY)
                        lane_world_sleep();
        }
}

/* Takes one frame and is gone. */
static void
leaving_reader(void)
{
        while (lane_world_take() != WEIR_OK)
                lane_world_sleep();
        lane_world_room();
        wr_store_release(&world->words->state, WR_PAIR_LEAVING);
        lane_world_room();
}

static void
nobody_sleeps(void)
{
        explore_check(!explore_sleeps("publisher"), "sleeping publisher that has room");
        explore_check(!explore_sleeps("reader"), "sleeping reader with something to be told");
        explore_check(world->published == world->plan.before + world->plan.frames, "the publisher gave up");
        explore_check(world->lost == 0, "a reliable reader lost a frame");
}

#define ACTORS(publisher, reader)              \
        {                                      \
                { "publisher", publisher, 0 }, \
                {                              \
                        "reader", reader, 1    \
                }                              \
        }

static const struct explore_model models[] = {
        { "room: a reliable reader gets everything, its publisher waits", headers_scene,
          ACTORS(lane_world_waiting_publisher, lane_world_reader), lane_world_all_was_told, 4, false, NULL },
        { "room: a reliable reader gets every payload, to END", payloads_scene,
          ACTORS(lane_world_waiting_publisher, lane_world_reader), lane_world_all_was_told, 3, false, NULL },
        { "room: a reader that leaves lets its publisher go on", headers_scene,
          ACTORS(lane_world_waiting_publisher, leaving_reader), nobody_sleeps, 4, false, NULL },
        { "room: an evicted reader is told before it gets another frame", headers_scene,
          ACTORS(evicting_publisher, evicted_reader), nobody_sleeps, 3, false, NULL },
        { "room: a reader that leaves and does not fence lets its publisher go on", settled_scene,
          ACTORS(lane_world_waiting_publisher, leaving_reader), nobody_sleeps, 4, false, NULL },
        { "room: an evicted reader is told by a publisher that does not fence", settled_scene,
          ACTORS(evicting_publisher, evicted_reader), nobody_sleeps, 3, false, NULL },
};

int
main(int argc, char **argv)
{
        return explore_main(models, sizeof models / sizeof models[0], argc, argv);
}
