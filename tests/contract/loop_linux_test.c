/* The signals of the loop, which Windows has not. */
#include "tests/contract/loop_kit.h"

#include <signal.h>
#include <sys/wait.h>

TestSuite(loop_linux, .init = loop_begin, .fini = loop_end, .timeout = 60);

Test(loop_linux, the_first_signal_stops_and_reloading_is_another_one)
{
        cr_assert(eq(int, wr_loop_catch_signals(loop), WEIR_OK));
        cr_assert(not(wr_loop_stopping(loop)));
        cr_assert(zero(ptr, (void *)(uintptr_t)wr_loop_signal(loop)));
        raise(SIGHUP);
        turn(SECOND_NS);
        cr_assert(wr_loop_hung_up(loop) && !wr_loop_stopping(loop));
        cr_assert(not(wr_loop_hung_up(loop)));
        raise(SIGTERM);
        turn(10 * SECOND_NS);
        cr_assert(wr_loop_stopping(loop));
        cr_assert(eq(str, (char *)(uintptr_t)wr_loop_signal(loop), "SIGTERM"));
}

Test(loop_linux, the_second_signal_ends_the_process)
{
        pid_t child = fork();
        int status;

        if (child == 0) {
                if (wr_loop_catch_signals(loop) != WEIR_OK)
                        _exit(1);
                raise(SIGINT);
                wr_loop_wait(loop, SECOND_NS);
                wr_loop_dispatch(loop);
                if (!wr_loop_stopping(loop))
                        _exit(2);
                raise(SIGINT);
                _exit(3);
        }
        cr_assert(eq(int, waitpid(child, &status, 0), child));
        cr_assert(eq(int, WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGINT));
}
