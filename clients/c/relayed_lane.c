#include "clients/c/relayed_lane.h"

#include "bus/os/memory.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { PAGE_BYTES = 4096 };
#define PRIVATE_ID       (UINT64_C(1) << 63)
#define COMMIT_BYTES_MIN (UINT64_C(64) << 10)
#define COMMIT_BYTES_MAX (UINT64_C(8) << 20)

static _Atomic uint64_t ids;

uint64_t
wr_relayed_id(void)
{
        return PRIVATE_ID | (atomic_fetch_add_explicit(&ids, 1, memory_order_relaxed) + 1);
}

static uint64_t
pages_of(uint64_t bytes)
{
        return (bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

struct wr_lane_geometry
wr_relayed_geometry(uint64_t ring_bytes, uint64_t heap_bytes, uint32_t inline_max, uint32_t hash)
{
        struct wr_lane_geometry g = { .lane = wr_relayed_id(), .epoch = 1, .ring_offset = WR_CONTROL_BYTES };

        g.ring_bytes = ring_bytes;
        g.heap_offset = pages_of(g.ring_offset + ring_bytes);
        g.heap_bytes = pages_of(heap_bytes);
        g.segment_bytes = g.heap_offset + g.heap_bytes;
        g.inline_max = inline_max;
        g.hash = hash;
        return g;
}

uint64_t
wr_relayed_page_bytes(uint32_t announcements)
{
        return pages_of(wr_pair_words_bytes(announcements));
}

void
wr_relayed_objects_close(wr_object objects[WR_RELAYED_OBJECTS])
{
        for (int i = 0; i < WR_RELAYED_OBJECTS; i++) {
                wr_object_close(objects[i]);
                objects[i] = WR_NO_OBJECT;
        }
}

/* Create, map, seal, read-only: the order of the broker (broker/publication.c). */
static enum weir_result
segment_make(struct wr_relayed_writer *w, const struct wr_lane_geometry *g, wr_object *read_only)
{
        wr_object writable = WR_NO_OBJECT;
        enum weir_result result = wr_region_create(&writable, "weir-relayed", g->segment_bytes);

        if (result < 0)
                return result;
        result = wr_region_map(writable, g->segment_bytes, true, &w->segment);
        if (result < 0)
                w->segment = NULL;
        else
                result = wr_memory_commit(w->segment, g->ring_offset + g->ring_bytes);
        if (result == WEIR_OK)
                result = wr_region_seal(writable);
        if (result == WEIR_OK)
                result = wr_region_read_only(writable, read_only);
        wr_object_close(writable);
        return result;
}

/* The page with its signals, and our end of it bound. */
static enum weir_result
page_make(struct wr_relayed_writer *w, wr_object objects[WR_RELAYED_OBJECTS])
{
        struct wr_signal_pair signals = WR_SIGNAL_NONE;
        wr_object ours[WR_SIGNAL_OBJECTS + 1];
        enum weir_result result = wr_region_create(&objects[1], "weir-pair", w->page_bytes);

        if (result == WEIR_OK)
                result = wr_region_allocate(objects[1], w->page_bytes);
        if (result == WEIR_OK && (result = wr_region_map(objects[1], w->page_bytes, true, &w->page)) < 0)
                w->page = NULL;
        if (result < 0)
                return result;
        w->pair.words = w->page;
        result = wr_signal_create(&signals);
        if (result == WEIR_OK)
                result = wr_signal_grant(&signals, WR_SIGNAL_SUBSCRIBER, &objects[3]);
        if (result == WEIR_OK && (result = wr_signal_grant(&signals, WR_SIGNAL_PUBLISHER, ours)) == WEIR_OK) {
                result = wr_signal_bind(&w->pair.words->wake, &w->pair.words->space, WR_SIGNAL_PUBLISHER, ours);
                wr_signal_grant_close(ours);
        }
        wr_signal_close(&signals);
        return result;
}

enum weir_result
wr_relayed_writer_open(struct wr_relayed_writer **out, const struct wr_lane_geometry *geometry, uint32_t announcements,
                       bool reliable, wr_object objects[WR_RELAYED_OBJECTS])
{
        struct wr_relayed_writer *w = calloc(1, sizeof *w);
        enum weir_result result = w ? wr_lane_geometry_check(geometry) : WEIR_E_NO_MEMORY;

        for (int i = 0; i < WR_RELAYED_OBJECTS; i++)
                objects[i] = WR_NO_OBJECT;
        if (result == WEIR_OK) {
                w->segment_bytes = geometry->segment_bytes;
                w->page_bytes = wr_relayed_page_bytes(announcements);
                w->pair = (struct wr_pair_writer){ .announcement_count = announcements,
                                                   .reliable = reliable,
                                                   .id = wr_relayed_id() };
                result = segment_make(w, geometry, &objects[0]);
        }
        if (result == WEIR_OK)
                result = page_make(w, objects);
        if (result == WEIR_OK)
                result = wr_lane_writer_open(&w->writer, w->segment, geometry, 0, 1);
        if (result == WEIR_OK) {
                w->writer.settles = WR_PAIR_FENCES;
                result = wr_lane_attach(&w->writer, &w->pair, UINT32_MAX, &w->start);
        }
        if (result < 0) {
                wr_relayed_writer_close(w);
                wr_relayed_objects_close(objects);
                return result;
        }
        *out = w;
        return WEIR_OK;
}

void
wr_relayed_writer_close(struct wr_relayed_writer *w)
{
        if (!w)
                return;
        wr_lane_writer_close(&w->writer);
        if (w->pair.words)
                wr_signal_unbind(&w->pair.words->wake, &w->pair.words->space);
        if (w->segment)
                wr_region_unmap(w->segment, w->segment_bytes);
        if (w->page)
                wr_region_unmap(w->page, w->page_bytes);
        free(w);
}

enum weir_result
wr_relayed_writer_commit(struct wr_relayed_writer *w, uint64_t end)
{
        uint64_t page = wr_memory_page_bytes(), grown;
        enum weir_result result;

        if (end <= w->committed)
                return WEIR_OK;
        /* As much again while it is little: the taking thread asks the kernel each time that there is more. */
        grown = w->committed + (w->committed < COMMIT_BYTES_MAX ? w->committed : COMMIT_BYTES_MAX);
        if (end < grown)
                end = grown;
        if (end < COMMIT_BYTES_MIN)
                end = COMMIT_BYTES_MIN;
        end = (end + page - 1) & ~(page - 1);
        if (end > w->writer.geometry.heap_bytes)
                end = w->writer.geometry.heap_bytes;
        result = wr_memory_commit(w->writer.heap_base + w->committed, end - w->committed);
        if (result == WEIR_OK)
                w->committed = end;
        return result;
}
