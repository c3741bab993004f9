/* A loop for tests, hooks that count their calls, and turns that are waited for with a limit. */
#ifndef LOOP_KIT_H
#define LOOP_KIT_H

#include "broker/loop.h"
#include "named-objects/flag.h"
#include "tests/contract/endpoint_kit.h"

#define SECOND_NS INT64_C(1000000000)

static struct wr_loop *loop; /* the test's */

static inline void
loop_begin(void)
{
        kit_begin();
        cr_assert(eq(int, wr_loop_open(&loop), WEIR_OK));
}

static inline void
loop_end(void)
{
        wr_loop_close(loop);
        kit_end();
}

/* A hook that counts its calls, and does one thing more. */
struct counted {
        struct wr_hook hook;
        int calls;
        unsigned last;
        struct counted *removes; /* in its first call */
};

static inline void
count(struct wr_hook *hook, unsigned ready)
{
        struct counted *counted = hook->owner;

        counted->calls++;
        counted->last = ready;
        if (counted->removes) {
                wr_loop_remove(loop, &counted->removes->hook);
                counted->removes = NULL;
        }
}

static inline void
hook_on(struct counted *counted, wr_object object, unsigned wanted)
{
        *counted = (struct counted){ .hook = { .object = object, .call = count, .owner = counted } };
        cr_assert(eq(int, wr_loop_add(loop, &counted->hook, wanted), WEIR_OK));
}

static inline void
hook_on_flag(struct counted *counted)
{
        wr_object flag;

        cr_assert(eq(int, wr_flag_create(&flag), WEIR_OK));
        hook_on(counted, flag, WR_READY_READ);
}

static inline void
turn(int64_t timeout_ns)
{
        cr_assert(eq(int, wr_loop_wait(loop, timeout_ns), WEIR_OK));
        wr_loop_dispatch(loop);
}

/* Turns until it was called once more, or ten seconds have passed. */
static inline void
await_call(const struct counted *counted)
{
        int64_t until_ns = wr_clock_ns() + 10 * SECOND_NS;
        int calls = counted->calls;

        while (counted->calls == calls && wr_clock_ns() < until_ns)
                turn(SECOND_NS);
        cr_assert(eq(int, counted->calls, calls + 1));
}

/* Nothing that is not ready is told, however often one looks. */
static inline void
expect_silence(const struct counted *counted)
{
        int calls = counted->calls;

        for (int i = 0; i < 3; i++)
                turn(SECOND_NS / 100);
        cr_assert(eq(int, counted->calls, calls));
}

#endif
