/*
 * The control messages between client and broker: one datagram each, fixed layout, little-endian.
 *
 *      magic "WEIR" (4) | version (2) | kind (2) | size of the whole (4) | request (4) | fields
 *
 * `request` is chosen by who asks and repeated in the answer; 0 where nothing was asked. Strings fill their field up
 * with zero bytes and end in at least one. Descriptors travel with the messages marked so, from the broker only.
 *
 * The fields of every message stand once, in the lists below; structure, encoding, decoding, printing and the fuzzer
 * are made from them.
 */
#ifndef WR_MESSAGE_H
#define WR_MESSAGE_H

#include "bus/fields.h"
#include "bus/result.h"

#include <stddef.h>
#include <stdint.h>

enum {
        WR_PROTOCOL = 1, /* version of everything in this file */
        WR_MESSAGE_HEADER_BYTES = 16,
        WR_MESSAGE_BYTES_MAX = 2048,
        WR_MESSAGE_DESCRIPTORS_MAX = 3,
        WR_TOPIC_MAX = 200, /* bytes of a topic's name */
};

/* The tables are laid out by hand. */
/* clang-format off */
/* F(type, name) for u32, u64, i32, i64; T(name, room) for a string of at most room - 1 bytes. */
#define WR_GEOMETRY_FIELDS(F, T)                                                                                      \
        F(u64, lane) F(u64, epoch) F(u64, follows) F(u64, segment_bytes) F(u64, ring_offset) F(u64, ring_bytes)       \
        F(u64, heap_offset) F(u64, heap_bytes) F(u64, start) F(u32, inline_max) F(u32, hash)

/* client -> broker, first on a connection. flags: of enum wr_hello_flags; key: of WR_HELLO_STANDS_IN */
#define WR_HELLO_FIELDS(F, T) F(u32, layout) F(u32, flags) F(u64, features) T(name, 64) T(key, 40)
/* broker -> client, with the write end of the client's life-line */
#define WR_WELCOME_FIELDS(F, T)                                                                                       \
        F(u64, session) F(i64, clock_ns) F(u32, scope) F(u32, layout) F(u64, features) T(identity, 256)
/* broker -> client: no, and why */
#define WR_REFUSAL_FIELDS(F, T) F(i32, result) T(sentence, 768)
/* client -> broker: a publisher wants a lane */
#define WR_PUBLISH_FIELDS(F, T)                                                                                       \
        F(u64, memory_max) F(u32, history) F(u32, loans_max) F(u32, hash) F(u32, refuse_reliable)                     \
        F(u32, require) F(i64, stall_ns) T(topic, 208) T(type, 128)
/* broker -> publisher, with the lane's descriptor, read-write */
#define WR_LANE_GRANT_FIELDS(F, T) F(u64, source) WR_GEOMETRY_FIELDS(F, T)
/* publisher -> broker: the lane is mapped, seal it */
#define WR_READY_FIELDS(F, T) F(u64, lane)
/* broker -> publisher: the lane is live and every subscriber that was there has been paired */
#define WR_OPENED_FIELDS(F, T) F(u64, lane) F(u32, pairs)
/* client -> broker: a subscription. again: the id that it had at an earlier broker or by an earlier connection; 0: it
 * is a new one. keep: so many of the newest frames at a time, 0: all; for its agent */
#define WR_SUBSCRIBE_FIELDS(F, T)                                                                                     \
        F(u32, delivery) F(u32, frames_max) F(u32, history) F(u32, require) F(u32, keep) F(u64, again)                \
        T(topic, 208) T(type, 128)
/* broker -> subscriber: granted; `lanes` of them are on their way. 0 lanes to who comes back: it knows what it has */
#define WR_SUBSCRIBED_FIELDS(F, T) F(u64, subscription) F(u32, lanes)
/* broker -> publisher, with the pair page and the read end of the subscriber's life-line. follows: the pair of the same
 * subscriber in the lane that this one succeeds, or 0 */
#define WR_PAIR_ADDED_FIELDS(F, T)                                                                                    \
        F(u64, lane) F(u64, pair) F(u64, follows) F(u64, peer) F(u64, words_offset) F(u64, page_bytes)                \
        F(u32, announcements) F(u32, reliable) F(u32, history) T(name, 64)
