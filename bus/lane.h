/*
 * A lane: one publisher's half of a topic. wr_lane_writer is the only one that may write the segment; any number of
 * wr_lane_readers follow it, each through a pair page. The protocol, with its reasons, stands at the top of
 * lane_writer.c and lane_reader.c; docs/data-plane.md tells the whole story.
 */
#ifndef WR_LANE_H
#define WR_LANE_H

#include "bus/hash.h"
#include "bus/heap.h"
#include "bus/layout.h"
#include "bus/pair.h"
#include "bus/result.h"

/* What the broker said of a lane. Each process keeps it privately and never learns it from shared memory. */
struct wr_lane_geometry {
        uint64_t lane;                    /* id; part of every frame's hash */
        uint64_t epoch, follows;          /* of the same publisher; the lane that this one succeeds, or 0 */
        uint64_t segment_bytes;           /* of the memory object */
        uint64_t ring_offset, ring_bytes; /* ring_bytes: a power of two */
        uint64_t heap_offset, heap_bytes; /* heap_bytes may be 0 */
        uint64_t start;                   /* first position: a multiple of WR_HEADER_BYTES */
        uint32_t inline_max;              /* larger payloads are blocks */
        uint32_t hash;                    /* enum wr_hash_policy */
};

/* WEIR_E_CORRUPT when parts overlap, exceed the segment, or the ring is smaller than four of the largest inline
 * frames. Both ends check the grant with it. */
enum weir_result
wr_lane_geometry_check(const struct wr_lane_geometry *geometry);

/* Bytes of ring that a frame takes: header, extension and payload, up to a multiple of the header. */
static inline uint64_t
wr_lane_frame_bytes(uint64_t extension_bytes, uint64_t payload_bytes)
{
        uint64_t bytes = WR_HEADER_BYTES + extension_bytes + payload_bytes;

        return (bytes + WR_HEADER_BYTES - 1) & ~(uint64_t)(WR_HEADER_BYTES - 1);
}

/* Longest extension in this geometry (WR_EXTENSION_MAX, less in tiny rings), and the largest frame. */
uint32_t
wr_lane_extension_max(const struct wr_lane_geometry *geometry);

uint64_t
wr_lane_frame_max(const struct wr_lane_geometry *geometry);

/* The ring is cleared ahead and its starts are noted in steps of so many bytes. */
static inline uint64_t
wr_lane_step_bytes(const struct wr_lane_geometry *geometry)
{
        uint64_t step = geometry->ring_bytes / WR_STEPS;

        return step < WR_HEADER_BYTES ? WR_HEADER_BYTES : step;
}

/* The broker's choice for a publisher that asked for memory_max bytes, a ring of ring_least (0: as is best), `history`
 * frames and `loans_max` loans; all but lane, epoch, follows, hash and start. WEIR_E_QUOTA when memory_max cannot hold
 * twice that ring. */
enum weir_result
wr_lane_geometry_plan(struct wr_lane_geometry *geometry, uint64_t memory_max, uint64_t ring_least, uint32_t history,
                      uint32_t loans_max);

/* The ring that a lane with this one may grow to within memory_max: twice as much; 0: it stays as it is. */
uint64_t
wr_lane_ring_next(const struct wr_lane_geometry *geometry, uint64_t memory_max);

/* What goes with a frame beside its payload. flags: as weir_about.flags. */
struct wr_about {
        int64_t stamp_ns;
        uint64_t tag;
        const void *meta;
        uint32_t meta_size, flags;
};

/* ---- the publisher's side ------------------------------------------------------------------------------------ */

struct wr_block_frame { /* a published block whose frame may still be read; private, oldest first */
        uint64_t sequence, position, offset;
};

struct wr_recent { /* where a counted frame begins, and the format in force there; private */
        uint64_t position, format;
};

