/*
 * The bytes that two processes agree on: the frame header, the lane's control page, the pair page.
 * Little-endian, the same for 32 and 64-bit peers. A change of anything here raises WR_LAYOUT.
 *
 *   lane segment                 the publisher writes, subscribers may only read
 *     control: claimed, unlinked, counters, step table, formats, beginning  (WR_CONTROL_BYTES)
 *     ring:    frames and block descriptors (power of two bytes)
 *     heap:    blocks (large payloads, formats)
 *   pair page                    one per (lane, subscriber); only these two map it
 */
#ifndef WR_LAYOUT_H
#define WR_LAYOUT_H

#include "bus/atomic.h"

#include <assert.h>

enum {
        WR_LAYOUT = 2,           /* version of everything in this file */
        WR_LINE_BYTES = 64,      /* a cache line: what one side writes shares none with what the other writes */
        WR_CONTROL_BYTES = 4096, /* control page, in front of the ring */
        WR_HEADER_BYTES = 32,    /* frame header; also the grain of positions */
        WR_STEPS = 16,           /* the ring is cleared ahead, and its starts are noted, in this many steps */
        WR_FORMATS = 8,          /* formats that may be in force within one lap of the ring */
        WR_META_MAX = 1024,      /* bytes of metadata that may go with a frame */
        WR_EXTENSION_MAX = 24 + WR_META_MAX,
        WR_DESCRIPTOR_BYTES = 16, /* a block's descriptor in the ring: offset, length */
};

/* What stands at a position; in the low five bits of the commit word, never 0. */
enum wr_frame_kind {
        WR_FRAME_INLINE = 1,  /* extension and payload follow the header */
        WR_FRAME_BLOCK = 2,   /* extension and descriptor follow; the payload is a block of the heap */
        WR_FRAME_PADDING = 3, /* nothing up to the ring's end; counts in no sequence */
        WR_FRAME_FORMAT = 4,  /* the format of the frames behind it is number `time` of the format table; no sequence */
        WR_FRAME_END = 5,     /* the lane is over; `time` is its successor's id or 0 */
};

/* The header's four words. */
struct wr_frame_header {
        wr_word commit; /* position | kind; stored last, with release: who sees it sees the frame */
        wr_word shape;  /* payload length (32 bits) | flags (16) << 32 | extension length (16) << 48 */
        wr_word time;   /* publish time, ns, monotonic clock */
        wr_word hash;   /* bus/hash.h */
};
static_assert(sizeof(struct wr_frame_header) == WR_HEADER_BYTES, "a frame header is 32 bytes");

/* Extension, present when its length is not 0: these words, the metadata, zero bytes up to a multiple of 8. */
struct wr_frame_extension {
        uint64_t stamp; /* int64_t stamp_ns */
        uint64_t tag;
        uint32_t meta_size; /* bytes of metadata behind this header */
        uint32_t flags;     /* about.flags, all 32 bits */
};
static_assert(sizeof(struct wr_frame_extension) == 24, "an extension header is 24 bytes");

/* Where a step of the ring begins to hold frames: how a lapped reader finds its way back. */
struct wr_step {
        wr_word position; /* of the first header in the step */
        wr_word sequence; /* of the first counted frame at or behind it */
        wr_word format;   /* number of the format in force there; 0: none */
        wr_word spare;
};

/* A format, kept in the heap for as long as a frame of the ring may need it. Slot = number % WR_FORMATS. */
struct wr_format_slot {
        wr_word number; /* from 1; stored last with release, 0 while the slot changes */
        wr_word offset; /* in the heap */
        wr_word length; /* bytes, encoded as bus/format.h */
        wr_word hash;   /* XXH3-64 of those bytes */
};

/* The control page. All of it is written by the publisher only; the geometry is not in it, readers have that from
 * the broker. */
struct wr_lane_control {
        wr_word claimed; /* positions below it may be overwritten at any time; only grows */
        uint8_t line_0[WR_LINE_BYTES - 8];
        wr_word unlinked; /* blocks of frames with a lower sequence may be reused at any time; only grows */
        uint8_t line_1[WR_LINE_BYTES - 8];
        wr_word published; /* counters for onlookers: no protocol rests on them */
        wr_word published_bytes;
        uint8_t line_2[WR_LINE_BYTES - 16];
        struct wr_step steps[WR_STEPS];
        struct wr_format_slot formats[WR_FORMATS];
        /* Written once, before the first frame of the lane is committed. */
        wr_word first; /* sequence of the first counted frame here; 0: the lane has not begun */
        wr_word live;  /* sequence of the first frame that was published here; those before it come from the lane
                        * that this one follows */
        uint8_t line_3[WR_LINE_BYTES - 16];
};
static_assert(offsetof(struct wr_lane_control, unlinked) == 64, "claimed and unlinked own a line each");
static_assert(offsetof(struct wr_lane_control, steps) == 192, "counters own a line");
static_assert(offsetof(struct wr_lane_control, first) == 960, "what is written once owns a line");
static_assert(sizeof(struct wr_lane_control) <= WR_CONTROL_BYTES, "the control page holds it");

/* What a subscriber says of itself in its pair page. */
enum wr_pair_state {
        WR_PAIR_TAKING = 0,   /* takes frames */
        WR_PAIR_LEAVING = 1,  /* takes no more: its cursor counts for nothing, its announcements still hold */
        WR_PAIR_RELEASED = 2, /* the last frame was released: the page may go */
};

/*
 * The pair page's words, at the offset that the grant tells (staggered per pair: 64 pages with their words at one
 * offset fall into one cache set). Each word has one writer; spoiling a word of the other side hurts this pair only.
 */
struct wr_pair_words {
        /* the subscriber's */
        wr_word cursor; /* it has taken everything below this position */
        uint8_t line_0[WR_LINE_BYTES - 8];
        wr_word waiting;   /* counter; odd while asleep */
        wr_word ready;     /* id of the successor lane that it has mapped; 0: none */
        wr_word state;     /* enum wr_pair_state */
        wr_word32 space;   /* what a publisher that waits for room sleeps on */
        wr_word32 settles; /* enum wr_pair_settles (bus/pair.h) */
        uint8_t line_1[WR_LINE_BYTES - 32];
        /* the publisher's */
        wr_word32 wake;           /* what the subscriber sleeps on */
        wr_word32 writer_settles; /* the same of the publisher */
        wr_word evicted;          /* 0, or no frame may be delivered any more: the sequence number of the next frame */
        uint8_t line_2[WR_LINE_BYTES - 16];
        wr_word room_waiting; /* counter; odd while the publisher sleeps for room */
        uint8_t line_3[WR_LINE_BYTES - 8];
        /* the subscriber's: blocks it has out, as (heap offset / 64) + 1, or 0; as many as the grant says */
        wr_word announcements[];
};
static_assert(offsetof(struct wr_pair_words, waiting) == 64, "the cursor owns a line");
static_assert(offsetof(struct wr_pair_words, wake) == 128, "each side owns its lines");
static_assert(offsetof(struct wr_pair_words, room_waiting) == 192, "room owns a line");
static_assert(offsetof(struct wr_pair_words, announcements) == 256, "announcements follow");

/* Bytes that a pair's words take in its page, a multiple of a line. */
static inline uint64_t
wr_pair_words_bytes(uint32_t announcement_count)
{
        uint64_t bytes = sizeof(struct wr_pair_words) + (uint64_t)announcement_count * 8;

        return (bytes + WR_LINE_BYTES - 1) & ~(uint64_t)(WR_LINE_BYTES - 1);
}

#endif
