/* Two ends of a stream, over each way that carries one. */
#ifndef STREAM_KIT_H
#define STREAM_KIT_H

#include "bus/os/clock.h"
#include "named-objects/stream.h"
#include "named-objects/stream_tcp.h"
#include "named-objects/watch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

typedef void
pair_fn(wr_object ends[2]);

static void
pair_here(wr_object ends[2])
{
        cr_assert(eq(int, wr_stream_pair(WR_NO_OBJECT, ends), WEIR_OK));
        cr_assert(eq(int, wr_stream_adopt(&ends[1]), WEIR_OK));
}

static void
pair_tcp(wr_object ends[2])
{
        struct wr_watch watch = { .read = true };
        enum weir_result result;
        uint16_t port = 0;

        cr_assert(eq(int, wr_stream_tcp_listen(&watch.object, &port), WEIR_OK));
        cr_assert(eq(int, wr_stream_tcp_connect(&ends[0], port), WEIR_OK));
        while ((result = wr_stream_tcp_accept(watch.object, &ends[1])) == WEIR_EMPTY)
                wr_watch_wait(&watch, 1, INT64_MAX);
        cr_assert(eq(int, result, WEIR_OK));
        wr_object_close(watch.object);
}

/* A test that each way has to pass, in a suite of its own. */
#define EACH_WAY_IN(suite_here, suite_tcp, name) \
        static void name(pair_fn *pair);         \
        Test(suite_here, name)                   \
        {                                        \
                name(pair_here);                 \
        }                                        \
        Test(suite_tcp, name)                    \
        {                                        \
                name(pair_tcp);                  \
        }                                        \
        static void name(pair_fn *pair)

static int64_t
soon(void)
{
        return wr_clock_ns() + INT64_C(20000000000);
}

#endif
