/*
 * A publisher moves from lane A into a successor while its subscriber reads, and the broker dies between any two of its
 * steps. Broker 1 granted B and hands it to the subscriber; if it dies, broker 2 grants C, which follows A as well.
 * Whatever arrives and whatever does not, a subscriber gets every frame once, in order; a lossy one is told its losses;
 * a newcomer of the successor gets the history that it asked for; and nobody sleeps on what it could read.
 *
 * Publisher and its control thread are one actor (bus/latch.h lets one of them in); so are the broker and the control
 * thread of the subscriber, which maps what the broker sends.
 */
#include "tests/model/atomic_model.h"

#include "bus/lane.h"
#include "tests/model/explore.h"

enum { A, B, C, LANES };
enum { PAGE = 4096, TIME_BASE = 0x1000, LANE_ID = 7 };

struct plan {
        uint32_t ring_bytes, before, frames, history;
        bool reliable;
        bool is_new;     /* the subscriber never read A: it was given B alone, before that began */
        uint32_t wanted; /* history that it asks for */
        int third;       /* lane that C follows; 0: there is no C, or it follows A */
        bool has_third;
        unsigned registered;
};

struct lane {
        struct wr_lane_geometry geometry;
        uint8_t *segment;
        struct wr_pair_words *words;
        struct wr_lane_writer writer;
        struct wr_pair_writer pair;
        struct wr_lane_start start;
        struct wr_lane_reader reader;
};

struct world {
        struct plan plan;
        struct lane lanes[LANES];
        wr_word *granted, *said; /* bit per lane: the publisher has it; the broker says that all subscribers have it */
        wr_word32 *held;         /* bit per lane: the subscriber has it */
        int written, read;       /* the lanes of the publisher and of the subscriber */
        uint64_t published, moved_at;
        uint64_t last, received, sleeps, wakes;
        bool waits_for_lane, follows;
};

static struct world *world;

/* ---- scenes ---- */

static uint64_t
id_of(int lane)
{
        return LANE_ID + (uint64_t)lane;
}

static void
name_words(struct lane *lane, const char *first, const char *ring, const char *page)
{
        struct wr_lane_control *control = (struct wr_lane_control *)(void *)lane->segment;

        explore_name(&control->first, 16, first);
        explore_name(lane->segment + PAGE, world->plan.ring_bytes, ring);
        explore_name(lane->words, sizeof *lane->words, page);
}

static void
lane_open(int which, int follows)
{
        struct lane *lane = &world->lanes[which];

        lane->geometry = (struct wr_lane_geometry){ .lane = id_of(which),
                                                    .follows = follows < 0 ? 0 : id_of(follows),
                                                    .ring_offset = PAGE,
                                                    .ring_bytes = world->plan.ring_bytes,
                                                    .heap_offset = 2 * PAGE,
                                                    .segment_bytes = 2 * PAGE,
                                                    .hash = WR_HASH_NONE };
        lane->segment = explore_shared(PAGE + world->plan.ring_bytes, PAGE);
        lane->words = explore_shared(wr_pair_words_bytes(0), WR_LINE_BYTES);
        lane->pair = (struct wr_pair_writer){ .words = lane->words, .reliable = world->plan.reliable };
        explore_check(wr_lane_writer_open(&lane->writer, lane->segment, &lane->geometry, world->plan.history, 0) ==
                              WEIR_OK,
                      "a lane does not open");
}

static void
lane_attach(int which)
{
        struct lane *lane = &world->lanes[which];

        explore_check(wr_lane_attach(&lane->writer, &lane->pair, world->plan.wanted, &lane->start) == WEIR_OK,
                      "attach fails");
}

/* The subscriber maps a lane. */
static void
lane_map(int which)
{
        struct lane *lane = &world->lanes[which];

        explore_check(wr_lane_reader_open(&lane->reader, lane->segment, &lane->geometry, &lane->start, lane->words, 0,
                                          world->plan.reliable) == WEIR_OK,
                      "the reader does not open");
        lane->reader.history = world->plan.wanted;
}