/* publisher -> broker: attached (result 0), beginning there; or why not */
#define WR_PAIR_ACK_FIELDS(F, T)                                                                                      \
        F(u64, lane) F(u64, pair) F(i32, result) F(u64, position) F(u64, sequence) F(u64, format)
/* broker -> subscriber, with the lane's descriptor (read-only), the pair page, the publisher's life-line (read end) */
#define WR_LANE_ADDED_FIELDS(F, T)                                                                                    \
        F(u64, subscription) F(u64, source) F(u64, peer) F(u64, pair) F(u64, words_offset) F(u64, page_bytes)         \
        F(u32, announcements) F(u32, reliable) F(u64, position) F(u64, sequence) F(u64, format)                       \
        WR_GEOMETRY_FIELDS(F, T) T(topic, 208) T(type, 128) T(name, 64)
/* subscriber -> broker: the lane and the page are mapped (result 0), or why not */
#define WR_PAIR_READY_FIELDS(F, T) F(u64, pair) F(i32, result)
/* broker -> publisher: the pair is over (reason: a weir_result) */
#define WR_PAIR_REMOVED_FIELDS(F, T) F(u64, lane) F(u64, pair) F(i32, reason)
/* broker -> subscriber: the lane is over for it; `publishers` are left. text: the sentence. lane 0: a lane that was
 * announced in SUBSCRIBED and never came */
#define WR_LANE_ENDED_FIELDS(F, T)                                                                                    \
        F(u64, subscription) F(u64, lane) F(i32, reason) F(u32, publishers) T(text, 512)
/* publisher -> broker: END, naming the successor, was written into this lane; only the successor goes on */
#define WR_LANE_MOVED_FIELDS(F, T) F(u64, lane) F(u64, successor)
/* publisher -> broker: I gave this pair up */
#define WR_EVICT_FIELDS(F, T) F(u64, lane) F(u64, pair)
/* client -> broker */
#define WR_CLOSE_LANE_FIELDS(F, T) F(u64, lane)
#define WR_CLOSE_SUBSCRIPTION_FIELDS(F, T) F(u64, subscription)
/* subscriber -> broker: the last frame of this pair was released */
#define WR_PAIR_DONE_FIELDS(F, T) F(u64, pair)
/* both ways, every second from the broker; the client answers PONG and then STATS of what changed */
#define WR_PING_FIELDS(F, T) F(u64, stamp)
#define WR_PONG_FIELDS(F, T) F(u64, stamp)
#define WR_STATS_FIELDS(F, T)                                                                                         \
        F(u64, endpoint) F(u64, frames) F(u64, bytes) F(u64, lost) F(u64, skipped) F(u64, corrupt) F(u64, full)       \
        F(u64, waits) F(u64, out) F(u64, copied_bytes) F(u64, lag_frames) F(i64, lag_ns)
/* client -> broker: what is there; answered by TOPIC or ENDPOINT messages and one DONE. endpoints: 1: each endpoint */
#define WR_LIST_FIELDS(F, T) F(u32, endpoints) T(pattern, 208)
#define WR_TOPIC_FIELDS(F, T) F(u32, publishers) F(u32, subscribers) T(topic, 208) T(type, 128)
#define WR_ENDPOINT_FIELDS(F, T)                                                                                      \
        F(u64, id) F(u64, source) F(u32, publishes) F(u32, pid) F(u32, delivery) F(u32, path) F(u32, peers)           \
        F(u64, frames) F(u64, bytes) F(u64, lost) F(u64, skipped) F(u64, corrupt) F(u64, full) F(u64, waits)          \
        F(u64, out) F(u64, memory_bytes) F(u64, copied_bytes) F(u64, lag_frames) F(i64, lag_ns)                       \
        T(topic, 208) T(type, 128) T(name, 64) T(identity, 256) T(why, 128)
#define WR_DONE_FIELDS(F, T) F(i32, result)
/* publisher -> broker, behind STATS: how a reader stands, as its publisher sees it in ring and page. lag_ns: how old
 * the oldest frame is that it has yet to take; held: blocks of ours that it has out */
#define WR_PAIR_STATS_FIELDS(F, T)                                                                                    \
        F(u64, pair) F(u64, lag_frames) F(i64, lag_ns) F(u64, held) F(u64, held_bytes)
