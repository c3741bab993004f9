/*
 * A subscriber's half of a lane: the take.
 *
 *  S1  load commit word at the position   acquire   P3 of lane_writer.c: who sees it sees the frame
 *  S2  load header, copy extension and payload or descriptor into private memory (relaxed words)
 *  S3  acquire fence
 *  S4  load `claimed` into a local        acquire   passed the position? then S2 may have read another lap's bytes
 *  S5  check lengths and hash over the private copy: read once, checked, then used
 *  S6  store cursor                       release   a reliable publisher may overwrite what we have read
 *
 * Every look ends with S4, also the one that finds nothing: a cleared word and a word never written look the same, and
 * a reader that slept on the former would sleep on readable frames. Blocks: A1..A7 of lane_block.c.
 *
 * A frame that does not check is passed over, counted as corrupt and as lost, never delivered; lane_recover.c finds the
 * next one. Bounds: a take looks at no more headers than the ring holds.
 */
#include "bus/lane_reader_parts.h"

#include "bus/hash_short.h"
#include "bus/os/barrier.h"
#include "bus/words.h"

#include <stdlib.h>

enum weir_result
wr_lane_reader_open(struct wr_lane_reader *r, const void *segment, const struct wr_lane_geometry *geometry,
                    const struct wr_lane_start *start, struct wr_pair_words *words, uint32_t announcement_count,
                    bool reliable)
{
        *r = (struct wr_lane_reader){ .geometry = *geometry, .control = segment, .reliable = reliable };
        if (wr_lane_geometry_check(geometry) != WEIR_OK || start->position % WR_HEADER_BYTES != 0)
                return WEIR_E_CORRUPT;
        if (start->sequence == 0 && start->position != geometry->start) /* not begun */
                return WEIR_E_CORRUPT;
        r->ring = (const uint8_t *)segment + geometry->ring_offset;
        r->heap_base = (const uint8_t *)segment + geometry->heap_offset;
        r->extension_max = wr_lane_extension_max(geometry);
        r->position = start->position;
        r->sequence = r->from = start->sequence;
        r->seen_position = start->position;
        r->seen_sequence = start->sequence;
        r->joining = r->astray = start->sequence == 0;
        r->format = start->format;
        wr_store(&r->at, r->position);
        r->pair.words = words;
        r->pair.announcement_count = announcement_count;
        r->pair.settles = wr_barrier_system_available() && !wr_pair_fences(&words->settles);
        if (!wr_pair_fences(&words->settles))
                wr_store32(&words->settles, r->pair.settles ? WR_PAIR_SETTLES : WR_PAIR_UNSURE);
        r->pair.held = calloc(announcement_count + 1, sizeof *r->pair.held);
        if (r->pair.held == NULL)
                return WEIR_E_NO_MEMORY;
        return WEIR_OK;
}

void
wr_lane_reader_close(struct wr_lane_reader *r)
{
        free(r->format_bytes);
        r->format_bytes = NULL;
        r->format_bytes_number = 0;
}

bool
wr_lane_ready(const struct wr_lane_reader *r)
{
        uint64_t at = wr_load(&r->at);
        uint64_t position = at & ~UINT64_C(1);

        if (wr_load_acquire(&r->pair.words->evicted) != 0)
                return true;
        if (at != position ? wr_lane_find_next(r, position, NULL)
                           : wr_load_acquire(&wr_lane_look(r, position)->commit) != 0)
                return true;
        return wr_lane_lapped(r, position, NULL);
}

/* A look at one header, all of it private. */
struct look {
        uint64_t commit, shape, time, hash;
        uint32_t payload_bytes, extension_bytes;
        uint64_t frame_bytes;
};

static void
load_header(const struct wr_lane_reader *r, struct look *look)
{
        const struct wr_frame_header *header = wr_lane_look(r, r->position);

        look->shape = wr_load(&header->shape);
        look->time = wr_load(&header->time);
        look->hash = wr_load(&header->hash);
        look->payload_bytes = (uint32_t)look->shape;
        look->extension_bytes = (uint32_t)(look->shape >> 48);
        look->frame_bytes = wr_lane_frame_bytes(look->extension_bytes, look->payload_bytes);
}