static void
publish(void)
{
        struct wr_lane_writer *w = &world->lanes[world->written].writer;

        explore_check(wr_lane_publish(w, NULL, 0, NULL, (int64_t)(TIME_BASE + world->published + 1)) == WEIR_OK,
                      "there is no room");
        world->published += 1;
        explore_note("published frame", world->published);
        explore_check(w->sequence == world->published + 1, "the successor counts from elsewhere");
}

static void
open_world(const struct plan *plan)
{
        world = explore_alloc(sizeof *world);
        world->plan = *plan;
        world->granted = explore_shared(8, 8);
        world->said = explore_shared(8, 8);
        world->held = explore_shared(8, 8);
        explore_name(world->granted, 8, "granted");
        explore_name(world->said, 8, "said");
        explore_name(world->held, 4, "held");
        for (int process = 0; process < EXPLORE_ACTORS_MAX; process++)
                if ((plan->registered & 1u << process) != 0)
                        explore_register(process);
        lane_open(A, -1);
        lane_open(B, A);
        name_words(&world->lanes[A], "first and live of A", "ring of A", "page of A");
        name_words(&world->lanes[B], "first and live of B", "ring of B", "page of B");
        if (plan->has_third) {
                lane_open(C, plan->third);
                name_words(&world->lanes[C], "first and live of C", "ring of C", "page of C");
                lane_attach(C);
        }
        lane_attach(B);
        if (!plan->is_new)
                lane_attach(A);
        world->read = plan->is_new ? B : A;
        explore_as(1);
        lane_map(world->read);
        explore_as(0);
        wr_store(world->granted, 1 << A | 1 << B);
        for (uint32_t i = 0; i < plan->before; i++)
                publish();
}

static void
reliable_scene(void)
{
        open_world(&(struct plan){ .ring_bytes = 256, .before = 1, .frames = 4, .history = 2, .reliable = true });
}

static void
settled_scene(void)
{
        open_world(&(struct plan){
                .ring_bytes = 256, .before = 0, .frames = 3, .history = 1, .reliable = true, .registered = 3 });
}

static void
abandoned_scene(void)
{
        open_world(&(struct plan){
                .ring_bytes = 256, .before = 1, .frames = 3, .history = 1, .reliable = true, .has_third = true });
}

static void
chain_scene(void)
{
        open_world(&(struct plan){ .ring_bytes = 256,
                                   .before = 1,
                                   .frames = 4,
                                   .history = 1,
                                   .reliable = true,
                                   .has_third = true,
                                   .third = B });
}

static void
lossy_scene(void)
{
        open_world(&(struct plan){ .ring_bytes = 128, .before = 2, .frames = 6 });
}

static void
lossy_history_scene(void)
{
        open_world(&(struct plan){ .ring_bytes = 256, .before = 2, .frames = 11, .history = 2 });
}

static void
newcomer_scene(void)
{
        open_world(&(struct plan){ .ring_bytes = 256,
                                   .before = 3,
                                   .frames = 5,
                                   .history = 3,
                                   .is_new = true,
                                   .wanted = 2,
                                   .reliable = true });
}

static void
lossy_newcomer_scene(void)
{
        open_world(&(struct plan){
                .ring_bytes = 256, .before = 3, .frames = 11, .history = 2, .is_new = true, .wanted = 1 });
}

/* ---- the publisher ---- */

static void
raise_reader(wr_word32 *word)
{
        world->wakes += 1;
        explore_check(world->wakes <= world->sleeps, "more wakes than sleeps");
        explore_raise(word);
}

static void
wake(int lane)
{
        wr_lane_wake(&world->lanes[lane].writer, raise_reader);
}

static void
move_to(int lane)
{
        int old = world->written;

        world->moved_at = world->published + 1;
        world->written = lane;
        explore_check(wr_lane_move(&world->lanes[old].writer, &world->lanes[lane].writer, NULL, NULL) == WEIR_OK,
                      "the move fails");
        explore_note("moved into lane", (uint64_t)lane);
        wake(old);
        wake(lane);
}

