/*
 * The records of a relayed endpoint: frames as bytes on a stream, for whoever may not or cannot map memory. At one end
 * stands the agent, in the broker's process, at the other the client (docs/protocol.md, "Relayed endpoints").
 *
 *      kind (2) | 0 (2) | bytes of the fields (4) | bytes of payload behind them (8) | fields | payload
 *
 * Little-endian. Fields have one size for each kind, as in bus/message.h; payload have FORMAT (as bus/format.h) and
 * FRAME (the extension as it stands in a lane, then the bytes). Every size is held against its limit here, before
 * anybody allocates or waits for so much.
 *
 *      subscriber  client -> agent  BEGIN, RESUME ...          TAKEN ...                         CLOSED
 *                  agent -> client  OPENED or REFUSED; LANE, FORMAT, FRAME, LEFT ...             CLOSED
 *      publisher   client -> agent  BEGIN                      FORMAT, FRAME ...                 CLOSED
 *                  agent -> client  OPENED or REFUSED; READERS ...                               CLOSED
 *
 * A stream that ends without CLOSED was lost.
 */
#ifndef WR_RECORD_H
#define WR_RECORD_H

#include "bus/fields.h"
#include "bus/result.h"

enum {
        WR_RECORD_VERSION = 1, /* of everything in this file; BEGIN says it */
        WR_RECORD_HEADER_BYTES = 16,
        WR_RECORD_BYTES_MAX = 1024, /* of header and fields */
        WR_RECORD_RESUMES_MAX = 4096,
};

/* As large as any lane's heap. */
#define WR_RECORD_PAYLOAD_MAX (UINT64_C(1) << 46)

/* The tables are laid out by hand. */
/* clang-format off */
/* first on a stream. resumes: so many RESUME follow */
#define WR_RECORD_BEGIN_FIELDS(F, T) F(u32, version) F(u32, resumes)
/* a subscriber that comes back: the next frame of this source that it wants; earlier ones it has, or knows as lost */
#define WR_RECORD_RESUME_FIELDS(F, T) F(u64, source) F(u64, sequence)
/* id: of the lane or subscription at the broker; count: publishers whose LANE follows at once, or readers that are
 * there. Of a publisher: its source; how many frames of it the agent has (0: a new life); the largest payload that its
 * lane takes */
#define WR_RECORD_OPENED_FIELDS(F, T)                                                                                 \
        F(u64, id) F(u64, source) F(u64, frames) F(u64, payload_max) F(u32, count) F(u32, reserved)
/* and no more comes */
#define WR_RECORD_REFUSED_FIELDS(F, T) F(i32, result) F(u32, reserved) T(sentence, 768)
/* a publisher of the subscription, before its first frame; again where its lane became larger. sequence: of the frame
 * that is to come next, 0 where the agent does not know it yet */
#define WR_RECORD_LANE_FIELDS(F, T)                                                                                   \
        F(u64, source) F(u64, lane) F(u64, ring_bytes) F(u64, heap_bytes) F(u64, sequence) F(u32, inline_max)         \
        F(u32, hash) F(u32, reliable) F(u32, reserved) T(topic, 208) T(type, 128) T(name, 64)
/* payload: the format of the frames behind it. source 0: a publisher's own */
#define WR_RECORD_FORMAT_FIELDS(F, T) F(u64, source)
/* payload: `extension` bytes as wr_lane_extension() writes them, then the frame's bytes. sequence: of the source, from
 * 1. hash: with WR_RECORD_HASHED, XXH3-64 of the payload as the publisher made it. lost, skipped: just before it */
#define WR_RECORD_FRAME_FIELDS(F, T)                                                                                  \
        F(u64, source) F(u64, sequence) F(i64, time) F(u64, hash) F(u64, lost) F(u64, skipped) F(u32, extension)      \
        F(u32, flags)
/* a publisher is no longer there, or (source 0) one could not be had; reason: a weir_result; lost: of it, behind the
 * last frame; count: publishers that are left */
