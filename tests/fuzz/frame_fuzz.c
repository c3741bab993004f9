/*
 * A hostile publisher: the input is a program that lays frames, marks and garbage into a lane segment, and lets the
 * real reader take in between. Frames can be laid with the hash that belongs to them, so that what stands behind the
 * hash is reached too.
 *
 * Whatever the input does, every take ends, what it delivers lies in the caller's copy or in committed heap, is
 * announced while it is out, and the books balance: sequence = previous + 1 + lost + skipped, never backwards.
 */
#include "tests/fuzz/lane_ground.h"

#include "bus/format.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { ANNOUNCEMENTS = 3, COPY_BYTES = WR_EXTENSION_MAX + 8 + GROUND_INLINE_MAX + WR_COPY_SLACK };

/* One input's play. */
struct play {
        struct input input;
        struct wr_lane_geometry geometry;
        struct wr_lane_control *control;
        uint8_t *ring, *heap;
        uint64_t position, sequence; /* where the input's next frame goes */
        struct wr_lane_reader reader;
        struct wr_pair_words *words;
        uint64_t taken_sequence; /* of the last delivered frame */
        bool joins;              /* where it begins, it learns from the lane */
        bool was_evicted;        /* once; the page may take it back */
        uint32_t out[ANNOUNCEMENTS], out_count;
        void *copy;
};

static struct wr_frame_header *
header_at(struct play *p, uint64_t position)
{
        return (struct wr_frame_header *)(void *)(p->ring + (position & (GROUND_RING - 1)));
}

/* The hash that an honest publisher would give the frame that lies there. */
static uint64_t
hash_of(struct play *p, uint64_t commit, uint64_t shape, uint64_t time)
{
        const uint8_t *at = (uint8_t *)header_at(p, p->position) + WR_HEADER_BYTES;
        uint64_t extension = shape >> 48, payload = (uint32_t)shape, descriptor[2] = { 0, 0 }, bytes_hash = 0;
        uint64_t room = (uint64_t)(p->ring + GROUND_RING - at);
        struct wr_hash_words words = { commit, shape, time, p->sequence, GROUND_LANE };

        if (extension + payload <= room)
                bytes_hash = wr_hash_bytes(at, extension + payload);
        if (commit % 32 == WR_FRAME_BLOCK && extension + sizeof descriptor <= room) {
                memcpy(descriptor, at + extension, sizeof descriptor);
                if (descriptor[0] <= GROUND_HEAP && descriptor[1] <= GROUND_HEAP - descriptor[0])
                        bytes_hash = wr_hash_two(at, extension, p->heap + descriptor[0], descriptor[1]);
        }
        if (commit % 32 >= WR_FRAME_PADDING)
                bytes_hash = 0;
        return wr_hash_finish(p->geometry.hash, bytes_hash, &words);
}

/* Extension and payload, as far as the ring's end is away. */
static void
lay_bytes(struct play *p, uint32_t extension, uint32_t payload, bool block)
{
        uint8_t *at = (uint8_t *)header_at(p, p->position) + WR_HEADER_BYTES;
        uint64_t room = (uint64_t)(p->ring + GROUND_RING - at);
        struct wr_frame_extension head = { .meta_size = extension > 24 ? extension - 24 : 0 };
        uint64_t descriptor[2];

        head.meta_size -= head.meta_size > 0 ? input_byte(&p->input) % 9 : 0; /* 8 of them fit the padding */
        if (extension >= sizeof head && extension <= room)
                memcpy(at, &head, sizeof head);
        if (extension > room || payload > room - extension)
                return;
        if (!block) {
                memset(at + extension, input_byte(&p->input), payload);
                return;
        }
        descriptor[0] = input_number(&p->input, 1) * 64;
        descriptor[1] = input_number(&p->input, 2);
        memcpy(at + extension, descriptor, payload < 16 ? payload : 16);
}

/* A frame at the position, right in all that its flags do not make wrong. */
static void
lay_frame(struct play *p)
{
        enum { WRONG_HASH = 1, WRONG_COMMIT = 2, RAW_SHAPE = 4, STAY = 8, UNCOUNTED = 16, ODD_EXTENSION = 32 };
        uint8_t kind = input_byte(&p->input), flags = input_byte(&p->input);
        uint32_t extension = input_byte(&p->input) % 32 * 8u, payload = input_byte(&p->input);
        struct wr_frame_header *header = header_at(p, p->position);
        uint64_t commit = p->position | (kind % 8), time = input_byte(&p->input), shape;
        bool counted = commit % 32 == WR_FRAME_INLINE || commit % 32 == WR_FRAME_BLOCK;

        if (flags & ODD_EXTENSION)
                extension++;
        if (!counted)
                extension = payload = 0;
        if (commit % 32 == WR_FRAME_PADDING)
                payload = GROUND_RING - (p->position & (GROUND_RING - 1)) - WR_HEADER_BYTES;
        if (commit % 32 == WR_FRAME_BLOCK && payload < 250)
                payload = WR_DESCRIPTOR_BYTES;
        if (counted)
                lay_bytes(p, extension, payload, commit % 32 == WR_FRAME_BLOCK);
        shape = flags & RAW_SHAPE ? input_number(&p->input, 8) : payload | (uint64_t)extension << 48;
        wr_store(&header->shape, shape);
        wr_store(&header->time, time);
        wr_store(&header->hash, hash_of(p, commit, shape, time) ^ (flags & WRONG_HASH));
        wr_store(&header->commit, flags & WRONG_COMMIT ? input_number(&p->input, 8) : commit);
        if (flags & STAY)
                return;
        p->sequence += counted && !(flags & UNCOUNTED);
        p->position += wr_lane_frame_bytes(extension, payload);
}

