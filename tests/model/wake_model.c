/*
 * Sleeping and waking over a pair page, with the protocol of bus/pair.h on both sides: each sleep is woken once, and
 * nobody sleeps on a frame that could be read. Also where two threads of the subscriber sleep on the same pair: one
 * takes, the other only waits; each arms, the last to get up disarms.
 */
#include "tests/model/lane_world.h"

static wr_word *lock;      /* of the subscriber's two threads */
static uint64_t *sleepers; /* under the lock */

static void
one_scene(void)
{
        lane_world_open(&(struct lane_plan){ .ring_bytes = 256,
                                             .inline_max = 32,
                                             .payload_bytes = 8,
                                             .attached = true,
                                             .hash = WR_HASH_NONE,
                                             .frames = 3 });
}

static void
open_two(unsigned registered)
{
        lock = explore_alloc(sizeof *lock);
        sleepers = explore_alloc(sizeof *sleepers);
        explore_name(lock, 8, "lock");
        lane_world_open(&(struct lane_plan){ .ring_bytes = 256,
                                             .inline_max = 32,
                                             .payload_bytes = 8,
                                             .attached = true,
                                             .hash = WR_HASH_NONE,
                                             .registered = registered,
                                             .frames = 2 });
}

static void
two_scene(void)
{
        open_two(0);
}

static void
two_settled_scene(void)
{
        open_two(1u << 0 | 1u << 1);
}

static void
enter(void)
{
        while (wr_exchange(lock, 1) != 0)
                wr_pause();
}

static void
leave(void)
{
        wr_store_release(lock, 0);
}

/* Comes and goes with the lock held. */
static void
sleep_among_others(void)
{
        uint32_t wake;
        bool ready;

        world->sleeps += 1;
        *sleepers += 1;
        wake = wr_pair_sleep_arm(&world->reader.pair);
        wr_pair_settle();
        ready = wr_lane_ready(&world->reader);
        leave();
        if (!ready)
                explore_sleep(&world->words->wake, wake);
        enter();
        *sleepers -= 1;
        if (*sleepers == 0)
                wr_pair_sleep_disarm(&world->reader.pair);
}

static void
taker(void)
{
        enter();
        while (!lane_world_read_all()) {
                explore_settle(0);
                if (lane_world_take() == WEIR_EMPTY)
                        sleep_among_others();
        }
        leave();
}

/* Waits for one frame, twice; what it saw may be taken by then. */
static void
bystander(void)
{
        enter();
        for (int i = 0; i < 2; i++)
                sleep_among_others();
        leave();
}

static void
taker_got_all(void)
{
        explore_check(!explore_sleeps("taker"), "sleeping reader with a readable frame");
        explore_check(world->received == world->published, "received %d of %d", (int)world->received,
                      (int)world->published);
}

static const struct explore_model models[] = {
        { "wake: each sleep is woken once, none for ever",
          one_scene,
          { { "publisher", lane_world_publisher, 0 }, { "reader", lane_world_reader, 1 } },
          lane_world_all_was_told,
          4,
          false,
          NULL },
        { "wake: two threads sleep on one pair",
          two_scene,
          { { "publisher", lane_world_publisher, 0 }, { "taker", taker, 1 }, { "bystander", bystander, 1 } },
          taker_got_all,
          2,
          false,
          NULL },
        { "wake: two threads sleep on one pair whose publisher does not fence",
          two_settled_scene,
          { { "publisher", lane_world_publisher, 0 }, { "taker", taker, 1 }, { "bystander", bystander, 1 } },
          taker_got_all,
          2,
          false,
          NULL },
};

int
main(int argc, char **argv)
{
        return explore_main(models, sizeof models / sizeof models[0], argc, argv);
}
