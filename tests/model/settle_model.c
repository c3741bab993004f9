/*
 * Who sleeps settles: its barrier reaches every process that registered, and then the awake side looks without a fence.
 * Both directions, and both at once: a reader that sleeps for frames, a publisher that sleeps for room. Where one side
 * has no such barrier, or one pair of several, or one that has just joined, the fence stays.
 */
#include "tests/model/lane_world.h"

#include "bus/latch.h"

enum { PUBLISHER = 1u << 0, READER = 1u << 1, BOTH = PUBLISHER | READER };

/* A second reader of the lane, in a third process, which has no barrier. */
struct other {
        struct wr_pair_words *words;
        struct wr_pair_writer pair;
        struct wr_lane_reader reader;
        struct wr_lane_start started;
        uint64_t received;
};

static struct other *other;
static struct wr_latch *latch;
static wr_word32 *told; /* the control thread has told the reader that it may begin */

/* ---- scenes ---- */

static void
open_lossy(unsigned registered, bool attached)
{
        lane_world_open(&(struct lane_plan){
                .ring_bytes = 256, .hash = WR_HASH_NONE, .attached = attached, .registered = registered, .frames = 3 });
}

static void
open_reliable(unsigned registered, uint32_t before)
{
        lane_world_open(&(struct lane_plan){ .ring_bytes = 128,
                                             .hash = WR_HASH_NONE,
                                             .attached = true,
                                             .reliable = true,
                                             .registered = registered,
                                             .before = before,
                                             .frames = 4 - before });
}

static void
frames_scene(void)
{
        open_lossy(BOTH, true);
}

static void
room_scene(void)
{
        open_reliable(BOTH, 2); /* all that there is room for */
}

static void
both_scene(void)
{
        open_reliable(BOTH, 1);
}

static void
publisher_scene(void)
{
        open_reliable(PUBLISHER, 1);
}

static void
reader_scene(void)
{
        open_reliable(READER, 1);
}

static void
open_fencing(unsigned fencing)
{
        lane_world_open(&(struct lane_plan){ .ring_bytes = 128,
                                             .hash = WR_HASH_NONE,
                                             .attached = true,
                                             .reliable = true,
                                             .registered = BOTH,
                                             .fencing = fencing,
                                             .before = 1,
                                             .frames = 3 });
}

static void
fencing_reader_scene(void)
{
        open_fencing(READER);
}

static void
fencing_publisher_scene(void)
{
        open_fencing(PUBLISHER);
}

static void
mixed_scene(void)
{
        open_lossy(BOTH, true);
        other = explore_alloc(sizeof *other);
        other->words = explore_shared(wr_pair_words_bytes(0), WR_LINE_BYTES);
        explore_name(&other->words->waiting, 8, "other's waiting");
        explore_name(&other->words->wake, 4, "other's wake");
        explore_name(&other->words->settles, 4, "other's settles");
        other->pair = (struct wr_pair_writer){ .words = other->words };
        explore_check(wr_lane_attach(&world->writer, &other->pair, 0, &other->started) == WEIR_OK, "attach fails");
        explore_as(2);
        explore_check(wr_lane_reader_open(&other->reader, world->segment, &world->geometry, &other->started,
                                          other->words, 0, false) == WEIR_OK,
                      "the other reader does not open");
}

static void
open_joining(unsigned registered)
{
        latch = explore_alloc(sizeof *latch);
        explore_name(&latch->busy, 8, "busy");
        explore_name(&latch->visiting, 8, "visiting");
        open_lossy(registered, false);
        told = explore_shared(8, 8);
        explore_name(told, 4, "told");
}

static void
joining_scene(void)
{
        open_joining(PUBLISHER);
}

static void
joining_settled_scene(void)
{
        open_joining(BOTH);
}

/* ---- actors ---- */

/* Takes what lies there, for which the publisher waits, and never sleeps. */
static void
taking_reader(void)
{
        for (uint32_t i = 0; i < world->plan.before; i++) {
                explore_settle(i);
                explore_check(lane_world_take() == WEIR_OK, "a frame before the start cannot be taken");
                lane_world_room();
        }
}

static enum weir_result
other_take(void)
{
        struct wr_taken taken;
        uint64_t copy[4];
        enum weir_result result = wr_lane_take(&other->reader, &taken, copy);

        if (result != WEIR_OK) {
                explore_check(result == WEIR_EMPTY, "the other's take answers %d", (int)result);
                return result;
        }
        other->received += 1;
        explore_note("other took frame", taken.sequence);
        explore_check(taken.sequence == other->received, "the other took frame %d instead of %d", (int)taken.sequence,
                      (int)other->received);
        return result;
}

