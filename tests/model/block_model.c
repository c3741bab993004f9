/*
 * Blocks in a heap of two, under a ring that holds more frames than that: the heap turns over faster than the ring.
 * A block that was taken keeps its content for as long as it is out, however long; when nobody has blocks out, two can
 * be lent; a publisher that sleeps for want of a block is woken by the release, from whichever thread.
 */
#include "tests/model/lane_world.h"

enum { BLOCK_BYTES = 64, PAYLOAD_BYTES = 24 };

/* The frames that the reader has out, by announcement. */
struct held {
        uint64_t sequence; /* 0: none */
        const wr_word *data;
};

static struct held *held;

static bool
publish_block(void)
{
        uint64_t sequence = world->published + 1, offset;
        enum weir_result result = wr_lane_lend(&world->writer, PAYLOAD_BYTES, BLOCK_BYTES, &offset);

        if (result == WEIR_FULL)
                return false;
        explore_check(result == WEIR_OK, "lend answers %d", (int)result);
        for (uint64_t i = 0; i < PAYLOAD_BYTES / 8; i++)
                wr_store((wr_word *)(void *)(world->writer.heap_base + offset) + i, lane_world_word(sequence, i));
        result = wr_lane_publish_block(&world->writer, offset, PAYLOAD_BYTES, NULL, (int64_t)(1000 + sequence), NULL);
        explore_check(result == WEIR_OK, "publishing a loan answers %d", (int)result);
        world->published += 1;
        explore_note("published block of frame", sequence);
        return true;
}

/* ---- scenes ---- */

static void
open_world(uint32_t before, uint32_t frames, bool reliable, unsigned registered)
{
        held = explore_alloc(2 * sizeof *held);
        lane_world_open(&(struct lane_plan){ .ring_bytes = 256,
                                             .inline_max = 16,
                                             .heap_bytes = 2 * BLOCK_BYTES,
                                             .hash = WR_HASH_NONE,
                                             .announcements = 2,
                                             .attached = true,
                                             .reliable = reliable,
                                             .registered = registered,
                                             .frames = frames });
        world->plan.before = before;
        for (uint32_t i = 0; i < before; i++)
                explore_check(publish_block(), "a block before the start does not fit");
}

static void
lossy_scene(void)
{
        open_world(1, 3, false, 0);
}

static void
reliable_scene(void)
{
        open_world(0, 3, true, 0);
}

/* ---- actors ---- */

static void
publisher(void)
{
        for (uint64_t i = 0; i < world->plan.frames; i++) {
                explore_settle(i);
                if (publish_block())
                        lane_world_wake();
        }
}

static void
waiting_publisher(void)
{
        while (world->published < world->plan.before + world->plan.frames) {
                uint32_t space;

                explore_settle(0);
                if (!publish_block()) {
                        world->room_sleeps += 1;
                        space = wr_pair_room_arm(&world->pair);
                        wr_pair_settle();
                        if (!publish_block())
                                explore_sleep(&world->words->space, space);
                        wr_pair_room_disarm(&world->pair);
                }
                lane_world_wake();
        }
}

static void
check_held(const struct held *h)
{
        for (uint64_t i = 0; h->sequence != 0 && i < PAYLOAD_BYTES / 8; i++)
                explore_check(wr_load(h->data + i) == lane_world_word(h->sequence, i),
                              "the block of frame %d was written again while it was out", (int)h->sequence);
}

static void
release(uint32_t entry)
{
        check_held(&held[entry]);
        if (held[entry].sequence == 0)
                return;
        explore_note("releases frame", held[entry].sequence);
        held[entry].sequence = 0;
        wr_lane_release(&world->reader.pair, entry);
}

/* Holds each frame until the next one is there. */
static void
reader(void)
{
        for (;;) {
                explore_settle(0);
                if (lane_world_take() == WEIR_EMPTY) {
                        lane_world_sleep();
                        continue;
                }
                held[world->taken.announcement] = (struct held){ world->taken.sequence, world->taken.data };
                check_held(&held[world->taken.announcement]);
                release(!world->taken.announcement);
                lane_world_room();
        }
}

static void
release_first(void)
{
        release(0);
        if (wr_pair_room_due(&world->reader.pair))
                explore_raise(&world->words->space);
}

static void
release_second(void)
{
        release(1);
        if (wr_pair_room_due(&world->reader.pair))
                explore_raise(&world->words->space);
}

/* Both blocks are out; two threads of the reader's process give them back. */
static void
open_taken(unsigned registered)
{
        open_world(2, 1, true, registered);
        for (uint32_t i = 0; i < 2; i++) {
                explore_check(lane_world_take() == WEIR_OK, "a block before the start cannot be taken");
                held[i] = (struct held){ world->taken.sequence, world->taken.data };
        }
}

static void
two_threads_scene(void)
{
        open_taken(0);
}

static void
two_settled_scene(void)
{
        open_taken(1u << 0 | 1u << 1);
}

static void
all_was_told(void)
{
        uint64_t told = world->received + world->reader.lost, offset;

        explore_check(!explore_sleeps("publisher"), "sleeping publisher that could have a block");
        explore_check(told == world->published, "sleeping reader with a readable frame");
        for (uint32_t i = 0; i < 2; i++)
                release(i);
        for (uint32_t i = 0; i < 2; i++) {
                explore_check(wr_lane_lend(&world->writer, PAYLOAD_BYTES, BLOCK_BYTES, &offset) == WEIR_OK,
                              "a block that nobody has out is not lent again");
        }
}

static void
all_is_free(void)
{
        explore_check(!explore_sleeps("publisher"), "sleeping publisher that could have a block");
}

static const struct explore_model models[] = {
        { "block: one that is out is never written, lossy",
          lossy_scene,
          { { "publisher", publisher, 0 }, { "reader", reader, 1 } },
          all_was_told,
          3,
          false,
          NULL },
        { "block: one that is out is never written, reliable",
          reliable_scene,
          { { "publisher", waiting_publisher, 0 }, { "reader", reader, 1 } },
          all_was_told,
          3,
          false,
          NULL },
        { "block: two threads release, the waiting publisher is woken",
          two_threads_scene,
          { { "publisher", waiting_publisher, 0 }, { "first", release_first, 1 }, { "second", release_second, 1 } },
          all_is_free,
          3,
          false,
          NULL },
        { "block: two threads release without a fence, the waiting publisher is woken",
          two_settled_scene,
          { { "publisher", waiting_publisher, 0 }, { "first", release_first, 1 }, { "second", release_second, 1 } },
          all_is_free,
          3,
          false,
          NULL },
};

int
main(int argc, char **argv)
{
        return explore_main(models, sizeof models / sizeof models[0], argc, argv);
}