struct wr_lane_writer {
        struct wr_lane_geometry geometry; /* private copy */
        struct wr_lane_control *control;
        uint8_t *ring, *heap_base;
        struct wr_heap *heap; /* NULL without a heap */
        uint64_t position;    /* where the next frame goes */
        uint64_t cleared;     /* commit words in [position, cleared) are zero; claimed is a ring below it */
        uint64_t limit;       /* cached: `cleared` may not pass it; looked at again when it is reached */
        uint64_t easy;        /* bytes from the position on that a small frame may take with no look at anything */
        uint64_t sequence;    /* of the next counted frame, from 1 */
        uint64_t first;       /* of the first counted frame in this segment; 0: the lane has not begun */
        uint64_t align;       /* the largest that was lent with: a successor's blocks lie as ours did */
        uint64_t unlinked;    /* our own copy */
        uint64_t step_noted;  /* where the step begins that the last header was put into */
        uint64_t format;      /* number of the format in force, 0: none */
        uint64_t format_positions[WR_FORMATS]; /* of the frame that brought the format in this slot into force */
        uint64_t format_blocks[WR_FORMATS];    /* heap offset + 1 of a slot's block, or 0 */
        uint64_t reserved;                     /* ring bytes kept for the loans that are out */
        uint32_t extension_max;
        uint32_t history; /* newest counted frames kept while space allows */
        bool ended;
        struct wr_pair_writer **pairs; /* attached; changed only while the publisher is outside (bus/latch.h) */
        size_t pair_count, pair_room;
        struct wr_block_frame *blocks;    /* circular, block_room a power of two */
        uint64_t block_first, block_next; /* free-running */
        uint64_t block_room;
        uint64_t *pinned; /* offsets unlinked while somebody had them out */
        size_t pinned_count, pinned_room;
        uint64_t *announced; /* what one scan of all announcements saw; pinned_room entries */
        size_t announced_count;
        struct wr_recent *recent; /* circular, by sequence; recent_room a power of two or 0 */
        uint64_t recent_room;
        uint64_t full, bytes; /* counters for info */
        uint32_t settles;     /* enum wr_pair_settles; SETTLES: its process registered, and it settles */
        bool unfenced;        /* every pair settles before it sleeps: a wake needs no fence */
        bool wakes_owed;      /* of some pair */
        int64_t stall_ns;     /* of the last wr_lane_charge */
        int64_t charge_ns;    /* when the books of wr_lane_charge were last brought up to date */
        bool charging;
};

/* What wr_lane_lend answers for a payload that fits the ring: no block, only ring room is kept. */
#define WR_SCRATCH UINT64_MAX

/* segment: the whole memory object, mapped read-write, all zero. Allocates private tables. A lane that follows another
 * (geometry->follows) has not begun: readers may be attached, and nothing is published in it before wr_lane_move. */
enum weir_result
wr_lane_writer_open(struct wr_lane_writer *w, void *segment, const struct wr_lane_geometry *geometry, uint32_t history,
                    uint32_t loans_max);

/* Frees the private tables; the segment is the caller's. */
void
wr_lane_writer_close(struct wr_lane_writer *w);

/* Publish up to inline_max bytes by copy. WEIR_OK, WEIR_FULL (then nothing happened), WEIR_E_TOO_LARGE,
 * WEIR_E_CLOSED (END was written). After WEIR_OK the caller wakes: wr_lane_wake. */
enum weir_result
wr_lane_publish(struct wr_lane_writer *w, const void *data, uint64_t size, const struct wr_about *about,
                int64_t now_ns);

/* Reserve a block, and the ring room to publish it; for up to inline_max bytes mostly only the room (*offset is
 * WR_SCRATCH: fill private memory, then wr_lane_publish_scratch). WEIR_FULL: a reliable subscriber or what is out holds
 * the memory. WEIR_E_TOO_LARGE: no heap could ever hold it. */
enum weir_result
wr_lane_lend(struct wr_lane_writer *w, uint64_t size, uint64_t align, uint64_t *offset);

/* Publish by copy what was lent as WR_SCRATCH with lent_size; never fails for room. On a failure it stays lent. */
enum weir_result
wr_lane_publish_scratch(struct wr_lane_writer *w, const void *data, uint64_t size, uint64_t lent_size,
                        const struct wr_about *about, int64_t now_ns);

