/*
 * A hostile subscriber: the input is a program for the real writer, with two subscribers. One of them is hostile, and
 * its pair page holds whatever the input says, different before every call; the other is honest, reliable, and reads
 * with the real reader.
 *
 * Whatever the input does, the writer neither dies nor loops nor writes outside the lane, nothing that the honest
 * subscriber was promised is lost, doubled, reordered or spoiled, no block that it has out is reused, and when both
 * have left all memory is free. In the end the writer moves into another lane, where the honest one goes on.
 */
#include "tests/fuzz/lane_ground.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
        ANNOUNCEMENTS = 3,
        LOANS = 4,
        HISTORY = 2,
        STALL_NS = 1000,
        COPY_BYTES = WR_EXTENSION_MAX + 8 + GROUND_INLINE_MAX + WR_COPY_SLACK,
};

struct side { /* one subscriber, as the writer knows it */
        struct wr_pair_writer pair;
        struct wr_pair_words *words;
        bool attached;
};

struct loan {
        uint64_t offset, size;
};

struct play {
        struct input input;
        uint8_t *heap;
        const uint8_t *readable;
        struct wr_lane_writer writer;
        struct side hostile, honest;
        struct wr_lane_reader reader; /* the honest one's */
        struct wr_taken out[ANNOUNCEMENTS];
        uint32_t out_count;
        struct loan loans[LOANS];
        uint32_t loan_count;
        uint8_t next_choice; /* what the lane is like into which the writer moves in the end */
        int64_t now_ns;
        uint8_t copy[COPY_BYTES];
};

static const struct wr_pair_words *known_words[2];

static void
raise_known(wr_word32 *word)
{
        expect(word == &known_words[0]->wake || word == &known_words[1]->wake);
}

/* The frame with this sequence consists of this byte, and carries the sequence as its tag. */
static uint8_t
filling(uint64_t sequence)
{
        return (uint8_t)(sequence * 41 + 7);
}

static void
expect_filled(const uint8_t *data, uint64_t size, uint64_t sequence)
{
        for (uint64_t i = 0; i < size; i++)
                expect(data[i] == filling(sequence));
}

static void
publish(struct play *p)
{
        uint8_t data[GROUND_INLINE_MAX + 1];
        uint64_t size = input_byte(&p->input) % (GROUND_INLINE_MAX + 2);
        struct wr_about about = { .tag = p->writer.sequence, .meta = data, .meta_size = size % 3 ? 0 : 8 };
        enum weir_result result;

        memset(data, filling(p->writer.sequence), sizeof data);
        result = wr_lane_publish(&p->writer, data, size, &about, p->now_ns);
        expect(result == WEIR_OK || result == WEIR_FULL || (result == WEIR_E_CLOSED && p->writer.ended) ||
               (result == WEIR_E_TOO_LARGE && size > GROUND_INLINE_MAX));
}

static void
lend(struct play *p)
{
        struct loan *loan = &p->loans[p->loan_count];
        enum weir_result result;

        if (p->loan_count == LOANS)
                return;
        loan->size = input_number(&p->input, 2) % (GROUND_HEAP + 100);
        result = wr_lane_lend(&p->writer, loan->size, UINT64_C(64) << input_byte(&p->input) % 7, &loan->offset);
        expect(result == WEIR_OK || result == WEIR_FULL || (result == WEIR_E_CLOSED && p->writer.ended) ||
               (result == WEIR_E_TOO_LARGE && loan->size > GROUND_HEAP));
        if (result != WEIR_OK)
                return;
        expect(loan->offset == WR_SCRATCH || loan->size <= GROUND_HEAP - loan->offset);
        if (loan->offset != WR_SCRATCH) /* at once, so that a block that somebody still reads is seen to change */
                memset(p->heap + loan->offset, 0xaa, loan->size);
        p->loan_count++;
}