/* Lengths as an honest publisher makes them, wholly inside the ring. */
static bool
lengths_are_sound(const struct wr_lane_reader *r, const struct look *look, uint32_t payload_max)
{
        uint64_t in_ring = r->position & (r->geometry.ring_bytes - 1);

        if (look->extension_bytes % 8 != 0 || look->extension_bytes > r->extension_max)
                return false;
        if (look->extension_bytes != 0 && look->extension_bytes < sizeof(struct wr_frame_extension))
                return false;
        return look->payload_bytes <= payload_max && look->frame_bytes <= r->geometry.ring_bytes - in_ring;
}

static struct wr_hash_words
words_of(const struct wr_lane_reader *r, const struct look *look, uint64_t sequence)
{
        return (struct wr_hash_words){ .commit = look->commit,
                                       .shape = look->shape,
                                       .time = look->time,
                                       .sequence = sequence,
                                       .lane = r->geometry.lane };
}

static inline bool
hash_matches_at(const struct wr_lane_reader *r, const struct look *look, uint64_t bytes_hash, uint64_t sequence)
{
        struct wr_hash_words words = words_of(r, look, sequence);

        return wr_hash_mix(r->geometry.hash, bytes_hash, &words) == look->hash;
}

static bool
hash_matches(struct wr_lane_reader *r, const struct look *look, uint64_t bytes_hash)
{
        int64_t off;

        if (hash_matches_at(r, look, bytes_hash, r->sequence)) {
                r->doubt = false;
                return true;
        }
        if (!r->doubt)
                return false;
        /* Behind a corrupt header that seemed a counted frame's and was a mark's, or the other way round. */
        off = r->resync_counted ? -1 : 1;
        r->doubt = false;
        if (!hash_matches_at(r, look, bytes_hash, r->sequence + (uint64_t)off))
                return false;
        wr_lane_correct(r, off);
        return true;
}

/* Is it this frame's turn to be verified? */
static bool
verify_turn(struct wr_lane_reader *r)
{
        if (r->verify == UINT32_MAX || r->geometry.hash == WR_HASH_NONE)
                return false;
        if (r->verify <= 1 || r->doubt)
                return true;
        r->verify_turn = (r->verify_turn + 1) % r->verify;
        return r->verify_turn == 0;
}

bool
wr_lane_about(const void *copy, uint32_t bytes, struct wr_about *about)
{
        struct wr_frame_extension head;

        *about = (struct wr_about){ 0 };
        if (bytes == 0)
                return true;
        memcpy(&head, copy, sizeof head);
        if (wr_words_bytes(sizeof head + (uint64_t)head.meta_size) != bytes)
                return false;
        *about = (struct wr_about){ .stamp_ns = (int64_t)head.stamp,
                                    .tag = head.tag,
                                    .flags = head.flags,
                                    .meta_size = head.meta_size,
                                    .meta = head.meta_size == 0 ? NULL : (const uint8_t *)copy + sizeof head };
        return true;
}

/* The frame at the position has been delivered or passed over: everything before the cursor is ours no more. */
static void
advance(struct wr_lane_reader *r, uint64_t frame_bytes)
{
        uint64_t position = r->position + frame_bytes;

        r->position = position;
        wr_store(&r->at, position);
        wr_store_release(&r->pair.words->cursor, position); /* S6 */
}

static void
deliver(struct wr_lane_reader *r, const struct look *look, struct wr_taken *t)
{
        t->sequence = r->sequence;
        t->published_ns = (int64_t)look->time;
        t->format = r->format;
        t->lost = r->lost_now;
        t->skipped = r->skipped_now;
        r->lost_now = 0;
        r->skipped_now = 0;
        r->bad_in_row = 0;
        r->sequence += 1;
        advance(r, look->frame_bytes);
}

/* What one look at the position led to. */
enum outcome { DELIVERED, PASSED, STUCK };

/* STUCK with the lane's last word in *result, or PASSED: look again. */
static enum outcome
bad_frame(struct wr_lane_reader *r, bool counted, enum weir_result *result)
{
        wr_lane_bad(r, counted);
        *result = WEIR_E_CORRUPT;
        return r->bad_in_row >= WR_LANE_BAD_MAX ? STUCK : PASSED;
}

