/* What the system says to a daemon, and what the loop makes of it. */
#include "broker/loop.h"
#include "bus/os/clock.h"
#include "tests/contract/told.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(loop_told, .fini = kit_clean, .timeout = 60);

#define SECOND_NS INT64_C(1000000000)

/* A daemon that is told to end, and as often as the line says. */
static void
play_daemon(int line)
{
        uint64_t times = kit_hear(line);
        struct wr_loop *own;

        kit_must(wr_loop_open(&own) == WEIR_OK && wr_loop_catch_signals(own) == WEIR_OK);
        kit_must(!wr_loop_stopping(own) && wr_loop_signal(own) == NULL);
        told_self(TOLD_TO_END);
        while (!wr_loop_stopping(own)) {
                wr_loop_wait(own, 20 * SECOND_NS);
                wr_loop_dispatch(own);
        }
        kit_must(strcmp(wr_loop_signal(own), told_name(TOLD_TO_END)) == 0 && !wr_loop_hung_up(own));
        if (times > 1) {
                int64_t until_ns = wr_clock_ns() + 20 * SECOND_NS;

                told_self(TOLD_TO_END); /* on Windows another thread hears it, and a wait may be over before */
                while (wr_clock_ns() < until_ns)
                        wr_loop_wait(own, SECOND_NS);
        }
        wr_loop_close(own);
        kit_say(line, 1);
}

Test(loop_told, the_systems_word_stops_and_is_named)
{
        struct kit_child child = told_start(play_daemon);

        kit_say(child.line, 1);
        cr_assert(eq(u64, kit_hear(child.line), 1));
        cr_assert(eq(int, kit_end(&child), 0));
}

Test(loop_told, its_second_word_ends_the_process)
{
        struct kit_child child = told_start(play_daemon);
        uint64_t word;

        kit_say(child.line, 2);
        cr_assert(le(int, (int)read(child.line, &word, sizeof word), 0), "it says nothing more");
        cr_assert(told_ended(kit_end(&child), TOLD_TO_END));
}

Test(loop_told, to_reload_is_another_word_than_to_end)
{
        struct wr_loop *loop;

        cr_assert(eq(int, wr_loop_open(&loop), WEIR_OK));
        cr_assert(eq(int, wr_loop_catch_signals(loop), WEIR_OK));
        told_to_reload();
        cr_assert(eq(int, wr_loop_wait(loop, SECOND_NS), WEIR_OK));
        wr_loop_dispatch(loop);
        cr_assert(wr_loop_hung_up(loop) && !wr_loop_stopping(loop));
        cr_assert(not(wr_loop_hung_up(loop)));
        wr_loop_close(loop);
}
