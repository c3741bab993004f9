/*
 * weir-bench with peers that have a fault, to see that it finds it: all are the pipe, save for one frame.
 *
 *      pipe      none
 *      drops     the consumer throws one frame away
 *      doubles   the consumer gets one frame twice
 *      flips     one bit of one frame changes on its way
 *      dies      the consumer's process ends
 */
#include "bench/suite.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { FAULTY_FRAME = 25 }; /* while still warming up: frames count before they are measured, too */

static uint64_t received;

/* True once, at the consumer. */
static bool
is_due(const struct bench_link *link)
{
        return link->end == BENCH_CONSUMER && ++received == FAULTY_FRAME;
}

static const void *
receive_dropping(struct bench_link *link)
{
        if (is_due(link) && !bench_peer_pipe.receive(link))
                return NULL;
        return bench_peer_pipe.receive(link);
}

static const void *
receive_doubling(struct bench_link *link)
{
        static const void *last;

        if (!is_due(link))
                last = bench_peer_pipe.receive(link);
        return last;
}

static const void *
receive_flipping(struct bench_link *link)
{
        uint8_t *frame = (uint8_t *)(uintptr_t)bench_peer_pipe.receive(link);

        if (frame && is_due(link))
                frame[link->terms.size / 2] ^= 0x10;
        return frame;
}

static const void *
receive_dying(struct bench_link *link)
{
        if (is_due(link))
                abort();
        return bench_peer_pipe.receive(link);
}

int
main(int argc, char **argv)
{
        struct bench_peer drops = bench_peer_pipe, doubles = bench_peer_pipe, flips = bench_peer_pipe,
                          dies = bench_peer_pipe;
        const struct bench_peer *peers[] = { &bench_peer_pipe, &drops, &doubles, &flips, &dies, NULL };

        drops.name = "drops";
        drops.receive = receive_dropping;
        doubles.name = "doubles";
        doubles.receive = receive_doubling;
        flips.name = "flips";
        flips.receive = receive_flipping;
        dies.name = "dies";
        dies.receive = receive_dying;
        return bench_suite_main(argc, argv, peers, NULL);
}