static enum outcome
take_inline(struct wr_lane_reader *r, struct look *look, struct wr_taken *t, void *copy, enum weir_result *result)
{
        const uint8_t *at = (const uint8_t *)wr_lane_look(r, r->position) + WR_HEADER_BYTES;
        uint32_t bytes = look->extension_bytes + look->payload_bytes;
        bool sound = lengths_are_sound(r, look, r->geometry.inline_max);
        uint64_t claimed;

        if (sound)
                wr_words_load(copy, at, bytes);       /* S2 */
        if (wr_lane_lapped(r, r->position, &claimed)) /* S3, S4 */
                return wr_lane_recover(r, claimed) ? PASSED : STUCK;
        if (!sound || !wr_lane_about(copy, look->extension_bytes, &t->about))
                return bad_frame(r, true, result);
        if (verify_turn(r) && !hash_matches(r, look, r->geometry.hash == WR_HASH_FULL ? wr_hash_bytes(copy, bytes) : 0))
                return bad_frame(r, true, result);
        *result = wr_lane_format_load(r);
        if (*result != WEIR_OK)
                return *result == WEIR_EMPTY ? PASSED : STUCK;
        t->data = (uint8_t *)copy + look->extension_bytes;
        t->size = look->payload_bytes;
        t->block = 0;
        deliver(r, look, t);
        return DELIVERED;
}

/* A free announcement, by our own books: the page may say anything. */
static uint32_t
free_announcement(const struct wr_lane_reader *r)
{
        uint32_t entry = 0;

        while (entry < r->pair.announcement_count && wr_load_acquire(&r->pair.held[entry]) != 0)
                entry += 1;
        return entry;
}

/* A2..A5: false when the block is gone already. */
static bool
announce(struct wr_lane_reader *r, uint32_t entry, uint64_t offset)
{
        wr_store(&r->pair.held[entry], 1);
        wr_store(&r->pair.words->announcements[entry], offset / 64 + 1);          /* A2 */
        wr_fence();                                                               /* A3 */
        if ((int64_t)(r->sequence - wr_load_acquire(&r->control->unlinked)) >= 0) /* A4 */
                return true;
        wr_lane_release(&r->pair, entry); /* A5 */
        return false;
}

void
wr_lane_release(struct wr_pair_reader *pair, uint32_t announcement)
{
        wr_store_release(&pair->words->announcements[announcement], 0); /* A7 */
        wr_store_release(&pair->held[announcement], 0);
}

/* The descriptor as it was read, checked against the geometry. */
static bool
descriptor_is_sound(const struct wr_lane_reader *r, const uint64_t descriptor[2])
{
        uint64_t heap_bytes = r->geometry.heap_bytes;

        return descriptor[0] % 64 == 0 && descriptor[0] <= heap_bytes && descriptor[1] <= heap_bytes - descriptor[0];
}

static uint64_t
block_hash(const struct wr_lane_reader *r, const struct look *look, const void *copy, const uint64_t descriptor[2])
{
        const uint8_t *payload = r->heap_base + descriptor[0];

        if (r->geometry.hash != WR_HASH_FULL)
                return 0;
        return wr_hash_two(copy, look->extension_bytes, payload, descriptor[1]);
}

/* The descriptor is in hand and checked: announce, verify in place, deliver. */
static enum outcome
take_announced(struct wr_lane_reader *r, struct look *look, const uint64_t descriptor[2], struct wr_taken *t,
               void *copy, enum weir_result *result)
{
        uint32_t entry = free_announcement(r);

        *result = WEIR_E_HELD;
        if (entry == r->pair.announcement_count)
                return STUCK;
        if (!announce(r, entry, descriptor[0])) {
                if (wr_load_acquire(&r->pair.words->evicted) != 0)
                        return PASSED; /* the next look says so */
                wr_lane_pass(r, look->frame_bytes, 1);
                return PASSED;
        }
        if ((!r->leaves_blocks || r->doubt) && verify_turn(r) &&
            !hash_matches(r, look, block_hash(r, look, copy, descriptor))) {
                wr_lane_release(&r->pair, entry);
                return bad_frame(r, true, result);
        }
        t->data = r->heap_base + descriptor[0];
        t->size = descriptor[1];
        t->block = descriptor[0] + 1;
        t->announcement = entry;
        t->extension_bytes = look->extension_bytes;
        t->hash = look->hash;
        t->words = words_of(r, look, r->sequence);
        deliver(r, look, t);
        return DELIVERED;
}