/* client -> broker: who is connected and how far behind, answered by SEAT messages and one DONE; or who was refused
 * (refusals 1), answered by REFUSED messages and one DONE */
#define WR_WHO_FIELDS(F, T) F(u32, refusals) T(pattern, 208)
/* role: 0 a connection without endpoints, 1 a publisher, 2 a subscriber. lag, held: of a publisher's readers together,
 * of a subscriber's lanes together (lag_ns: the worst) */
#define WR_SEAT_FIELDS(F, T)                                                                                          \
        F(u64, session) F(u64, id) F(u32, role) F(u32, pid) F(u32, delivery) F(u32, path) F(u32, peers)               \
        F(i64, age_ns) F(u64, frames) F(u64, lost) F(u64, lag_frames) F(i64, lag_ns) F(u64, out) F(u64, held)         \
        F(u64, held_bytes) T(topic, 208) T(name, 64) T(identity, 256)
/* times: so often in the same words; age_ns: since the last time */
#define WR_REFUSED_FIELDS(F, T)                                                                                       \
        F(i64, age_ns) F(i32, result) F(u32, pid) F(u32, times) T(topic, 208) T(name, 64) T(identity, 256)            \
        T(sentence, 768)
/* client -> broker: how is the broker; answered by STATE. tcp_port: of 127.0.0.1, 0: none; package_sockets: how many it
 * listens at */
#define WR_STATUS_FIELDS(F, T) F(u32, reserved)
#define WR_STATE_FIELDS(F, T)                                                                                         \
        F(u32, pid) F(u32, scope) F(u64, uptime_ns) F(u32, sessions) F(u32, topics) F(u32, lanes) F(u32, pairs)       \
        F(u32, subscriptions) F(u32, refusals) F(u32, tcp_port) F(u32, package_sockets) F(u64, reserve_bytes)         \
        T(version, 32) T(address, 256) T(policy, 256)
/* full trust of the broker's user -> broker: stop; answered by DONE */
#define WR_STOP_FIELDS(F, T) F(u32, reserved)
/* full trust of the broker's user -> broker: listen at `path` for one package; answered by DONE or REFUSAL */
#define WR_PACKAGE_SOCKET_FIELDS(F, T) T(package, 256) T(path, 256)
/* client -> broker: make a ticket, that gives these rights on a topic or pattern to whoever redeems it within ttl_ns;
 * uses: how often, 0: any number of times; answered by TICKET_IS, where its text is told for the only time */
#define WR_TICKET_FIELDS(F, T) F(u32, rights) F(u32, uses) F(i64, ttl_ns) T(topic, 208)
#define WR_TICKET_IS_FIELDS(F, T) F(u64, id) T(text, 512)
/* client -> broker: I hold this ticket, give me what it grants; answered by DONE. redeemer: random, says that it is the
 * same client when it comes back; key: the client key of bus/transport/ticket.h, hexadecimal */
#define WR_REDEEM_FIELDS(F, T) F(u64, id) F(u64, redeemer) T(key, 68)
/* client -> broker: which tickets are there of my identity (full trust of the broker's user: of all); answered by
 * TICKET_ROW messages and one DONE. state: of enum wr_ticket_state; ttl_ns: what is left, INT64_MAX: for ever */
#define WR_TICKETS_FIELDS(F, T) F(u32, reserved)
#define WR_TICKET_ROW_FIELDS(F, T)                                                                                    \
        F(u64, id) F(u32, rights) F(u32, uses) F(u32, used) F(u32, state) F(u32, sessions) F(i64, age_ns)             \
        F(i64, ttl_ns) T(topic, 208) T(identity, 256)
/* client -> broker: nobody may redeem it any more, and what was opened by it ends; answered by DONE */
#define WR_TICKET_REVOKE_FIELDS(F, T) F(u64, id)
/* full trust of the broker's user -> broker: read the policy file again; answered by DONE, or by REFUSAL (the old
 * policy stays) with FILE:LINE:COLUMN and what is wrong */