/* Publish a lent block; never fails for room. bytes_hash: of extension and payload when it is known already (a
 * copying publish), else NULL and it is computed here from the block. */
enum weir_result
wr_lane_publish_block(struct wr_lane_writer *w, uint64_t offset, uint64_t size, const struct wr_about *about,
                      int64_t now_ns, const uint64_t *bytes_hash);

/* Give a loan back unpublished; size: as it was lent. */
void
wr_lane_discard(struct wr_lane_writer *w, uint64_t offset, uint64_t size);

/* Writes the extension for `about` to `to` (WR_EXTENSION_MAX + 8 bytes) and returns its padded length; 0: none. */
uint32_t
wr_lane_extension(const struct wr_about *about, void *to);

/* The other way, from private memory: about->meta points into it. False: its metadata does not fit it. */
bool
wr_lane_about(const void *extension, uint32_t bytes, struct wr_about *about);

/* New format from the next frame on; bytes as bus/format.h. offset: a block (not scratch) lent for it, of at least
 * `size` bytes; it belongs to the lane afterwards, and on a failure it stays lent. WEIR_FULL: WR_FORMATS changes
 * within one lap of the ring. */
enum weir_result
wr_lane_set_format(struct wr_lane_writer *w, uint64_t offset, const void *bytes, uint64_t size);

/* Is an eighth of the ring free? A publisher that was refused and spins waits for that: one that followed the slowest
 * cursor frame by frame would steal its cache line for each of them. */
bool
wr_lane_roomy(struct wr_lane_writer *w);

/* The lane is over; successor: the lane that goes on, or 0. Room for it is always kept. To name a successor is
 * wr_lane_move's business, which has begun it before. */
void
wr_lane_end(struct wr_lane_writer *w, uint64_t successor);

/* Calls raise(words) for each pair that sleeps. Fences first. Once per publish or per batch. Who was woken many times
 * and took nothing is left to the next wr_lane_wake_owed: w->wakes_owed. */
void
wr_lane_wake(struct wr_lane_writer *w, void (*raise)(wr_word32 *word));

/* What wr_lane_wake held back; called some hundredths of a second later. Publisher idle or outside: bus/latch.h. */
void
wr_lane_wake_owed(struct wr_lane_writer *w, void (*raise)(wr_word32 *word));

/* Where an attached reader begins. sequence 0: the lane has not begun, the reader finds out when it has. */
struct wr_lane_start {
        uint64_t position, sequence, format;
};

/* Attach a pair (its memory is the caller's until detach): chooses the start (at the newest `history` frames that
 * are still there), stores the cursor's accepted value, discards the cached limit. Publisher idle: bus/latch.h. */
enum weir_result
wr_lane_attach(struct wr_lane_writer *w, struct wr_pair_writer *pair, uint32_t history, struct wr_lane_start *start);

/* Everything the pair held is free. */
void
wr_lane_detach(struct wr_lane_writer *w, struct wr_pair_writer *pair);

/* Charge each reliable pair that blocks a waiting publisher with the time since the last call, forgive stall_ns for a
 * 64th of its backlog taken and a tenth of the time in which it did not block, evict who owes stall_ns: `evicted` is
 * stored in its page and its cursor no longer counts. Returns the evicted pair or NULL; call until NULL. */
struct wr_pair_writer *
wr_lane_charge(struct wr_lane_writer *w, int64_t now_ns, int64_t stall_ns);

/* The publisher no longer waits. */
void
wr_lane_uncharge(struct wr_lane_writer *w, int64_t now_ns);

/*
 * Lane migration; the protocol stands at the top of lane_successor.c. Publisher idle: bus/latch.h.
 *
 * May `old` be ended in favour of this successor? Each reliable pair says in its page that it has it, or is evicted or
 * left. Any other answer may be overruled by a deadline: who then reads END without the successor finds a gap.
 */
bool
wr_lane_movable(const struct wr_lane_writer *old, uint64_t successor);

