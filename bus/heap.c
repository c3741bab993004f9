/*
 * A lane's heap as a row of records, one per piece, in the order of their offsets:
 *
 *      records   [ lent ][ hole ][ lent ][ lent ][ hole ]
 *      bytes     0 .......................................high ........ untouched ........bytes
 *
 *   - Two holes never lie side by side: a returned block joins the holes below and above it.
 *   - A hole hangs in the list of its size class, the one freed last in front; bit maps tell which lists hold any, so
 *     that finding a hole takes two bit scans (the two-level segregated fit of Masmano, Ripoll and Crespo, 2004).
 *   - A lent block hangs in a hash table by its offset: that is how a return finds its record.
 *   - Space above `high` belongs to no record. It is taken only when no hole fits.
 *
 * Records are named by index, 0 being none, and lie in private memory that grows; the heap's own bytes are never
 * looked at.
 *
 * Where a larger hole is cut decides what becomes of the heap. Cut where the block freed last lay, the new block is
 * warm; with sizes that vary this strews young blocks among old ones, and a heap whose blocks come back oldest first
 * then fills to 86 % instead of 93 to 99. So a hole remembers which part of it was freed last: a request of exactly
 * that size gets that part, and leaves the row as it was; every other request gets the hole's lower end.
 */
#include "bus/heap.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
        GRAIN_BYTES = 64, /* every offset and every reserved size is a multiple */
        ALIGN_MAX = 2 << 20,
        SPLIT_BITS = 5, /* each power of two is split into so many classes, as a power of two */
        SPLITS = 1 << SPLIT_BITS,
        POWERS = 58,         /* of two, in grains */
        OWN_TRIES = 16,      /* holes of the own class that are looked at before a larger class is asked */
        RECORDS_FIRST = 256, /* a power of two, as all later sizes */
        RECORDS_MAX = 1 << 30,
        RECORDS_PER_LEND = 3, /* a gap below, the block, a rest above */
};

enum state { SPARE, HOLE, LENT };

struct record {
        uint64_t offset, bytes;
        uint64_t warm_offset, warm_bytes; /* hole: the part of it that was freed last; 0 bytes: not known */
        uint32_t below, above;            /* neighbours by offset */
        uint32_t next;                    /* hole: in its class; lent: in its bucket; spare: in the spares */
        uint32_t previous;                /* hole: in its class */
        enum state state;
};

struct wr_heap {
        uint64_t bytes, high, used;
        struct record *records;
        uint32_t *buckets; /* as many as there is room for records */
        uint32_t record_room;
        uint32_t spare, spare_count;
        uint32_t top;    /* the record that ends at `high` */
        uint32_t warm;   /* the record freed last; may be anything by now */
        uint64_t powers; /* bit set: some class of this power holds a hole */
        uint32_t splits[POWERS];
        uint32_t heads[POWERS][SPLITS];
};

struct size_class {
        uint32_t power, split;
};

/* Class of the holes of this size: the highest bit, then the SPLIT_BITS bits below it. Sizes below SPLITS grains have
 * a class each. */
static struct size_class
class_of(uint64_t bytes)
{
        uint64_t grains = bytes / GRAIN_BYTES;
        uint32_t power;

        if (grains < SPLITS)
                return (struct size_class){ 0, (uint32_t)grains };
        power = 63 - (uint32_t)__builtin_clzll(grains);
        return (struct size_class){ power - SPLIT_BITS + 1, (uint32_t)(grains >> (power - SPLIT_BITS)) & (SPLITS - 1) };
}

static void
hole_hang(struct wr_heap *heap, uint32_t index)
{
        struct record *hole = &heap->records[index];
        struct size_class at = class_of(hole->bytes);
        uint32_t *head = &heap->heads[at.power][at.split];

        hole->state = HOLE;
        hole->previous = 0;
        hole->next = *head;
        heap->records[*head].previous = index; /* record 0 is nobody's and takes it */
        *head = index;
        heap->powers |= UINT64_C(1) << at.power;
        heap->splits[at.power] |= UINT32_C(1) << at.split;
}

static void
hole_unhang(struct wr_heap *heap, uint32_t index)
{
        struct record *hole = &heap->records[index];
        struct size_class at = class_of(hole->bytes);

        heap->records[hole->next].previous = hole->previous;
        if (hole->previous) {
                heap->records[hole->previous].next = hole->next;
                return;
        }
        heap->heads[at.power][at.split] = hole->next;
        if (hole->next)
                return;
        heap->splits[at.power] &= ~(UINT32_C(1) << at.split);
        if (heap->splits[at.power] == 0)
                heap->powers &= ~(UINT64_C(1) << at.power);
}

/* First hole of the smallest class above this one that holds any; each is larger than any of this class. */
static uint32_t
hole_above(const struct wr_heap *heap, struct size_class at)
{
        uint64_t powers;
        uint32_t splits = heap->splits[at.power] & (UINT32_MAX << at.split << 1);

        if (splits == 0) {
                powers = heap->powers & (UINT64_MAX << at.power << 1);
                if (powers == 0)
                        return 0;
                at.power = (uint32_t)__builtin_ctzll(powers);
                splits = heap->splits[at.power];
        }
        return heap->heads[at.power][__builtin_ctz(splits)];
}