static enum outcome
take_block(struct wr_lane_reader *r, struct look *look, struct wr_taken *t, void *copy, enum weir_result *result)
{
        const uint8_t *at = (const uint8_t *)wr_lane_look(r, r->position) + WR_HEADER_BYTES;
        bool sound = lengths_are_sound(r, look, WR_DESCRIPTOR_BYTES) && look->payload_bytes == WR_DESCRIPTOR_BYTES;
        uint64_t descriptor[2] = { 0, 0 };
        uint64_t claimed;

        if (sound)
                wr_words_load(copy, at, look->extension_bytes + WR_DESCRIPTOR_BYTES); /* A1 */
        if (wr_lane_lapped(r, r->position, &claimed))
                return wr_lane_recover(r, claimed) ? PASSED : STUCK;
        if (sound)
                memcpy(descriptor, (uint8_t *)copy + look->extension_bytes, sizeof descriptor);
        if (!sound || !descriptor_is_sound(r, descriptor) || !wr_lane_about(copy, look->extension_bytes, &t->about))
                return bad_frame(r, true, result);
        *result = WEIR_E_NO_MEMORY;
        if (descriptor[0] + descriptor[1] > r->committed) {
                r->wanted = descriptor[0] + descriptor[1];
                return STUCK;
        }
        *result = wr_lane_format_load(r);
        if (*result != WEIR_OK)
                return *result == WEIR_EMPTY ? PASSED : STUCK;
        return take_announced(r, look, descriptor, t, copy, result);
}

/* Padding, FORMAT and END: headers without a payload, in no sequence. */
static enum outcome
take_mark(struct wr_lane_reader *r, struct look *look, enum weir_result *result)
{
        uint64_t kind = look->commit % WR_HEADER_BYTES;
        uint64_t in_ring = r->position & (r->geometry.ring_bytes - 1);
        uint64_t to_end = r->geometry.ring_bytes - in_ring;
        uint64_t expected = kind == WR_FRAME_PADDING ? to_end - WR_HEADER_BYTES : 0;
        uint64_t claimed;

        if (wr_lane_lapped(r, r->position, &claimed))
                return wr_lane_recover(r, claimed) ? PASSED : STUCK;
        if (look->shape != expected || (verify_turn(r) && !hash_matches(r, look, 0)))
                return bad_frame(r, false, result);
        if (kind == WR_FRAME_END) {
                r->ended = true;
                r->successor = look->time;
                *result = WEIR_ENDED;
                return STUCK;
        }
        if (kind == WR_FRAME_FORMAT)
                r->format = look->time;
        advance(r, look->frame_bytes);
        return PASSED;
}

/* One look at the position: S1 and what follows from it. */
static enum outcome
look_once(struct wr_lane_reader *r, struct wr_taken *t, void *copy, enum weir_result *result)
{
        struct look look;
        uint64_t claimed;

        *result = WEIR_EMPTY;
        look.commit = wr_load_acquire(&wr_lane_look(r, r->position)->commit); /* S1 */
        if (look.commit - r->position >= WR_HEADER_BYTES || look.commit == r->position) {
                if (wr_lane_lapped(r, r->position, &claimed))
                        return wr_lane_recover(r, claimed) ? PASSED : STUCK;
                return look.commit == 0 ? STUCK : bad_frame(r, true, result);
        }
        load_header(r, &look);
        switch ((enum wr_frame_kind)(look.commit % WR_HEADER_BYTES)) {
        case WR_FRAME_INLINE: return take_inline(r, &look, t, copy, result);
        case WR_FRAME_BLOCK: return take_block(r, &look, t, copy, result);
        case WR_FRAME_PADDING:
        case WR_FRAME_FORMAT:
        case WR_FRAME_END: return take_mark(r, &look, result);
        }
        if (wr_lane_lapped(r, r->position, &claimed))
                return wr_lane_recover(r, claimed) ? PASSED : STUCK;
        return bad_frame(r, true, result);
}

/* Frames that were published before the eviction and were not taken are lost. Counted once; never more than fit. */
static enum weir_result
evicted(struct wr_lane_reader *r)
{
        uint64_t next = wr_load_acquire(&r->pair.words->evicted);
        uint64_t own = r->joining ? r->from : r->sequence; /* 0: it never found out */

        if (next == 0)
                return WEIR_OK;
        if (own != 0 && next - own - 1 < r->geometry.ring_bytes / WR_HEADER_BYTES) {
                r->lost += next - own;
                r->lost_now += next - own; /* a page that takes it back gets its books balanced */
                r->sequence = r->from = next;
        }
        return WEIR_E_EVICTED;
}