#define WR_RELOAD_FIELDS(F, T) F(u32, reserved)
/* broker -> client: the right to its publisher's lane, or to its subscription, was withdrawn: that endpoint is over */
#define WR_REVOKED_FIELDS(F, T) F(u64, endpoint) T(text, 768)
/* client -> broker that it came back to, in front of a SUBSCRIBE: a lane that this subscription reads already */
#define WR_HOLDS_FIELDS(F, T) F(u64, source) F(u64, lane) F(u64, pair)
/* client -> broker that it came back to: a lane that an earlier broker made, and that goes on; answered by OPENED. It
 * holds no memory of it, so nobody new can be given this lane: who comes gets a successor */
#define WR_REJOIN_FIELDS(F, T)                                                                                        \
        F(u64, source) F(u64, lane) F(u64, epoch) F(u64, segment_bytes) F(u64, memory_max) F(u64, ring_bytes)         \
        F(u32, history) F(u32, loans_max) F(u32, hash) F(u32, refuse_reliable) F(i64, stall_ns)                       \
        T(topic, 208) T(type, 128)
/* publisher -> broker: this lane is too small or spoiled, a successor is wanted; answered by LANE_GRANT or REFUSAL.
 * memory_max, ring_bytes: of the successor, its ring at least that; 0: as it has. pinned_by: the pair that holds its
 * memory, or 0 */
#define WR_MOVE_FIELDS(F, T) F(u64, lane) F(u64, memory_max) F(u64, ring_bytes) F(u64, pinned_by)
/* client -> broker: tell me who publishes and subscribes, now (as LISTED) and from now on; answered by DONE behind the
 * last of now. An empty pattern: no more of it, of all that was watched */
#define WR_WATCH_FIELDS(F, T) F(u32, reserved) T(pattern, 208)
/* broker -> client that watches. what: enum wr_watched; source: of a publisher, or the id of a subscription; role: as
 * of SEAT; count: those of this role on the topic now; of WR_WATCHED_ALL: how many were listed, or (reason
 * WEIR_E_HELD) the mark that something was missed, and that all of it follows */
#define WR_WATCHED_FIELDS(F, T)                                                                                       \
        F(u32, what) F(i32, reason) F(u32, role) F(u32, pid) F(u32, count) F(u64, source) T(topic, 208) T(text, 512)
/* client -> broker: who is this source, this subscription, or this pair of mine; answered by PEER_IS, or by DONE with a
 * result below 0: there is none that this client may see */
#define WR_PEER_FIELDS(F, T) F(u64, source)
#define WR_PEER_IS_FIELDS(F, T) F(u32, pid) T(name, 64) T(identity, 256)
/* broker -> client, instead of LANE_GRANT or SUBSCRIBED, with its end of a stream (none over TCP): what it asked for
 * goes over that. id: names it from now on; path: WEIR_PIPE or WEIR_TCP; why: why not shared memory; key: over TCP, to
 * be shown on the second connection */
#define WR_RELAY_FIELDS(F, T) F(u64, id) F(u32, path) F(u32, reserved) T(key, 40) T(why, 192)
/* either way: goodbye */
#define WR_BYE_FIELDS(F, T) F(i32, reason) T(text, 256)