static void
publish_scratch(struct play *p, uint64_t size)
{
        uint8_t data[GROUND_INLINE_MAX];
        struct wr_about about = { .tag = p->writer.sequence };

        memset(data, filling(p->writer.sequence), sizeof data);
        expect(wr_lane_publish_scratch(&p->writer, data, size, size, &about, p->now_ns) == WEIR_OK);
}

/* A loan becomes a frame, or goes back. Loans that END overtook cannot be published here any more. */
static void
settle_loan(struct play *p, bool frame)
{
        struct loan loan;
        struct wr_about about = { .tag = p->writer.sequence };

        if (p->loan_count == 0)
                return;
        loan = p->loans[--p->loan_count];
        if (!frame || p->writer.ended) {
                wr_lane_discard(&p->writer, loan.offset, loan.size);
        } else if (loan.offset == WR_SCRATCH) {
                publish_scratch(p, loan.size);
        } else {
                memset(p->heap + loan.offset, filling(p->writer.sequence), loan.size);
                expect(wr_lane_publish_block(&p->writer, loan.offset, loan.size, &about, p->now_ns, NULL) == WEIR_OK);
        }
}

static void
set_format(struct play *p)
{
        uint64_t offset;
        enum weir_result result = wr_lane_lend(&p->writer, 250, 64, &offset);

        if (result != WEIR_OK)
                return;
        expect(offset != WR_SCRATCH);
        result = wr_lane_set_format(&p->writer, offset, "format", 6);
        expect(result == WEIR_OK || result == WEIR_FULL);
        if (result == WEIR_FULL)
                wr_lane_discard(&p->writer, offset, 250);
}

/* One word of the hostile page: a block that exists, a position near the lane's, or anything. */
static void
spoil(struct play *p)
{
        uint8_t which = input_byte(&p->input), how = input_byte(&p->input);
        struct wr_pair_words *words = p->hostile.words;
        uint64_t value = p->writer.position + (uint64_t)(int64_t)(int8_t)how * 32;

        if (how % 4 == 1)
                value = input_number(&p->input, 8);
        if (how % 4 == 2)
                value = how / 4;
        switch (which % 8) {
        case 0: wr_store(&words->cursor, value); break;
        case 1:
                wr_store(&words->waiting, value);
                wr_store(&words->ready, value);
                break;
        case 2: wr_store(&words->state, how % 4); break;
        case 3: wr_store32(&words->wake, (uint32_t)value); break;
        case 4: wr_store(&words->evicted, value); break;
        case 5: wr_store(&words->room_waiting, value); break;
        case 6: wr_store32(&words->space, (uint32_t)value); break;
        default: wr_store(&words->announcements[which / 8 % ANNOUNCEMENTS], how % 4 ? value : how); break;
        }
}

static void
attach(struct play *p, struct side *side, bool reliable, uint32_t history)
{
        struct wr_lane_start start;
        enum weir_result result;

        side->pair = (struct wr_pair_writer){ .words = side->words,
                                              .announcement_count = ANNOUNCEMENTS,
                                              .reliable = reliable };
        result = wr_lane_attach(&p->writer, &side->pair, history, &start);
        expect(result == WEIR_OK || (result == WEIR_E_CLOSED && p->writer.ended));
        side->attached = result == WEIR_OK;
        if (side != &p->honest)
                return;
        expect(wr_lane_reader_open(&p->reader, p->readable, &p->writer.geometry, &start, side->words, ANNOUNCEMENTS,
                                   true) == WEIR_OK);
        p->reader.committed = GROUND_HEAP;
}

static void
come_or_go(struct play *p)
{
        uint8_t choice = input_byte(&p->input);

        if (choice == 255) {
                wr_lane_end(&p->writer, choice);
        } else if (p->hostile.attached) {
                wr_lane_detach(&p->writer, &p->hostile.pair);
                p->hostile.attached = false;
        } else {
                attach(p, &p->hostile, choice % 2, choice / 2);
        }
}