static bool
nothing_special(const struct wr_lane_reader *r)
{
        bool is_verified_in_turn = r->verify > 1 && r->verify != UINT32_MAX;

        return !r->careful && !r->ended && !r->astray && !r->doubt && r->bad_in_row == 0 && !is_verified_in_turn &&
               r->lost_now == 0 && r->skipped_now == 0 && r->format == r->format_bytes_number;
}

/* S1 to S6. */
static inline __attribute__((always_inline)) bool
take_easy(struct wr_lane_reader *r, struct wr_taken *t, void *copy)
{
        uint64_t position = r->position, ring_bytes = r->geometry.ring_bytes, in_ring = position & (ring_bytes - 1);
        const struct wr_frame_header *header = (const struct wr_frame_header *)(const void *)(r->ring + in_ring);
        struct look look;
        uint64_t sequence;

        look.commit = wr_load_acquire(&header->commit); /* S1 */
        look.shape = wr_load(&header->shape);
        look.time = wr_load(&header->time);
        look.hash = wr_load(&header->hash);
        look.frame_bytes = wr_lane_frame_bytes(0, look.shape);
        if (look.commit != (position | WR_FRAME_INLINE) || look.shape > r->geometry.inline_max ||
            look.frame_bytes > ring_bytes - in_ring)
                return false;
        if (look.frame_bytes == 2 * WR_HEADER_BYTES)
                wr_words_load(copy, header + 1, WR_HEADER_BYTES); /* S2; no frame ends within it */
        else
                wr_words_load(copy, header + 1, look.shape);
        if (wr_lane_lapped(r, position, NULL)) /* S3, S4: easy */
                return false;
        sequence = r->sequence;
        if (r->verify <= 1 &&
            !hash_matches_at(r, &look, r->geometry.hash == WR_HASH_FULL ? wr_hash_small(copy, look.shape) : 0,
                             sequence))
                return false;
        t->sequence = sequence;
        t->published_ns = (int64_t)look.time;
        r->sequence = sequence + 1;
        advance(r, look.frame_bytes);
        t->data = copy;
        t->size = look.shape;
        t->format = r->format;
        return true;
}

static __attribute__((noinline)) enum weir_result
take_careful(struct wr_lane_reader *r, struct wr_taken *t, void *copy)
{
        uint64_t looks = r->geometry.ring_bytes / WR_HEADER_BYTES;
        enum weir_result result = WEIR_EMPTY;

        if (evicted(r) != WEIR_OK)
                return WEIR_E_EVICTED;
        if (r->ended)
                return WEIR_ENDED;
        if (r->bad_in_row >= WR_LANE_BAD_MAX)
                return WEIR_E_CORRUPT;
        if (r->keep > 0)
                wr_lane_skip_old(r);
        for (; looks > 0; looks--) {
                if (r->astray && !wr_lane_find_way(r))
                        return WEIR_EMPTY;
                switch (look_once(r, t, copy, &result)) {
                case DELIVERED: return WEIR_OK;
                case STUCK: return result;
                case PASSED:
                        if (evicted(r) != WEIR_OK)
                                return WEIR_E_EVICTED;
                }
        }
        return WEIR_EMPTY;
}

bool
wr_lane_take_easy(struct wr_lane_reader *r, struct wr_taken *t, void *copy)
{
        return r->easy && r->keep == 0 && wr_load_acquire(&r->pair.words->evicted) == 0 && take_easy(r, t, copy);
}

enum weir_result
wr_lane_take(struct wr_lane_reader *r, struct wr_taken *t, void *copy)
{
        enum weir_result result;

        if (wr_lane_take_easy(r, t, copy)) {
                t->about = (struct wr_about){ 0 };
                t->block = t->lost = t->skipped = 0;
                return WEIR_OK;
        }
        result = take_careful(r, t, copy);
        r->easy = nothing_special(r);
        return result;
}

void
wr_lane_reader_refuse(struct wr_lane_reader *r)
{
        r->easy = false;
        wr_lane_bad(r, true);
}
