/*
 * A reliable reader joins a publisher that is in the middle of its frames, or idle, or not yet begun: the control
 * thread attaches it under the latch, then the reader begins where it was told. From there on it gets every frame, and
 * the publisher never runs over it, whatever limit it had cached. (Control thread and reader are one actor: the reader
 * begins when the control thread is done.)
 */
#include "tests/model/lane_world.h"

#include "bus/latch.h"

static struct wr_latch *latch;

static void
open_world(uint32_t ring_bytes, uint32_t history, uint32_t before, uint32_t frames, bool reliable)
{
        latch = explore_alloc(sizeof *latch);
        explore_name(&latch->busy, 8, "busy");
        explore_name(&latch->visiting, 8, "visiting");
        lane_world_open(&(struct lane_plan){ .ring_bytes = ring_bytes,
                                             .hash = WR_HASH_NONE,
                                             .history = history,
                                             .before = before,
                                             .frames = frames,
                                             .reliable = reliable });
}

/* It begins at the oldest frame that is still whole, behind which the publisher has cached room for three more. */
static void
history_scene(void)
{
        open_world(256, 7, 7, 3, true);
}

static void
newest_scene(void)
{
        open_world(128, 0, 2, 4, true);
}

static void
lossy_scene(void)
{
        open_world(128, 2, 2, 3, false);
}

static bool
publish(void)
{
        bool done;

        wr_latch_enter(latch);
        done = lane_world_publish() == WEIR_OK;
        if (done)
                lane_world_wake();
        wr_latch_leave(latch);
        return done;
}

static void
publisher(void)
{
        uint64_t until = world->plan.before + world->plan.frames;
        uint32_t space;

        while (world->published < until) {
                explore_settle(0);
                if (publish())
                        continue;
                world->room_sleeps += 1;
                space = wr_pair_room_arm(&world->pair);
                wr_pair_settle();
                if (!publish())
                        explore_sleep(&world->words->space, space);
                wr_pair_room_disarm(&world->pair);
        }
}

static void
joiner(void)
{
        while (!wr_latch_visit(latch))
                wr_pause();
        lane_world_attach();
        wr_latch_depart(latch);
        explore_note("joins before frame", world->started.sequence);
        lane_world_reader_open();
        while (!lane_world_read_all()) {
                explore_settle(1);
                switch (lane_world_take()) {
                case WEIR_OK: lane_world_room(); break;
                default: lane_world_sleep();
                }
        }
}

static void
all_was_told(void)
{
        uint64_t told = world->started.sequence - 1 + world->received + world->reader.lost;

        explore_check(!explore_sleeps("publisher"), "sleeping publisher that has room");
        explore_check(!explore_sleeps("joiner"), "sleeping reader with a readable frame");
        explore_check(told == world->published, "the reader was told of %d of %d frames", (int)told,
                      (int)world->published);
}

#define ACTORS                                 \
        {                                      \
                { "publisher", publisher, 0 }, \
                {                              \
                        "joiner", joiner, 0    \
                }                              \
        }

static const struct explore_model models[] = {
        { "join: a reliable reader with history loses nothing from its start", history_scene, ACTORS, all_was_told, 3,
          false, NULL },
        { "join: a reliable reader without history loses nothing", newest_scene, ACTORS, all_was_told, 3, false, NULL },
        { "join: a lossy reader with history is told its losses", lossy_scene, ACTORS, all_was_told, 3, false, NULL },
};

int
main(int argc, char **argv)
{
        return explore_main(models, sizeof models / sizeof models[0], argc, argv);
}