static void
release(struct play *p)
{
        struct wr_taken *t;

        if (p->out_count == 0)
                return;
        t = &p->out[--p->out_count];
        expect_filled(t->data, t->size, t->sequence); /* as it was when it was taken */
        wr_lane_release(&p->reader.pair, t->announcement);
        if (wr_pair_room_due(&p->reader.pair))
                raise_known(&p->honest.words->wake);
}

static void
take(struct play *p)
{
        struct wr_taken *t = &p->out[p->out_count];
        uint64_t expected = p->reader.sequence;
        enum weir_result result;

        if (p->out_count == ANNOUNCEMENTS)
                return;
        result = wr_lane_take(&p->reader, t, p->copy);
        if (result == WEIR_EMPTY || result == WEIR_ENDED) {
                expect(p->reader.sequence == p->writer.sequence);
                return;
        }
        if (result == WEIR_E_EVICTED) {
                expect(p->honest.pair.evicted);
                return;
        }
        expect(result == WEIR_OK && t->sequence == expected && t->lost == 0 && t->about.tag == t->sequence);
        expect_filled(t->data, t->size, t->sequence);
        if (t->block != 0)
                p->out_count++;
}

/* Time passes for a publisher that waits. */
static void
charge(struct play *p)
{
        struct wr_pair_writer *evicted;

        p->now_ns += input_byte(&p->input) * 10;
        evicted = wr_lane_charge(&p->writer, p->now_ns, STALL_NS);
        expect(evicted == NULL || evicted == &p->hostile.pair || evicted == &p->honest.pair);
        if (evicted == &p->honest.pair)
                expect(p->reader.position != p->writer.position);
}

/* Both directions of sleep, on the hostile page. */
static void
sleep_beside(struct play *p)
{
        struct wr_pair_reader reader = { .words = p->hostile.words, .announcement_count = ANNOUNCEMENTS };

        wr_pair_room_arm(&p->hostile.pair);
        wr_pair_room_due(&reader);
        wr_pair_room_due(&reader);
        wr_pair_room_disarm(&p->hostile.pair);
        wr_pair_sleep_arm(&reader);
        wr_pair_sleep_disarm(&reader);
}

/* The honest one's sleep is not hindered. */
static void
sleep_and_wake(struct play *p)
{
        wr_pair_sleep_arm(&p->reader.pair);
        wr_lane_wake(&p->writer, raise_known);
        wr_pair_sleep_disarm(&p->reader.pair);
}

/* A reader that asks to be woken for ever and takes nothing is left to the timer, and the timer wakes it. */
static void
wake_without_end(struct play *p)
{
        for (int asked = 0; asked < 80; asked++)
                sleep_and_wake(p);
        wr_lane_wake_owed(&p->writer, raise_known);
}

static void
step(struct play *p)
{
        switch (input_byte(&p->input) % 16) {
        case 0: lend(p); break;
        case 1: settle_loan(p, true); break;
        case 2: settle_loan(p, false); break;
        case 3: set_format(p); break;
        case 4: charge(p); break;
        case 5: wr_lane_uncharge(&p->writer, p->now_ns += 500); break;
        case 6: come_or_go(p); break;
        case 7: wake_without_end(p); break;
        case 8: sleep_beside(p); break;
        case 9:
        case 10: take(p); break;
        case 11: release(p); break;
        case 12:
        case 13: publish(p); break;
        case 14: sleep_and_wake(p); break;
        default: spoil(p); break;
        }
        spoil(p);
}

/* ---- the next lane ---- */

enum { NEXT_LANE = GROUND_LANE + 1 };

/* Where the honest one goes on, and where somebody joins who wants the history. */
struct next {
        struct wr_lane_writer writer;
        struct side follower, newcomer;
        struct wr_lane_reader readers[2];
        uint64_t *segment;
        uint64_t commit_max; /* no byte of the heap behind it is to be had */
};

static enum weir_result
commit_some(void *context, uint64_t end)
{
        const struct next *next = context;

        expect(end <= next->writer.geometry.heap_bytes);
        return end <= next->commit_max ? WEIR_OK : WEIR_E_NO_MEMORY;
}