/* M(KIND, structure name, number, descriptors that must come with it) */
#define WR_MESSAGES(M)                                                                                                \
        M(HELLO, hello, 1, 0) M(WELCOME, welcome, 2, 1) M(REFUSAL, refusal, 3, 0) M(PUBLISH, publish, 4, 0)           \
        M(LANE_GRANT, lane_grant, 5, 1) M(READY, ready, 6, 0) M(OPENED, opened, 7, 0)                                 \
        M(SUBSCRIBE, subscribe, 8, 0) M(SUBSCRIBED, subscribed, 9, 0) M(PAIR_ADDED, pair_added, 10, 2)                \
        M(PAIR_ACK, pair_ack, 11, 0) M(LANE_ADDED, lane_added, 12, 3) M(PAIR_READY, pair_ready, 13, 0)                \
        M(PAIR_REMOVED, pair_removed, 14, 0) M(LANE_ENDED, lane_ended, 15, 0) M(LANE_MOVED, lane_moved, 16, 0)        \
        M(EVICT, evict, 17, 0) M(CLOSE_LANE, close_lane, 18, 0) M(CLOSE_SUBSCRIPTION, close_subscription, 19, 0)      \
        M(PAIR_DONE, pair_done, 20, 0) M(PING, ping, 21, 0) M(PONG, pong, 22, 0) M(STATS, stats, 23, 0)               \
        M(LIST, list, 24, 0) M(TOPIC, topic, 25, 0) M(ENDPOINT, endpoint, 26, 0) M(DONE, done, 27, 0)                 \
        M(STATUS, status, 28, 0) M(STATE, state, 29, 0) M(STOP, stop, 30, 0)                                          \
        M(PACKAGE_SOCKET, package_socket, 31, 0) M(TICKET, ticket, 32, 0) M(BYE, bye, 33, 0)                          \
        M(RELOAD, reload, 34, 0) M(WHO, who, 35, 0) M(SEAT, seat, 36, 0) M(REFUSED, refused, 37, 0)                   \
        M(PAIR_STATS, pair_stats, 38, 0) M(REVOKED, revoked, 39, 0) M(WATCH, watch, 40, 0)                           \
        M(WATCHED, watched, 41, 0) M(PEER, peer, 42, 0) M(PEER_IS, peer_is, 43, 0) M(HOLDS, holds, 45, 0)             \
        M(REJOIN, rejoin, 46, 0) M(MOVE, move, 47, 0) M(RELAY, relay, 48, 1)                                 \
        M(TICKET_IS, ticket_is, 49, 0) M(REDEEM, redeem, 50, 0) M(TICKETS, tickets, 51, 0)                            \
        M(TICKET_ROW, ticket_row, 52, 0) M(TICKET_REVOKE, ticket_revoke, 53, 0)

/* clang-format on */

enum wr_hello_flags {
        WR_HELLO_MAY_EMBED = 1,
        WR_HELLO_STANDS_IN = 2, /* an agent of the broker's own, for the relay whose key it shows */
        WR_HELLO_NO_MEMORY = 4  /* this client cannot map others' memory: all that it opens is relayed */
};
enum wr_watched { WR_WATCHED_LISTED = 1, WR_WATCHED_JOINED = 2, WR_WATCHED_LEFT = 3, WR_WATCHED_ALL = 4 };
enum wr_scope { WR_SCOPE_USER = 1, WR_SCOPE_SYSTEM = 2, WR_SCOPE_COMPANION = 3 };

enum wr_message_kind {
#define WR_MESSAGE_ENUM(KIND, name, number, descriptors) WR_##KIND = number,
        WR_MESSAGES(WR_MESSAGE_ENUM)
#undef WR_MESSAGE_ENUM
};

#define WR_MESSAGE_STRUCT(KIND, name, number, descriptors)         \
        struct wr_message_##name {                                 \
                WR_##KIND##_FIELDS(WR_FIELD_NUMBER, WR_FIELD_TEXT) \
        };
WR_MESSAGES(WR_MESSAGE_STRUCT)
#undef WR_MESSAGE_STRUCT

/* One message of any kind. */
struct wr_message {
        enum wr_message_kind kind;
        uint32_t request;
        union {
#define WR_MESSAGE_MEMBER(KIND, name, number, descriptors) struct wr_message_##name name;
                WR_MESSAGES(WR_MESSAGE_MEMBER)
#undef WR_MESSAGE_MEMBER
        };
};

/* Writes the message to `bytes` (WR_MESSAGE_BYTES_MAX of room) and returns its size. Never fails: every kind has a
 * fixed size, and strings that lack their zero byte are cut. */
size_t
wr_message_encode(const struct wr_message *message, void *bytes);

/*
 * Reads bytes from a peer. On a failure `why` (may be NULL) gets a constant sentence.
 *
 * WEIR_OK         the message is whole; every string ends in a zero byte
 * WEIR_E_VERSION  another protocol version (message->request is set, kind is 0)
 * WEIR_E_CORRUPT  wrong magic, unknown kind, wrong size, a string without its end or with bytes behind it
 */
enum weir_result
wr_message_decode(const void *bytes, size_t size, struct wr_message *message, const char **why);

/* The protocol version that a message claims, so that a refusal can name both; 0 when it has no whole header. */
unsigned
wr_message_version(const void *bytes, size_t size);

/* Descriptors that must come with a message of this kind; 0 for most and for unknown kinds. */
unsigned
wr_message_descriptors(enum wr_message_kind kind);

/* "PAIR_ADDED"; "?" for an unknown kind. */
const char *
wr_message_name(enum wr_message_kind kind);

#endif