static uint64_t
align_up(uint64_t offset, uint64_t align)
{
        return (offset + align - 1) & ~(align - 1);
}

static bool
hole_is_warm(const struct record *hole, uint64_t bytes, uint64_t align)
{
        return hole->state == HOLE && hole->warm_bytes == bytes && (hole->warm_offset & (align - 1)) == 0;
}

static bool
hole_fits(const struct record *hole, uint64_t bytes, uint64_t align)
{
        uint64_t skipped = align_up(hole->offset, align) - hole->offset;

        return skipped <= hole->bytes && bytes <= hole->bytes - skipped;
}

static uint32_t
class_find(const struct wr_heap *heap, struct size_class at, uint64_t bytes, uint64_t align, uint32_t tries)
{
        uint32_t index = heap->heads[at.power][at.split];

        while (index && tries-- > 0) {
                if (hole_fits(&heap->records[index], bytes, align))
                        return index;
                index = heap->records[index].next;
        }
        return 0;
}

/* A hole for the block, or 0 when there is none for certain. */
static uint32_t
hole_find(const struct wr_heap *heap, uint64_t bytes, uint64_t align)
{
        struct size_class at = class_of(bytes), enough = class_of(bytes + align - GRAIN_BYTES);
        uint32_t index;

        if (hole_is_warm(&heap->records[heap->warm], bytes, align))
                return heap->warm;
        index = class_find(heap, at, bytes, align, OWN_TRIES);
        if (!index)
                index = hole_above(heap, enough);
        /* What is left are holes whose size or alignment may just do: all of them, for the alternative is to touch
         * new memory or to say that there is none. */
        while (!index) {
                index = class_find(heap, at, bytes, align, UINT32_MAX);
                if (at.power == enough.power && at.split == enough.split)
                        break;
                at.split = (at.split + 1) % SPLITS;
                at.power += at.split == 0;
        }
        return index;
}

static uint32_t
spare_take(struct wr_heap *heap)
{
        uint32_t index = heap->spare;

        heap->spare = heap->records[index].next;
        heap->spare_count--;
        return index;
}

static void
spare_give(struct wr_heap *heap, uint32_t index)
{
        heap->records[index].state = SPARE;
        heap->records[index].next = heap->spare;
        heap->spare = index;
        heap->spare_count++;
}

static uint32_t *
bucket_of(const struct wr_heap *heap, uint64_t offset)
{
        uint64_t mixed = offset / GRAIN_BYTES * UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / golden ratio */

        return &heap->buckets[(mixed >> 32) & (heap->record_room - 1)];
}

static void
lent_hang(struct wr_heap *heap, uint32_t index)
{
        uint32_t *bucket = bucket_of(heap, heap->records[index].offset);

        heap->records[index].next = *bucket;
        *bucket = index;
}

static uint32_t
lent_unhang(struct wr_heap *heap, uint64_t offset)
{
        uint32_t *link = bucket_of(heap, offset);
        uint32_t index;

        while (*link && heap->records[*link].offset != offset)
                link = &heap->records[*link].next;
        index = *link;
        if (index)
                *link = heap->records[index].next;
        return index;
}

/* Doubles the room for records. On failure the heap is as it was. */
static enum weir_result
records_grow(struct wr_heap *heap)
{
        uint32_t old_room = heap->record_room, room = old_room ? old_room * 2 : RECORDS_FIRST;
        uint32_t *buckets = room <= RECORDS_MAX ? calloc(room, sizeof *buckets) : NULL;
        struct record *records = buckets ? realloc(heap->records, room * sizeof *records) : NULL;

        if (!records) {
                free(buckets);
                return WEIR_E_NO_MEMORY;
        }
        memset(records + old_room, 0, (room - old_room) * sizeof *records);
        free(heap->buckets);
        heap->records = records;
        heap->buckets = buckets;
        heap->record_room = room;
        for (uint32_t index = room - 1; index >= old_room && index > 0; index--)
                spare_give(heap, index);
        for (uint32_t index = 1; index < old_room; index++)
                if (records[index].state == LENT)
                        lent_hang(heap, index);
        return WEIR_OK;
}

/* A new record over [offset, offset + bytes), between these two neighbours. */
static uint32_t
record_insert(struct wr_heap *heap, uint32_t below, uint32_t above, uint64_t offset, uint64_t bytes)
{
        uint32_t index = spare_take(heap);

        heap->records[index] = (struct record){ .offset = offset, .bytes = bytes, .below = below, .above = above };
        if (below)
                heap->records[below].above = index;
        if (above)
                heap->records[above].below = index;
        else
                heap->top = index;
        return index;
}

/* Takes the record out of the row; its bytes have gone to a neighbour. */
static void
record_remove(struct wr_heap *heap, uint32_t index)
{
        struct record *record = &heap->records[index];

        if (record->below)
                heap->records[record->below].above = record->above;
        if (record->above)
                heap->records[record->above].below = record->below;
        else
                heap->top = record->below;
        spare_give(heap, index);
}