static void
other_reader(void)
{
        while (other->received < world->plan.frames) {
                uint32_t wake;

                explore_settle(0);
                if (other_take() == WEIR_OK)
                        continue;
                world->sleeps += 1;
                wake = wr_pair_sleep_arm(&other->reader.pair);
                wr_pair_settle();
                if (!wr_lane_ready(&other->reader))
                        explore_sleep(&other->words->wake, wake);
                wr_pair_sleep_disarm(&other->reader.pair);
        }
}

/* Publishes with nobody there at first. */
static void
latched_publisher(void)
{
        while (world->published < world->plan.frames) {
                explore_settle(0);
                wr_latch_enter(latch);
                explore_check(lane_world_publish() == WEIR_OK, "a lossy reader blocks the publisher");
                lane_world_wake();
                wr_latch_leave(latch);
        }
}

static void
control(void)
{
        while (!wr_latch_visit(latch))
                wr_pause();
        lane_world_attach();
        wr_latch_depart(latch);
        explore_note("attached before frame", world->started.sequence);
        wr_store32_release(told, 1);
        explore_raise(told);
}

static void
joining_reader(void)
{
        while (wr_load32_acquire(told) == 0)
                explore_sleep(told, 0);
        lane_world_reader_open();
        lane_world_reader();
}

/* ---- ends ---- */

static void
publisher_went_on(void)
{
        explore_check(!explore_sleeps("publisher"), "sleeping publisher that has room");
        explore_check(world->published == world->plan.before + world->plan.frames, "the publisher gave up");
}

static void
both_were_told(void)
{
        explore_check(!explore_sleeps("other"), "sleeping reader that does not settle, with a readable frame");
        lane_world_all_was_told();
}

#define ACTORS(publisher, reader)              \
        {                                      \
                { "publisher", publisher, 0 }, \
                {                              \
                        "reader", reader, 1    \
                }                              \
        }

static const struct explore_model models[] = {
        { "settle: a reader sleeps for frames, its publisher does not fence", frames_scene,
          ACTORS(lane_world_publisher, lane_world_reader), lane_world_all_was_told, 5, false, NULL },
        { "settle: a publisher sleeps for room, its reader does not fence", room_scene,
          ACTORS(lane_world_waiting_publisher, taking_reader), publisher_went_on, 4, false, NULL },
        { "settle: each sleeps for the other, neither fences", both_scene,
          ACTORS(lane_world_waiting_publisher, lane_world_reader), lane_world_all_was_told, 4, false, NULL },
        { "settle: a reader without the barrier is fenced for, and fences", publisher_scene,
          ACTORS(lane_world_waiting_publisher, lane_world_reader), lane_world_all_was_told, 4, false, NULL },
        { "settle: a publisher without the barrier fences, and is fenced for", reader_scene,
          ACTORS(lane_world_waiting_publisher, lane_world_reader), lane_world_all_was_told, 4, false, NULL },
        { "settle: a reader says that it fences, and is not settled for", fencing_reader_scene,
          ACTORS(lane_world_waiting_publisher, lane_world_reader), lane_world_all_was_told, 4, false, NULL },
        { "settle: a publisher says that it fences, and is not settled for", fencing_publisher_scene,
          ACTORS(lane_world_waiting_publisher, lane_world_reader), lane_world_all_was_told, 4, false, NULL },
        { "settle: of two pairs one does not settle",
          mixed_scene,
          { { "publisher", lane_world_publisher, 0 },
            { "reader", lane_world_reader, 1 },
            { "other", other_reader, 2 } },
          both_were_told,
          2,
          false,
          NULL },
        { "settle: a pair that does not settle joins",
          joining_scene,
          { { "publisher", latched_publisher, 0 }, { "control", control, 0 }, { "reader", joining_reader, 1 } },
          lane_world_all_was_told,
          3,
          false,
          NULL },
        { "settle: a pair that settles joins",
          joining_settled_scene,
          { { "publisher", latched_publisher, 0 }, { "control", control, 0 }, { "reader", joining_reader, 1 } },
          lane_world_all_was_told,
          3,
          false,
          NULL },
};

int
main(int argc, char **argv)
{
        return explore_main(models, sizeof models / sizeof models[0], argc, argv);
}