#define WR_RECORD_LEFT_FIELDS(F, T) F(u64, source) F(u64, lost) F(i32, reason) F(u32, count) T(text, 512)
/* a reader of the publisher came or went (what: WEIR_JOINED, WEIR_LEFT, WEIR_EVICTED); count: those that are there */
#define WR_RECORD_READERS_FIELDS(F, T)                                                                                \
        F(u64, source) F(u32, what) F(i32, reason) F(u32, count) F(u32, reserved) T(text, 512)
/* goodbye; reason: a weir_result, below 0 with the sentence */
#define WR_RECORD_CLOSED_FIELDS(F, T) F(i32, reason) F(u32, reserved) T(text, 768)
/* sums of what was taken at the far end, once a second at most */
#define WR_RECORD_TAKEN_FIELDS(F, T)                                                                                  \
        F(u64, frames) F(u64, bytes) F(u64, lost) F(u64, skipped) F(u64, corrupt) F(u64, out) F(u64, copied_bytes)    \
        F(u64, arrived) F(u64, lag_frames) F(i64, oldest_ns)

/* R(KIND, structure name, number, largest payload) */
#define WR_RECORDS(R)                                                                                                 \
        R(BEGIN, begin, 1, 0) R(RESUME, resume, 2, 0) R(OPENED, opened, 3, 0) R(REFUSED, refused, 4, 0)               \
        R(LANE, lane, 5, 0) R(FORMAT, format, 6, WR_FORMAT_BYTES_MAX)                                                 \
        R(FRAME, frame, 7, WR_EXTENSION_MAX + WR_RECORD_PAYLOAD_MAX) R(LEFT, left, 8, 0) R(READERS, readers, 9, 0)    \
        R(CLOSED, closed, 10, 0) R(TAKEN, taken, 11, 0)
/* clang-format on */

enum { WR_RECORD_HASHED = 1 }; /* flags of FRAME: `hash` is one; without it the lane's policy has none of the bytes */

enum wr_record_kind {
#define WR_RECORD_ENUM(KIND, name, number, payload_max) WR_RECORD_##KIND = number,
        WR_RECORDS(WR_RECORD_ENUM)
#undef WR_RECORD_ENUM
};

#define WR_RECORD_STRUCT(KIND, name, number, payload_max)                 \
        struct wr_record_##name {                                         \
                WR_RECORD_##KIND##_FIELDS(WR_FIELD_NUMBER, WR_FIELD_TEXT) \
        };
WR_RECORDS(WR_RECORD_STRUCT)
#undef WR_RECORD_STRUCT

/* One record of any kind, without its payload. */
struct wr_record {
        enum wr_record_kind kind;
        uint64_t bytes; /* of payload; of FRAME with its extension */
        union {
#define WR_RECORD_MEMBER(KIND, name, number, payload_max) struct wr_record_##name name;
                WR_RECORDS(WR_RECORD_MEMBER)
#undef WR_RECORD_MEMBER
        };
};

/* Writes header and fields to `to` (WR_RECORD_BYTES_MAX of room) and returns their size; the payload follows. Never
 * fails; strings that lack their zero byte are cut. */
size_t
wr_record_encode(const struct wr_record *record, void *to);

/*
 * Reads what came so far, from a record's beginning on. `size`: out, what the record takes without its payload, as far
 * as that is known: 16 while the header is not there. On a failure `why` (may be NULL) gets a constant sentence.
 *
 * WEIR_OK         *record is whole and within its limits
 * WEIR_EMPTY      `size` bytes are needed
 * WEIR_E_CORRUPT  unknown kind, wrong sizes, a payload above its limit, a string without its end or with bytes behind
 *                 it, an extension that is none, a flag or number that has no meaning
 */
enum weir_result
wr_record_decode(const void *from, size_t have, struct wr_record *record, size_t *size, const char **why);

/* "FRAME"; "?" for an unknown kind. */
const char *
wr_record_name(enum wr_record_kind kind);

#endif
