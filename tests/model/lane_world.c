/*
 * The world of the lane models: a segment, a pair page, a writer, a reader, and what a test knows beside them.
 *
 *   frame n   its time is TIME_BASE + n, its payload is lane_world_word(n, 0), lane_world_word(n, 1), ...
 *   checked   at each take: the order, the losses that were told, every word of the frame, never a corrupt one
 */
#include "tests/model/lane_world.h"

struct lane_world *world;

enum { PAGE = 4096, TIME_BASE = 1000, EAGER_TURNS = 4 };

/* Names the words that the printed schedules speak of. */
static void
name_words(void)
{
        static const char *const frames[] = { "ring[0]",   "ring[32]",  "ring[64]",  "ring[96]",
                                              "ring[128]", "ring[160]", "ring[192]", "ring[224]" };
        struct wr_lane_control *control = (void *)world->segment;

        explore_name(control, sizeof *control, "control");
        explore_name(&control->claimed, 8, "claimed");
        explore_name(&control->unlinked, 8, "unlinked");
        explore_name(control->steps, sizeof control->steps, "steps");
        explore_name(world->segment + PAGE, world->plan.ring_bytes, "ring");
        for (uint64_t i = 0; i < 8 && i < world->plan.ring_bytes / 32; i++)
                explore_name(world->segment + PAGE + i * 32, 32, frames[i]);
        explore_name(world->segment + world->geometry.heap_offset, world->plan.heap_bytes, "heap");
        explore_name(&world->words->cursor, 8, "cursor");
        explore_name(&world->words->waiting, 8, "waiting");
        explore_name(&world->words->state, 8, "state");
        explore_name(&world->words->space, 4, "space");
        explore_name(&world->words->wake, 4, "wake");
        explore_name(&world->words->settles, 4, "settles");
        explore_name(&world->words->writer_settles, 4, "writer_settles");
        explore_name(&world->words->evicted, 8, "evicted");
        explore_name(&world->words->room_waiting, 8, "room_waiting");
        explore_name(&world->words->announcements, world->plan.announcements * 8, "announcements");
}

void
lane_world_attach(void)
{
        explore_check(wr_lane_attach(&world->writer, &world->pair, world->plan.history, &world->started) == WEIR_OK,
                      "attach fails");
}

void
lane_world_reader_open(void)
{
        explore_as(1);
        if ((world->plan.fencing & 2u) != 0)
                wr_pair_reader_fences(world->words);
        explore_check(wr_lane_reader_open(&world->reader, world->segment, &world->geometry, &world->started,
                                          world->words, world->plan.announcements, world->plan.reliable) == WEIR_OK,
                      "the reader does not open");
        world->reader.committed = world->plan.heap_bytes;
        world->reader.keep = world->plan.keep;
        explore_as(0);
}

void
lane_world_open(const struct lane_plan *plan)
{
        world = explore_alloc(sizeof *world);
        world->plan = *plan;
        world->geometry = (struct wr_lane_geometry){
                .lane = 7,
                .ring_offset = PAGE,
                .ring_bytes = plan->ring_bytes,
                .heap_offset = 2 * PAGE,
                .heap_bytes = plan->heap_bytes == 0 ? 0 : PAGE,
                .start = plan->start,
                .inline_max = plan->inline_max,
                .hash = plan->hash,
                .segment_bytes = 2 * PAGE + (plan->heap_bytes == 0 ? 0 : PAGE),
        };
        world->segment = explore_shared(2 * PAGE + plan->heap_bytes, PAGE);
        world->words = explore_shared(wr_pair_words_bytes(plan->announcements), WR_LINE_BYTES);
        world->pair = (struct wr_pair_writer){ .words = world->words,
                                               .announcement_count = plan->announcements,
                                               .reliable = plan->reliable };
        name_words();
        for (int process = 0; process < EXPLORE_ACTORS_MAX; process++)
                if ((plan->registered & 1u << process) != 0)
                        explore_register(process);
        explore_heap(plan->heap_bytes / 64);
        explore_check(wr_lane_writer_open(&world->writer, world->segment, &world->geometry, plan->history, 2) ==
                              WEIR_OK,
                      "the writer does not open");
        if ((plan->fencing & 1u) != 0)
                world->writer.settles = WR_PAIR_FENCES;
        if (plan->attached) {
                lane_world_attach();
                lane_world_reader_open();
        }
        for (uint32_t i = 0; i < plan->before; i++)
                explore_check(lane_world_publish() == WEIR_OK, "a frame before the start does not fit");
}

/* ---- publishing ---- */

uint64_t
lane_world_word(uint64_t sequence, uint64_t i)
{
        uint64_t position = world->positions[sequence % 32];

        if (world->plan.sly) /* the header of an empty frame, were one here a lap later */
                return i == 0 ? (position + 32 + world->plan.ring_bytes) | WR_FRAME_INLINE : 0;
        return sequence << 16 | (i + 1) << 8 | 0xAA;
}

static uint64_t
payload_bytes(uint64_t sequence)
{
        return world->plan.uneven && sequence % 2 == 0 ? 0 : world->plan.payload_bytes;
}

enum weir_result
lane_world_publish(void)
{
        uint64_t payload[4] = { 0 };
        uint64_t sequence = world->published + 1;
        enum weir_result result;

        world->positions[sequence % 32] = world->writer.position;
        for (uint64_t i = 0; i < 4; i++)
                payload[i] = lane_world_word(sequence, i);
        result = wr_lane_publish(&world->writer, payload, payload_bytes(sequence), NULL,
                                 (int64_t)(TIME_BASE + sequence));
        if (result == WEIR_OK) {
                world->published += 1;
                explore_note("published frame", sequence);
        }
        return result;
}