/*
 * Begins `next`, which follows `old` and has not begun: with the format in force, and with as much of the newest
 * history as it has room for (old sequence numbers, publish times, metadata; blocks are copied). Then END in `old`
 * names it, and `old` is over; its loans that are out stay where they are. Never waits. commit (NULL: nothing to do) is
 * called before bytes of next's heap below `end` are written for the first time; when it refuses, older history is left
 * out. Loans that `next` already lent keep their room. The caller then wakes the pairs of both.
 *
 * A pair of next that says which pair of old it `follows` brings its debts (wr_lane_charge), and is forgiven as it
 * takes what is left there; the old page then stays mapped until the pair is detached.
 *
 * WEIR_OK           next is the publisher's lane now
 * WEIR_E_CLOSED     old was over
 * WEIR_E_USAGE      next follows another lane, or has begun
 * WEIR_E_NO_MEMORY  next cannot hold the format in force, or private memory is short; nothing happened, old goes on
 */
enum weir_result
wr_lane_move(struct wr_lane_writer *old, struct wr_lane_writer *next,
             enum weir_result (*commit)(void *context, uint64_t end), void *context);

/* ---- a subscriber's side ------------------------------------------------------------------------------------- */

struct wr_lane_reader {
        struct wr_lane_geometry geometry; /* private copy */
        const struct wr_lane_control *control;
        const uint8_t *ring, *heap_base;
        uint32_t extension_max;
        struct wr_pair_reader pair;
        uint64_t position, sequence;     /* of the next frame: it has taken everything before it */
        uint64_t committed;              /* heap bytes that the kernel says are there; only grows */
        uint64_t wanted;                 /* after WEIR_E_NO_MEMORY: heap bytes that the next frame needs */
        uint64_t lost, skipped, corrupt; /* sums */
        uint64_t lost_now, skipped_now;  /* since the last delivered frame */
        uint32_t bad_in_row;          /* corrupt looks without a good frame between; at WR_LANE_BAD_MAX it is dropped */
        uint32_t keep;                /* 0: all; N: the newest N */
        uint32_t history;             /* for a lane that has not begun: frames from before it that are wanted */
        uint32_t verify, verify_turn; /* hash of every Nth frame; WEIR_NONE-like UINT32_MAX: none */
        bool reliable, ended;
        bool careful;        /* no take is an easy one: its caller has something to add to each frame */
        bool leaves_blocks;  /* the hash of a block is for who gets it from here on (wr_hash_bytes_back) */
        bool easy;           /* the last take left nothing behind that the next one has to think of */
        bool joining;        /* it waits for the lane to begin, or passes over what it is not to get */
        bool begun;          /* joining: it knows where the lane begins */
        bool follows;        /* it comes from the lane before this one */
        bool leapt;          /* or from one before that: nothing here says how much was in the lanes between */
        uint64_t from;       /* frames with lower numbers are passed over and counted nowhere */
        bool astray;         /* no frame to look at yet: joining, or the one at the position was corrupt */
        bool resync_counted; /* that seemed a counted one */
        bool doubt;          /* it may have seemed so wrongly: the sequence may be off by one */
        wr_word at;          /* position, lowest bit: corrupt; for wr_lane_ready, which other threads may call */
        uint64_t successor;  /* END named it */
        uint64_t seen_position, seen_sequence; /* keep: headers walked so far */
        uint64_t format;                       /* number of the format in force at `position` */
        void *format_bytes;                    /* its bytes, private, malloc'd; replaced when the number changes */
        uint64_t format_size, format_bytes_number;
};

enum { WR_LANE_BAD_MAX = 64 };

/* A taken frame. Small payloads and all extensions are in the caller's `copy` buffer; block payloads in place. */
struct wr_taken {
        uint64_t sequence, size;
        int64_t published_ns;
        struct wr_about about; /* meta points into the copy */
        const void *data;
        uint64_t lost, skipped;   /* just before this frame */
        uint64_t format;          /* number in force; reader->format_bytes holds it */
        uint64_t block;           /* heap offset + 1 when the payload is in place, else 0 */
        uint32_t announcement;    /* entry that holds the block */
        uint32_t extension_bytes; /* of a block: at the beginning of the copy; wr_taken_extension() knows of all */
        uint64_t hash;            /* of a block: the header's hash word, and what beside the bytes went into it: with */
        struct wr_hash_words words; /* them a copy can be verified once more (weir_copy) */
};