/* A word of the control page or the ring, near to or far from where the frames are. */
static void
lay_word(struct play *p)
{
        uint64_t at = input_number(&p->input, 2) % (2 * GROUND_PAGE / 8) * 8;
        uint8_t how = input_byte(&p->input);
        uint64_t value = how % 3 == 0 ? input_number(&p->input, 8) : p->position + (uint64_t)(how / 4) * 32;

        value = how % 3 == 2 ? p->reader.position - value + p->position : value;
        wr_store((wr_word *)(void *)(at < GROUND_PAGE ? (uint8_t *)p->control + at : p->ring + at - GROUND_PAGE),
                 value);
}

static void
lay_step(struct play *p)
{
        uint8_t choice = input_byte(&p->input);
        struct wr_step *step = &p->control->steps[choice % WR_STEPS];

        wr_store(&step->position, p->position + (choice & 16 ? input_byte(&p->input) : 0));
        wr_store(&step->sequence, p->sequence + (choice & 32 ? input_number(&p->input, 8) : 0));
        wr_store(&step->format, choice & 64 ? input_byte(&p->input) : p->reader.format);
}

/* A format in the heap and its slot. */
static void
lay_format(struct play *p)
{
        uint8_t number = input_byte(&p->input), flags = input_byte(&p->input);
        struct wr_format_slot *slot = &p->control->formats[number % WR_FORMATS];
        struct wr_format_parts parts = { "type", "encoding", "schema", flags % 7 };
        uint64_t offset = flags / 16 * 64, length = wr_format_bytes(&parts);

        wr_format_encode(&parts, p->heap + offset);
        wr_store(&slot->hash, wr_hash_bytes(p->heap + offset, length) ^ (flags >> 3 & 1));
        wr_store(&slot->offset, flags % 7 == 6 ? input_number(&p->input, 8) : offset);
        wr_store(&slot->length, flags % 7 == 5 ? input_number(&p->input, 8) : length);
        wr_store_release(&slot->number, number);
}

static bool
lies_in(const void *data, uint64_t size, const void *whole, uint64_t whole_size)
{
        uintptr_t from = (uintptr_t)data, start = (uintptr_t)whole;

        return from >= start && from - start <= whole_size && size <= whole_size - (from - start);
}

static void
expect_in_bounds(struct play *p, const struct wr_taken *t)
{
        const uint8_t *heap = p->reader.heap_base;

        expect_readable(t->data, t->size);
        if (t->about.meta_size > 0)
                expect(lies_in(t->about.meta, t->about.meta_size, p->copy, COPY_BYTES));
        if (t->block == 0) {
                expect(t->size <= GROUND_INLINE_MAX && lies_in(t->data, t->size, p->copy, COPY_BYTES));
                return;
        }
        expect(lies_in(t->data, t->size, heap, p->reader.committed));
        expect(t->data == heap + t->block - 1 && t->announcement < ANNOUNCEMENTS);
        expect(wr_load(&p->words->announcements[t->announcement]) == (t->block - 1) / 64 + 1);
        for (uint32_t i = 0; i < p->out_count; i++)
                expect(p->out[i] != t->announcement);
        p->out[p->out_count++] = t->announcement;
}

static void
expect_delivered(struct play *p, const struct wr_taken *t)
{
        struct wr_format_parts parts;

        expect_in_bounds(p, t);
        if (p->joins && p->was_evicted) /* what it lost by that stands in the book; where it began does not */
                p->taken_sequence = t->sequence - 1 - t->lost - t->skipped;
        else if (p->joins)
                p->taken_sequence = p->reader.from - 1;
        p->joins = false;
        expect(t->sequence == p->taken_sequence + 1 + t->lost + t->skipped);
        expect((int64_t)(t->sequence - p->taken_sequence) > 0);
        p->taken_sequence = t->sequence;
        expect(wr_load(&p->words->cursor) == p->reader.position);
        expect(t->format == p->reader.format_bytes_number);
        if (p->reader.format_bytes &&
            wr_format_decode(p->reader.format_bytes, p->reader.format_size, &parts) == WEIR_OK)
                expect_readable(parts.schema, parts.schema_size + 1);
}