static void
raise_reader(wr_word32 *word)
{
        world->wakes += 1;
        explore_check(world->wakes <= world->sleeps, "more wakes than sleeps");
        explore_raise(word);
}

void
lane_world_wake(void)
{
        wr_lane_wake(&world->writer, raise_reader);
}

void
lane_world_publisher(void)
{
        uint64_t until = (uint64_t)world->plan.before + world->plan.frames;

        while (world->published < until) {
                explore_settle(0);
                explore_check(lane_world_publish() == WEIR_OK, "a lossy reader blocks the publisher");
                if (!world->plan.batch || world->published == until)
                        lane_world_wake();
        }
        if (world->plan.ends) {
                wr_lane_end(&world->writer, 0);
                lane_world_wake();
        }
}

/* Of who sleeps against a side that says this of itself. */
static void
settle(const wr_word32 *settles)
{
        if (wr_pair_fences(settles))
                wr_fence();
        else
                wr_pair_settle();
}

static void
wait_for_room(void)
{
        uint32_t space;

        world->room_sleeps += 1;
        space = wr_pair_room_arm(&world->pair);
        settle(&world->words->settles);
        if (lane_world_publish() != WEIR_OK)
                explore_sleep(&world->words->space, space);
        wr_pair_room_disarm(&world->pair);
}

void
lane_world_waiting_publisher(void)
{
        uint64_t until = world->plan.before + world->plan.frames;

        while (world->published < until) {
                explore_settle(0);
                if (lane_world_publish() != WEIR_OK)
                        wait_for_room();
                lane_world_wake();
        }
        if (world->plan.ends) {
                wr_lane_end(&world->writer, 0);
                lane_world_wake();
        }
}

/* ---- reading ---- */

static void
check_payload(const struct wr_taken *t)
{
        uint64_t words[4];
        int sequence = (int)t->sequence;

        explore_check(t->size == payload_bytes(t->sequence), "frame %d is torn: another length", sequence);
        memcpy(words, t->data, t->size);
        for (uint64_t i = 0; i < t->size / 8; i++)
                explore_check(words[i] == lane_world_word(t->sequence, i), "frame %d is torn: another payload",
                              sequence);
}

static void
check_frame(const struct wr_taken *t)
{
        uint64_t last = world->started.sequence - 1 + world->received + world->lost + world->skipped;
        int sequence = (int)t->sequence;

        explore_note("took frame", t->sequence);
        explore_check(t->sequence > last, "frame %d came again", sequence);
        explore_check(t->sequence <= world->published + 1, "frame %d was never published", sequence);
        explore_check(t->sequence - last - 1 == t->lost + t->skipped,
                      "frame %d comes with lost %d, skipped %d after %d", sequence, (int)t->lost, (int)t->skipped,
                      (int)last);
        explore_check(!world->plan.reliable || t->lost == 0, "a reliable reader lost a frame");
        explore_check(t->published_ns == (int64_t)(TIME_BASE + t->sequence), "frame %d is torn: another frame's time",
                      sequence);
        world->received += 1;
        world->lost += t->lost;
        world->skipped += t->skipped;
        world->turns = 0;
        if (t->block == 0)
                check_payload(t);
}

enum weir_result
lane_world_take(void)
{
        enum weir_result result;

        memset(world->copy, 0, sizeof world->copy);
        result = wr_lane_take(&world->reader, &world->taken, world->copy);
        if (result == WEIR_OK)
                check_frame(&world->taken);
        else
                explore_check(result == WEIR_EMPTY || result == WEIR_ENDED || result == WEIR_E_EVICTED,
                              "take answers %d", (int)result);
        explore_check(world->reader.corrupt == 0, "an honest publisher's frame seems corrupt");
        return result;
}

void
lane_world_sleep(void)
{
        uint32_t wake;

        world->sleeps += 1;
        wake = wr_pair_sleep_arm(&world->reader.pair);
        settle(&world->words->writer_settles);
        if (!wr_lane_ready(&world->reader))
                explore_sleep(&world->words->wake, wake);
        else if (++world->turns == EAGER_TURNS)
                wr_pause(); /* ready said so, take did not find it: the publisher must move first, or this fails */
        wr_pair_sleep_disarm(&world->reader.pair);
}

void
lane_world_room(void)
{
        if (!wr_pair_room_due(&world->reader.pair))
                return;
        world->room_wakes += 1;
        explore_check(world->room_wakes <= world->room_sleeps, "more wakes for room than sleeps");
        explore_raise(&world->words->space);
}

void
lane_world_reader(void)
{
        enum weir_result result = WEIR_OK;

        while (world->plan.ends ? result != WEIR_ENDED : !lane_world_read_all()) {
                explore_settle(0);
                result = lane_world_take();
                if (result == WEIR_EMPTY)
                        lane_world_sleep();
                if (result == WEIR_OK && world->plan.reliable)
                        lane_world_room();
        }
}

void
lane_world_all_was_told(void)
{
        const struct wr_lane_reader *r = &world->reader;
        uint64_t told = world->started.sequence - 1 + world->received + r->lost + r->skipped;

        explore_check(!explore_sleeps("publisher"), "sleeping publisher that has room");
        explore_check(!explore_sleeps("reader"), "sleeping reader with a readable frame");
        explore_check(told == world->published, "received + lost + skipped is %d of %d", (int)told,
                      (int)world->published);
        explore_check(!world->plan.reliable || r->lost == 0, "a reliable reader lost a frame");
        explore_check(world->plan.keep > 0 || r->skipped == 0, "a reader that keeps all skipped a frame");
}

bool
lane_world_read_all(void)
{
        return world->reader.sequence == (uint64_t)world->plan.before + world->plan.frames + 1;
}