/* The newest successor of which the subscriber has said that it has it. */
static void
look_for_successor(void)
{
        uint64_t granted = wr_load_acquire(world->granted);

        for (int lane = C; lane > A; lane--) {
                const struct wr_lane_writer *old = &world->lanes[world->written].writer;

                if ((granted & 1u << lane) == 0 || world->lanes[lane].geometry.follows != old->geometry.lane)
                        continue;
                if (wr_lane_movable(old, id_of(lane)))
                        move_to(lane);
        }
}

static void
publisher(void)
{
        while (world->published < world->plan.frames) {
                explore_settle(0);
                look_for_successor();
                publish();
                wake(world->written);
        }
}

/* ---- the broker, and what the subscriber's control thread does with what it sends ---- */

static bool
dies(void)
{
        bool now = explore_choose(2) == 1;

        if (now)
                explore_note("broker dies", 0);
        return now;
}

/* The subscriber is sent a successor. False: the broker died before it was all there. */
static bool
hand_over(int lane)
{
        struct lane *old = &world->lanes[lane == C ? world->plan.third : A];
        uint32_t held = wr_load32(world->held);

        wr_store_release(world->said, wr_load(world->said) | 1u << lane);
        if (dies())
                return false;
        lane_map(lane); /* F1 */
        wr_store32_release(world->held, held | 1u << lane);
        explore_raise(world->held);
        wr_lane_reader_ready(&old->reader, id_of(lane)); /* F2 */
        return true;
}

static void
broker(void)
{
        if (!dies())
                hand_over(B);
}

/* The second one finds what the first one left, and grants anew. */
static void
two_brokers(void)
{
        bool first_is_held = !dies() && hand_over(B);

        if (world->plan.third == A ? first_is_held && !dies() : !first_is_held)
                return;
        wr_store_release(world->granted, wr_load(world->granted) | 1u << C);
        if (!dies())
                hand_over(C);
}

/* ---- the subscriber ---- */

/* What a newcomer gets first, were nothing lost. */
static uint64_t
newcomers_first(void)
{
        uint64_t there = world->lanes[B].writer.first, wanted = world->moved_at - world->plan.wanted;

        explore_check(there <= world->moved_at, "the history goes on behind the move");
        return there > wanted ? there : wanted;
}

static void
check_frame(const struct wr_taken *t)
{
        int sequence = (int)t->sequence;

        explore_note("took frame", t->sequence);
        explore_check(t->sequence > world->last, "frame %d came again", sequence);
        explore_check(t->sequence <= world->published + 1, "frame %d was never published", sequence);
        explore_check(t->published_ns == (int64_t)(TIME_BASE + t->sequence), "frame %d has another one's time",
                      sequence);
        if (world->last == 0 && world->plan.is_new)
                world->last = newcomers_first() - 1;
        explore_check(t->sequence - world->last - 1 == t->lost, "frame %d comes with lost %d after %d", sequence,
                      (int)t->lost, (int)world->last);
        explore_check(!world->plan.reliable || t->lost == 0, "a reliable reader lost a frame");
        world->last = t->sequence;
        world->received += 1;
}

static enum weir_result
take(void)
{
        struct wr_lane_reader *r = &world->lanes[world->read].reader;
        struct wr_taken taken;
        uint64_t copy[16];
        enum weir_result result = wr_lane_take(r, &taken, copy);

        if (result == WEIR_OK)
                check_frame(&taken);
        else
                explore_check(result == WEIR_EMPTY || result == WEIR_ENDED, "take answers %d", (int)result);
        explore_check(!world->follows || !r->joining, "END was written before the successor had begun");
        explore_check(r->corrupt == 0, "an honest publisher's frame seems corrupt");
        return result;
}