static void
next_join(struct next *next, struct side *side, struct wr_lane_reader *reader, bool reliable)
{
        struct wr_lane_start start;

        side->words = calloc(1, wr_pair_words_bytes(ANNOUNCEMENTS));
        side->pair = (struct wr_pair_writer){ .words = side->words,
                                              .announcement_count = ANNOUNCEMENTS,
                                              .reliable = reliable };
        expect(wr_lane_attach(&next->writer, &side->pair, HISTORY, &start) == WEIR_OK && start.sequence == 0);
        expect(wr_lane_reader_open(reader, next->segment, &next->writer.geometry, &start, side->words, ANNOUNCEMENTS,
                                   reliable) == WEIR_OK);
        reader->committed = next->writer.geometry.heap_bytes;
        reader->history = HISTORY;
}

static void
next_leave(struct next *next, struct side *side, struct wr_lane_reader *reader)
{
        wr_lane_detach(&next->writer, &side->pair);
        wr_lane_reader_close(reader);
        free(reader->pair.held);
        free(side->words);
}

/* The segment is the end of an allocation, so that ASan sees what is written behind it. */
static void
next_open(struct play *p, struct next *next)
{
        struct wr_lane_geometry geometry = p->writer.geometry;
        uint8_t choice = p->next_choice;

        geometry.lane = NEXT_LANE;
        geometry.follows = GROUND_LANE;
        geometry.start += choice * UINT64_C(32);
        geometry.heap_bytes = choice % 8 == 7 ? 0 : choice % 4 == 3 ? GROUND_PAGE : GROUND_HEAP;
        geometry.segment_bytes = geometry.heap_offset + geometry.heap_bytes;
        next->segment = calloc(1, geometry.segment_bytes);
        next->commit_max = choice % 4 == 2 ? choice / 4 * 64 : GROUND_HEAP;
        expect(wr_lane_writer_open(&next->writer, next->segment, &geometry, HISTORY, LOANS) == WEIR_OK);
        next_join(next, &next->follower, &next->readers[0], true);
        next_join(next, &next->newcomer, &next->readers[1], choice & 32);
        p->hostile.pair.id = next->newcomer.pair.follows = 1;
        p->honest.pair.id = next->follower.pair.follows = 2;
}

/* All frames from this one on, as they were published; never one twice. */
static void
next_take_all(struct play *p, struct next *next, struct wr_lane_reader *reader, uint64_t sequence)
{
        struct wr_taken t;

        for (; sequence < next->writer.sequence; sequence++) {
                expect(wr_lane_take(reader, &t, p->copy) == WEIR_OK);
                expect(t.sequence == sequence && t.lost == 0 && t.about.tag == sequence);
                expect_filled(t.data, t.size, sequence);
                if (t.block != 0)
                        wr_lane_release(&reader->pair, t.announcement);
        }
        expect(wr_lane_take(reader, &t, p->copy) == WEIR_EMPTY);
}

/* The old lane's last words, then the new one's. */
static void
next_follow(struct play *p, struct next *next)
{
        struct wr_taken t;

        if (p->honest.pair.evicted)
                return;
        expect(!wr_lane_reader_follow(&next->readers[0], &p->reader));
        expect(wr_lane_take(&p->reader, &t, p->copy) == WEIR_ENDED && p->reader.successor == NEXT_LANE);
        expect(wr_lane_reader_follow(&next->readers[0], &p->reader));
        next_take_all(p, next, &next->readers[0], p->reader.sequence);
}

/* Who blocks the writer now is charged; one of them has its old page in the hostile one's hands. */
static void
next_charge(struct play *p, struct next *next)
{
        uint8_t data[GROUND_INLINE_MAX] = { 0 };

        for (int i = 0; i < GROUND_RING / WR_HEADER_BYTES; i++)
                wr_lane_publish(&next->writer, data, sizeof data, NULL, p->now_ns);
        for (uint64_t looks = 8; looks > 0; looks--) { /* the input has said all: it comes nearer, or jumps */
                wr_store(&p->hostile.words->cursor, p->writer.position - p->next_choice * looks % 16 * WR_HEADER_BYTES);
                wr_lane_charge(&next->writer, p->now_ns += STALL_NS / 4, STALL_NS);
        }
        wr_lane_uncharge(&next->writer, p->now_ns);
}