/* Bytes of the extension, which stands at the beginning of the copy that it was taken with. */
static inline uint32_t
wr_taken_extension(const struct wr_taken *t, const void *copy)
{
        return t->block ? t->extension_bytes : (uint32_t)((const uint8_t *)t->data - (const uint8_t *)copy);
}

enum { WR_COPY_SLACK = 64 }; /* bytes readable behind a copied payload */

/* segment: mapped read-only. start: from the grant. Where start->sequence is 0 and nothing is followed, r->history is
 * to be set before the first take. */
enum weir_result
wr_lane_reader_open(struct wr_lane_reader *r, const void *segment, const struct wr_lane_geometry *geometry,
                    const struct wr_lane_start *start, struct wr_pair_words *words, uint32_t announcement_count,
                    bool reliable);

/* Frees what is private, but for pair.held, which lives as long as blocks are out: the caller frees it last. */
void
wr_lane_reader_close(struct wr_lane_reader *r);

/*
 * Take the next frame. copy: WR_EXTENSION_MAX + 8 + inline_max + WR_COPY_SLACK bytes, private.
 *
 * WEIR_OK          t is filled; a block stays announced until wr_lane_release
 * WEIR_EMPTY       nothing to read
 * WEIR_ENDED       END was reached; r->successor names the next lane or is 0
 * WEIR_E_EVICTED   the publisher gave this pair up; said before any further frame
 * WEIR_E_HELD      every announcement is in use
 * WEIR_E_CORRUPT   the lane goes on producing garbage and is to be dropped
 * WEIR_E_NO_MEMORY a block lies beyond r->committed: ask the kernel (region), raise it, take again; if it did not
 *                  grow, call wr_lane_reader_refuse to pass the frame over as corrupt
 */
enum weir_result
wr_lane_take(struct wr_lane_reader *r, struct wr_taken *t, void *copy);

/* The subscriber has this successor and its pair page mapped, and wr_lane_reader_open has seen both: said in the page
 * of the lane that it follows, whichever the subscriber reads now. A newer successor takes the place of an older one,
 * but END alone tells which it is, so all are kept until then. */
void
wr_lane_reader_ready(struct wr_lane_reader *old, uint64_t successor);

/* After `old` ended: go on in its successor, behind what was taken or lost there; what was lost and not told yet is
 * told with the next frame. Before the first take from `next`. False, and nothing happened: END names another lane,
 * `next` follows another one, or `old` has not ended. */
bool
wr_lane_reader_follow(struct wr_lane_reader *next, const struct wr_lane_reader *old);

/* The same in a later lane of the same publisher, where those between never came: what was published in them, and is
 * not in this one's history, is counted as lost. */
bool
wr_lane_reader_leap(struct wr_lane_reader *next, const struct wr_lane_reader *old);

/* The same for the frame that nearly every take finds: small, with nothing beside its payload, right behind the last
 * one. True: of t, data, size, sequence, published_ns and format are filled, all else would be 0 and is not written.
 * False: nothing was changed; ask wr_lane_take. */
bool
wr_lane_take_easy(struct wr_lane_reader *r, struct wr_taken *t, void *copy);

/* Frames published and not yet taken, by the publisher's own counter: for hints, it may say anything. Costs it a cache
 * line. */
static inline uint64_t
wr_lane_behind(const struct wr_lane_reader *r)
{
        return wr_load(&r->control->published) + 1 - r->sequence;
}

/* Pass over the frame at the position as corrupt. */
void
wr_lane_reader_refuse(struct wr_lane_reader *r);

/* One cheap look: would wr_lane_take say anything but WEIR_EMPTY? The look before sleep; any thread of the subscriber.
 */
bool
wr_lane_ready(const struct wr_lane_reader *r);

/* Any thread. Withdraws the announcement of a taken block; everything read from it was read before. The caller then
 * looks at wr_pair_room_due. The reader may be closed already, the pair's memory must still be there. */
void
wr_lane_release(struct wr_pair_reader *pair, uint32_t announcement);

#endif
