/* The objects of the loop that only Windows has. */
#include "tests/contract/actor.h"
#include "tests/contract/loop_kit.h"

TestSuite(loop_win32, .init = loop_begin, .fini = loop_end, .timeout = 60);

Test(loop_win32, a_process_that_ended_has_hung_up)
{
        struct actor actor = actor_start("read", "-", NULL, 0); /* there is nothing to read: it ends */
        struct counted hook;

        hook_on(&hook, actor.process, WR_READY_READ);
        for (int i = 0; i < 3; i++) {
                await_call(&hook);
                cr_assert(eq(uint, hook.last, WR_READY_READ | WR_READY_HANGUP));
        }
        cr_assert(eq(int, wr_loop_change(loop, &hook.hook, 0), WEIR_OK));
        await_call(&hook);
        cr_assert(eq(uint, hook.last, WR_READY_HANGUP));
        wr_loop_remove(loop, &hook.hook);
}

Test(loop_win32, an_object_that_could_not_be_had_is_never_ready)
{
        struct counted hook;

        hook_on(&hook, WR_NO_OBJECT, WR_READY_READ | WR_READY_WRITE);
        expect_silence(&hook);
        cr_assert(eq(int, wr_loop_change(loop, &hook.hook, 0), WEIR_OK));
        wr_loop_remove(loop, &hook.hook);
}