static void
move_on(struct play *p)
{
        static struct next next;
        uint8_t data[8];
        struct wr_about about = { .tag = p->writer.sequence };
        enum weir_result result;

        next = (struct next){ .segment = NULL };
        next_open(p, &next);
        expect(p->honest.pair.evicted || p->honest.pair.left || !wr_lane_movable(&p->writer, NEXT_LANE));
        wr_lane_reader_ready(&p->reader, NEXT_LANE);
        wr_lane_movable(&p->writer, NEXT_LANE); /* the hostile one may say what it likes */
        result = wr_lane_move(&p->writer, &next.writer, commit_some, &next);
        expect(result == WEIR_OK || (result == WEIR_E_CLOSED && p->writer.ended) ||
               (result == WEIR_E_NO_MEMORY && p->writer.format != 0 && !p->writer.ended));
        if (result == WEIR_OK) {
                memset(data, filling(about.tag), sizeof data);
                expect(next.writer.sequence == about.tag && next.writer.reserved == 0);
                expect(wr_lane_publish(&next.writer, data, sizeof data, &about, p->now_ns) == WEIR_OK);
                next_follow(p, &next);
                next_take_all(p, &next, &next.readers[1], next.writer.first);
                next_charge(p, &next);
        }
        next_leave(&next, &next.follower, &next.readers[0]);
        next_leave(&next, &next.newcomer, &next.readers[1]);
        wr_lane_writer_close(&next.writer);
        free(next.segment);
}

static void
play_open(struct play *p)
{
        struct wr_lane_geometry geometry = ground_geometry(&p->input);
        uint8_t *writable;

        ground_open(&writable, &p->readable);
        p->heap = writable + GROUND_HEAP_AT;
        expect(wr_lane_writer_open(&p->writer, writable, &geometry, HISTORY, LOANS) == WEIR_OK);
        p->hostile.words = calloc(1, wr_pair_words_bytes(ANNOUNCEMENTS));
        p->honest.words = calloc(1, wr_pair_words_bytes(ANNOUNCEMENTS));
        known_words[0] = p->hostile.words;
        known_words[1] = p->honest.words;
        p->next_choice = input_byte(&p->input);
        attach(p, &p->hostile, p->next_choice % 2, 0);
        p->next_choice /= 2;
        attach(p, &p->honest, true, 0);
        p->now_ns = 1;
}

static void
play_close(struct play *p)
{
        while (p->loan_count > 0)
                settle_loan(p, false);
        for (int i = 0; i < GROUND_RING / WR_HEADER_BYTES && !p->honest.pair.evicted; i++) { /* all that is left */
                while (p->out_count > 0)
                        release(p);
                take(p);
        }
        expect(p->honest.pair.evicted || p->reader.sequence == p->writer.sequence);
        while (p->out_count > 0)
                release(p);
        move_on(p);
        if (p->hostile.attached)
                wr_lane_detach(&p->writer, &p->hostile.pair);
        wr_lane_detach(&p->writer, &p->honest.pair);
        expect(p->writer.pinned_count == 0 && p->writer.reserved == 0);
        wr_lane_end(&p->writer, 0);
        wr_lane_end(&p->writer, 0);
        expect(wr_lane_publish(&p->writer, "", 0, NULL, p->now_ns) == WEIR_E_CLOSED);
        wr_lane_reader_close(&p->reader);
        free(p->reader.pair.held);
        wr_lane_writer_close(&p->writer);
        free(p->hostile.words);
        free(p->honest.words);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        static struct play play;

        play = (struct play){ .input = { bytes, size } };
        play_open(&play);
        for (int i = 0; i < GROUND_STEPS_MAX && play.input.size > 0; i++)
                step(&play);
        play_close(&play);
        return 0;
}