static void
take(struct play *p)
{
        struct wr_taken t;
        enum weir_result result;

        memset(&t, 0xee, sizeof t);
        wr_lane_ready(&p->reader);
        result = wr_lane_take(&p->reader, &t, p->copy);
        switch ((int)result) {
        case WEIR_OK: expect_delivered(p, &t); break;
        case WEIR_E_NO_MEMORY: expect(p->reader.wanted > p->reader.committed && p->reader.wanted <= GROUND_HEAP); break;
        case WEIR_E_HELD: expect(p->out_count == ANNOUNCEMENTS); break;
        case WEIR_E_EVICTED:
                expect(wr_load(&p->words->evicted) != 0);
                p->was_evicted = true;
                break;
        default: expect(result == WEIR_EMPTY || result == WEIR_ENDED || result == WEIR_E_CORRUPT);
        }
}

static void
release(struct play *p)
{
        if (p->out_count > 0)
                wr_lane_release(&p->reader.pair, p->out[--p->out_count]);
}

/* The lane begins, at any time and more than once, with the frames that the input lays or elsewhere. */
static void
lay_beginning(struct play *p)
{
        uint8_t choice = input_byte(&p->input);
        uint64_t first = choice & 128 ? input_number(&p->input, 8) : p->sequence - choice % 4;

        wr_store(&p->control->live, first + (choice & 64 ? input_number(&p->input, 8) : choice / 4 % 8));
        wr_store_release(&p->control->first, first);
}

/* The words of the pair page that the publisher owns, and those that it may spoil. */
static void
spoil_pair(struct play *p)
{
        uint8_t which = input_byte(&p->input);

        if (which % 8 == 0)
                wr_store(&p->words->evicted, which / 128);
        else if (which % 8 == 1)
                wr_store(&p->words->cursor, input_number(&p->input, 8));
        else if (which % 8 == 2)
                wr_store(&p->words->announcements[0], input_number(&p->input, 8));
        else if (which % 8 == 3)
                lay_beginning(p);
        if (p->out_count == 0) /* what is out is checked against its announcement only when it is taken */
                wr_store(&p->words->announcements[1], which);
}

static void
step(struct play *p)
{
        switch (input_byte(&p->input) % 12) {
        case 0: lay_word(p); break;
        case 1: lay_step(p); break;
        case 2: lay_format(p); break;
        case 3: wr_store_release(&p->control->claimed, p->position - input_byte(&p->input) * UINT64_C(32)); break;
        case 4: wr_store_release(&p->control->unlinked, p->sequence + input_byte(&p->input) % 4 - 1); break;
        case 5: release(p); break;
        case 6: wr_lane_reader_refuse(&p->reader); break;
        case 7: spoil_pair(p); break;
        case 8: take(p); break;
        default: lay_frame(p);
        }
        if (input_byte(&p->input) % 2)
                take(p);
        p->reader.committed = p->reader.wanted > p->reader.committed ? p->reader.wanted : p->reader.committed;
}

/* The reader comes from a lane before this one, where it had got so far. */
static void
follow(struct play *p, uint64_t sequence)
{
        struct wr_lane_reader old = { .ended = true, .successor = GROUND_LANE, .sequence = sequence };

        old.geometry.lane = p->geometry.follows;
        expect(wr_lane_reader_follow(&p->reader, &old));
        p->joins = true;
}

static bool
play_open(struct play *p)
{
        struct wr_lane_start start;
        uint8_t *writable, choice, join;
        const uint8_t *readable;

        ground_open(&writable, &readable);
        p->geometry = ground_geometry(&p->input);
        p->geometry.follows = GROUND_LANE - 1;
        p->control = (struct wr_lane_control *)(void *)writable;
        p->ring = writable + GROUND_RING_AT;
        p->heap = writable + GROUND_HEAP_AT;
        p->position = p->geometry.start;
        p->sequence = 1;
        choice = input_byte(&p->input);
        join = choice & 4 ? input_byte(&p->input) : 0;
        p->joins = join & 1;
        start = (struct wr_lane_start){ p->position + (choice == 255 ? 8 : 0), !p->joins, choice % 4 == 1 };
        p->words = calloc(1, wr_pair_words_bytes(ANNOUNCEMENTS));
        p->copy = malloc(COPY_BYTES);
        wr_store(&p->control->claimed, p->position);
        wr_store(&p->control->unlinked, 1);
        if (wr_lane_reader_open(&p->reader, readable, &p->geometry, &start, p->words, ANNOUNCEMENTS, false) != WEIR_OK)
                return false;
        p->reader.committed = choice & 8 ? GROUND_HEAP : 0;
        p->reader.keep = choice & 16 ? choice / 64 : 0;
        p->reader.history = join / 16;
        if (join & 2)
                follow(p, join & 8 ? input_number(&p->input, 8) : 1u + join / 16);
        if (join & 4)
                lay_beginning(p);
        p->reader.verify = choice & 32 ? (choice & 64 ? UINT32_MAX : 2) : 0;
        return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct play play = { .input = { bytes, size } };

        if (play_open(&play))
                for (int i = 0; i < GROUND_STEPS_MAX && play.input.size > 0; i++)
                        step(&play);
        while (play.out_count > 0)
                release(&play);
        wr_lane_reader_close(&play.reader);
        free(play.reader.pair.held);
        free(play.words);
        free(play.copy);
        return 0;
}