static void
go_on(void)
{
        struct wr_lane_reader *old = &world->lanes[world->read].reader;
        int lane = (int)(old->successor - LANE_ID);
        uint32_t held;

        explore_note("reads END, which names lane", (uint64_t)lane);
        explore_check(lane > A && lane < LANES, "END names no successor");
        world->waits_for_lane = true;
        while (((held = wr_load32_acquire(world->held)) & 1u << lane) == 0)
                explore_sleep(world->held, held);
        world->waits_for_lane = false;
        explore_check(wr_lane_reader_follow(&world->lanes[lane].reader, old), "it does not follow");
        world->read = lane;
        world->follows = true;
}

/* False: there is nothing. */
static bool
look(void)
{
        switch (take()) {
        case WEIR_EMPTY: return false;
        case WEIR_ENDED: go_on(); return true; /* the lane that was armed is not the one that is read */
        default: return true;
        }
}

static void
sleep_on_frames(void)
{
        struct wr_lane_reader *r = &world->lanes[world->read].reader;
        uint32_t value;

        world->sleeps += 1;
        value = wr_pair_sleep_arm(&r->pair);
        wr_pair_settle();
        if (!look())
                explore_sleep(&r->pair.words->wake, value);
        wr_pair_sleep_disarm(&r->pair);
}

static void
reader(void)
{
        while (world->lanes[world->read].reader.sequence != world->plan.frames + 1u) {
                explore_settle(0);
                if (!look())
                        sleep_on_frames();
        }
}

static void
all_was_told(void)
{
        const struct world *w = world;
        bool may_wait = !w->plan.reliable && (wr_load32(w->held) & 1u << w->written) == 0; /* the broker died */

        explore_check(w->published == w->plan.frames, "the publisher gave up");
        explore_check(!w->waits_for_lane || may_wait, "END was read by a reader that does not hold the successor");
        explore_check(!explore_sleeps("reader") || w->waits_for_lane, "sleeping reader with a readable frame");
        explore_check(w->waits_for_lane || !w->plan.reliable || w->received == w->plan.frames,
                      "a reliable reader got %d of %d frames", (int)w->received, (int)w->plan.frames);
}

static void
newcomer_was_told(void)
{
        uint64_t missed = world->lanes[B].reader.lost;

        explore_check(world->written == B, "the publisher did not move");
        explore_check(!explore_sleeps("reader"), "sleeping reader with a readable frame");
        explore_check(newcomers_first() + world->received + missed == world->plan.frames + 1,
                      "a newcomer from frame %d on got %d and lost %d", (int)newcomers_first(), (int)world->received,
                      (int)missed);
}

#define ACTORS(broker)                                                  \
        {                                                               \
                { "publisher", publisher, 0 }, { "reader", reader, 1 }, \
                {                                                       \
                        "broker", broker, 1                             \
                }                                                       \
        }

#define NO_BROKER                              \
        {                                      \
                { "publisher", publisher, 0 }, \
                {                              \
                        "reader", reader, 1    \
                }                              \
        }

static const struct explore_model models[] = {
        { "migrate: a reliable reader follows, whenever the broker dies", reliable_scene, ACTORS(broker), all_was_told,
          2, false, NULL },
        { "migrate: a reliable reader follows a publisher that does not fence", settled_scene, ACTORS(broker),
          all_was_told, 2, false, NULL },
        { "migrate: a successor is abandoned for that of the next broker", abandoned_scene, ACTORS(two_brokers),
          all_was_told, 2, false, NULL },
        { "migrate: a successor has a successor", chain_scene, ACTORS(two_brokers), all_was_told, 2, false, NULL },
        { "migrate: a lossy reader follows and knows what it lost", lossy_scene, ACTORS(broker), all_was_told, 2, false,
          NULL },
        { "migrate: a lossy reader passes over the history or knows what it lost", lossy_history_scene, ACTORS(broker),
          all_was_told, 1, false, NULL },
        { "migrate: a reliable newcomer gets its history", newcomer_scene, NO_BROKER, newcomer_was_told, 3, false,
          NULL },
        { "migrate: a lossy newcomer gets its history or knows what it lost", lossy_newcomer_scene, NO_BROKER,
          newcomer_was_told, 2, false, NULL },
};

int
main(int argc, char **argv)
{
        return explore_main(models, sizeof models / sizeof models[0], argc, argv);
}