static void
warm_note(struct wr_heap *heap, uint32_t index, uint64_t offset, uint64_t bytes)
{
        heap->records[index].warm_offset = offset;
        heap->records[index].warm_bytes = bytes;
        heap->warm = index;
}

/* Cuts [offset, offset + bytes) out of the hole; what remains below and above it stays a hole. If this was the part
 * freed last, what lies beside it is taken to be the one freed before: so it is when all blocks have one size. */
static void
hole_cut(struct wr_heap *heap, uint32_t index, uint64_t offset, uint64_t bytes)
{
        struct record *hole = &heap->records[index];
        uint64_t below = offset - hole->offset, above = hole->bytes - below - bytes;
        bool warm = hole->warm_bytes == bytes;
        uint32_t rest;

        if (above > 0) {
                rest = record_insert(heap, index, hole->above, offset + bytes, above);
                if (warm && above >= bytes)
                        warm_note(heap, rest, offset + bytes, bytes);
                hole_hang(heap, rest);
        }
        if (below > 0) {
                rest = record_insert(heap, hole->below, index, hole->offset, below);
                if (warm && below >= bytes)
                        warm_note(heap, rest, offset - bytes, bytes);
                hole_hang(heap, rest);
        }
        hole->offset = offset;
        hole->bytes = bytes;
}

static uint64_t
hole_place(const struct record *hole, uint64_t bytes, uint64_t align)
{
        return hole_is_warm(hole, bytes, align) ? hole->warm_offset : align_up(hole->offset, align);
}

/* New space at `high`, behind what a hole there already has; 0 when it does not reach. The record is a hole that
 * hangs nowhere. */
static uint32_t
high_raise(struct wr_heap *heap, uint64_t bytes, uint64_t align)
{
        uint32_t top = heap->top;
        bool extend = heap->records[top].state == HOLE; /* record 0 is none */
        uint64_t start = extend ? heap->records[top].offset : heap->high;
        uint64_t offset = align_up(start, align);

        if (offset > heap->bytes || bytes > heap->bytes - offset)
                return 0;
        heap->high = offset + bytes;
        if (!extend)
                return record_insert(heap, top, 0, start, heap->high - start);
        hole_unhang(heap, top);
        heap->records[top].bytes = heap->high - start;
        return top;
}

enum weir_result
wr_heap_lend(struct wr_heap *heap, uint64_t bytes, uint64_t align, uint64_t *offset)
{
        uint32_t index;

        assert(align >= GRAIN_BYTES && align <= ALIGN_MAX && (align & (align - 1)) == 0);
        if (bytes > heap->bytes)
                return WEIR_E_TOO_LARGE;
        bytes = bytes ? align_up(bytes, GRAIN_BYTES) : GRAIN_BYTES;
        if (heap->spare_count < RECORDS_PER_LEND && records_grow(heap) < 0)
                return WEIR_E_NO_MEMORY;
        index = hole_find(heap, bytes, align);
        if (index)
                hole_unhang(heap, index);
        else
                index = high_raise(heap, bytes, align);
        if (!index)
                return WEIR_FULL;
        *offset = hole_place(&heap->records[index], bytes, align);
        hole_cut(heap, index, *offset, bytes);
        heap->records[index].state = LENT;
        lent_hang(heap, index);
        heap->used += bytes;
        return WEIR_OK;
}

void
wr_heap_return(struct wr_heap *heap, uint64_t offset)
{
        uint32_t index = lent_unhang(heap, offset), below, above;
        struct record *block = &heap->records[index];

        assert(index && block->state == LENT);
        heap->used -= block->bytes;
        warm_note(heap, index, offset, block->bytes);
        below = block->below;
        above = block->above;
        if (heap->records[above].state == HOLE) {
                hole_unhang(heap, above);
                block->bytes += heap->records[above].bytes;
                record_remove(heap, above);
        }
        if (heap->records[below].state == HOLE) {
                hole_unhang(heap, below);
                block->offset = heap->records[below].offset;
                block->bytes += heap->records[below].bytes;
                record_remove(heap, below);
        }
        hole_hang(heap, index);
}

uint64_t
wr_heap_lent_bytes(const struct wr_heap *heap, uint64_t offset)
{
        uint32_t index = *bucket_of(heap, offset);

        while (index && heap->records[index].offset != offset)
                index = heap->records[index].next;
        return index ? heap->records[index].bytes : 0;
}

enum weir_result
wr_heap_open(struct wr_heap **heap, uint64_t bytes)
{
        struct wr_heap *opened = calloc(1, sizeof *opened);

        if (!opened || records_grow(opened) < 0) {
                wr_heap_close(opened);
                return WEIR_E_NO_MEMORY;
        }
        opened->bytes = bytes;
        *heap = opened;
        return WEIR_OK;
}

void
wr_heap_close(struct wr_heap *heap)
{
        if (!heap)
                return;
        free(heap->records);
        free(heap->buckets);
        free(heap);
}

uint64_t
wr_heap_high(const struct wr_heap *heap)
{
        return heap->high;
}

uint64_t
wr_heap_used(const struct wr_heap *heap)
{
        return heap->used;
}
