/*
 * One way to get frames from one process to another, to be compared with the others: two ends, and frames of one size
 * that are sent and received. Each peer is a file of its own, peer_NAME.c, and takes part in everything.
 *
 *      supervisor      prepare  start two   (sleeps)                                               discard
 *      producer                 open        pin, wait for each other    lend fill send ...       close
 *      consumer                 open        pin, wait for each other    receive fold release ... close
 *
 * What prepare makes reaches the two ends as bench_link.inherited alone: descriptors or handles, shared memory and a
 * text, all plain, for on Windows an end is a process that was started and not forked. With `both_ways` the consumer
 * answers each frame by one of its own, through the same four functions.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench/shared.h"
#include "bus/os/printf.h"

#include <stdbool.h>
#include <stdint.h>

enum bench_mode {
        BENCH_LATENCY, /* one frame in flight, written and read whole, answered */
        BENCH_STREAM,  /* as many frames as fit, written and read whole */
        BENCH_LOAN,    /* as latency; but only the frame's first word is written and read */
};

enum bench_wait { BENCH_SPIN, BENCH_BLOCK };
enum bench_hash { BENCH_HASH_FULL, BENCH_HASH_HEADER, BENCH_HASH_NONE }; /* as WEIR_HASH_... */
enum bench_end { BENCH_PRODUCER, BENCH_CONSUMER };

/* What is asked of a peer. */
struct bench_terms {
        enum bench_mode mode;
        enum bench_wait wait;
        enum bench_hash hash; /* only for peers that hash */
        uint64_t size;        /* bytes of every frame */
};

enum { BENCH_TEXT_BYTES = 256, BENCH_OBJECTS_MAX = 4, BENCH_ADDRESS_BYTES = 96 };

#define BENCH_NO_OBJECT ((intptr_t)-1)

/* Made in the supervisor, of use in all three processes. */
struct bench_inherited {
        intptr_t objects[BENCH_OBJECTS_MAX]; /* descriptors, or handles; BENCH_NO_OBJECT: none */
        struct bench_shared shared;
        char address[BENCH_ADDRESS_BYTES];
};

/* A peer at work, seen from one process. */
struct bench_link {
        const struct bench_peer *peer;
        struct bench_terms terms;
        bool both_ways;     /* the consumer sends, too */
        enum bench_end end; /* which end this process is; set before open */
        struct bench_inherited inherited;
        void *state; /* the peer's, in an end: made by open, freed by close */
        char *text;  /* BENCH_TEXT_BYTES: why something failed; seen by the supervisor */
};

/* All that answer bool or a pointer say false or NULL after bench_link_fail(). They wait as link->terms.wait says,
 * for ever if need be: the supervisor ends a run in which nothing moves. */
struct bench_peer {
        const char *name, *about;
        bool hashes; /* link->terms.hash matters */
        bool blocks; /* can wait in the kernel */
        /* Of weir. */
        enum bench_relay { BENCH_RELAY_NONE, BENCH_RELAY_PIPE, BENCH_RELAY_TCP } relay;
        enum bench_end client; /* which end the relay is for: the broker is in the other one */

        /* In the supervisor: fill in `inherited`. */
        bool (*prepare)(struct bench_link *link);
        /* In each end, in any order. */
        bool (*open)(struct bench_link *link);
        /* Memory for the next frame. One at a time. */
        void *(*lend)(struct bench_link *link);
        /* Send the frame that was lent. */
        bool (*send)(struct bench_link *link);
        /* The next frame from the other end, whole; valid until release. */
        const void *(*receive)(struct bench_link *link);
        void (*release)(struct bench_link *link);
        /* In each end, after both have all they wanted. */
        void (*close)(struct bench_link *link);
        /* In the supervisor: take back what prepare made, also half of it. */
        void (*discard)(struct bench_link *link);
};

/* Notes the reason and answers false. */
bool
bench_link_fail(struct bench_link *link, const char *format, ...) __attribute__((format(WR_PRINTF, 2, 3)));

/* unix, bare: Linux alone. message: Windows alone. */
extern const struct bench_peer bench_peer_weir, bench_peer_lane, bench_peer_ceiling, bench_peer_pipe,
        bench_peer_message, bench_peer_unix, bench_peer_bare, bench_peer_tcp, bench_peer_taken, bench_peer_given,
        bench_peer_tcp_taken, bench_peer_tcp_given;

/* All that are compared on this system: the first is always measured. Ends with NULL. */
extern const struct bench_peer *const bench_peers[];

/* The same of `--path pipe`: what is relayed, and last a bare program over such a stream, whose name is "pipe". */
extern const struct bench_peer *const bench_pipe_peers[];

/* The same of `--path tcp`, on every system. */
extern const struct bench_peer *const bench_tcp_peers[];

#endif
