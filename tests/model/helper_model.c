/*
 * A helper sleeps for the taker (clients/c/helper.h): the taker arms, settles and looks as bus/pair.h says, then calls
 * for the wake word and sleeps on a bell. The helper has one word only, as where there is no futex_waitv: the lane's
 * while it stands on it, else its turn. The first sleep of the taker ends at once, as by a timeout, so that the helper
 * may still stand on what it was called for then.
 */
#include "tests/model/lane_world.h"

struct relay {
        wr_word lock;
        wr_word32 bell, turn;
        uint32_t value; /* from here on under the lock */
        bool standing, called;
        uint32_t sleeps;
};

static struct relay *relay;

static void
open_relay(unsigned registered)
{
        relay = explore_alloc(sizeof *relay);
        explore_name(&relay->lock, 8, "lock");
        explore_name(&relay->bell, 4, "bell");
        explore_name(&relay->turn, 4, "turn");
        lane_world_open(&(struct lane_plan){ .ring_bytes = 256,
                                             .inline_max = 32,
                                             .payload_bytes = 8,
                                             .attached = true,
                                             .hash = WR_HASH_NONE,
                                             .registered = registered,
                                             .frames = 2 });
}

static void
fenced_scene(void)
{
        open_relay(0);
}

static void
settled_scene(void)
{
        open_relay(1u << 0 | 1u << 1);
}

static void
enter(void)
{
        while (wr_exchange(&relay->lock, 1) != 0)
                wr_pause();
}

static void
leave(void)
{
        wr_store_release(&relay->lock, 0);
}

/* The lock is held. */
static void
ring(void)
{
        relay->standing = false;
        if (!relay->called)
                return;
        wr_store32_release(&relay->bell, 1);
        explore_raise(&relay->bell);
}

/* C2. */
static void
call(uint32_t wake)
{
        relay->called = true;
        if (wr_load32_acquire(&world->words->wake) != wake) {
                wr_store32_release(&relay->bell, 1);
                return;
        }
        if (relay->standing && relay->value == wake)
                return;
        if (relay->standing)
                ring();
        relay->value = wake;
        relay->standing = true;
        wr_add32(&relay->turn, 1);
        explore_raise(&relay->turn);
}

static void
sleep_by_helper(void)
{
        uint32_t wake;

        world->sleeps += 1;
        wake = wr_pair_sleep_arm(&world->reader.pair);
        wr_pair_settle();
        if (!wr_lane_ready(&world->reader)) {
                relay->sleeps += 1;
                wr_store32(&relay->bell, 0);
                enter();
                call(wake);
                leave();
                if (relay->sleeps > 1)
                        explore_sleep(&relay->bell, 0);
                enter();
                relay->called = false;
                leave();
        }
        wr_pair_sleep_disarm(&world->reader.pair);
}

static void
taker(void)
{
        while (!lane_world_read_all()) {
                explore_settle(0);
                if (lane_world_take() == WEIR_EMPTY)
                        sleep_by_helper();
        }
}

static void
helper(void)
{
        enter();
        for (;;) {
                uint32_t turn = wr_load32(&relay->turn), value = relay->value;
                bool standing = relay->standing;

                leave();
                if (standing)
                        explore_sleep(&world->words->wake, value);
                else
                        explore_sleep(&relay->turn, turn);
                enter();
                explore_settle(1);
                if (relay->standing && wr_load32_acquire(&world->words->wake) != relay->value)
                        ring();
        }
}

static void
taker_got_all(void)
{
        explore_check(!explore_sleeps("taker"), "sleeping reader with a readable frame");
        explore_check(world->received == world->published, "received %d of %d", (int)world->received,
                      (int)world->published);
}

static const struct explore_model models[] = {
        { "helper: who lets another one sleep for it is woken",
          fenced_scene,
          { { "publisher", lane_world_publisher, 0 }, { "taker", taker, 1 }, { "helper", helper, 1 } },
          taker_got_all,
          2,
          false,
          NULL },
        { "helper: also where the publisher does not fence",
          settled_scene,
          { { "publisher", lane_world_publisher, 0 }, { "taker", taker, 1 }, { "helper", helper, 1 } },
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
