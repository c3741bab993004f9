/* What broker/loop.h promises, on both systems: level-triggered readiness, and hooks that come and go at any time. */
#include "tests/contract/loop_kit.h"

TestSuite(loop, .init = loop_begin, .fini = loop_end, .timeout = 60);

Test(loop, with_nothing_it_waits_for_as_long_as_it_is_told)
{
        int64_t before_ns = wr_clock_ns();

        turn(SECOND_NS / 20);
        cr_assert(ge(i64, wr_clock_ns() - before_ns, SECOND_NS / 25));
        before_ns = wr_clock_ns();
        turn(0);
        turn(-1);
        cr_assert(lt(i64, wr_clock_ns() - before_ns, SECOND_NS));
}

Test(loop, what_is_ready_is_told_until_it_is_so_no_more)
{
        struct counted flag;

        hook_on_flag(&flag);
        expect_silence(&flag);
        wr_flag_raise(flag.hook.object);
        for (int i = 0; i < 3; i++) {
                await_call(&flag);
                cr_assert(eq(uint, flag.last, WR_READY_READ));
        }
        wr_flag_lower(flag.hook.object);
        expect_silence(&flag);
        wr_flag_raise(flag.hook.object);
        await_call(&flag);
        wr_loop_remove(loop, &flag.hook);
        wr_object_close(flag.hook.object);
}

Test(loop, what_was_ready_and_is_so_still_is_told_without_a_wait)
{
        struct counted flag;

        hook_on_flag(&flag);
        wr_flag_raise(flag.hook.object);
        await_call(&flag);
        for (int i = 0; i < 100; i++) {
                turn(0);
                cr_assert(eq(int, flag.calls, i + 2));
        }
        wr_loop_remove(loop, &flag.hook);
}

Test(loop, what_is_not_wanted_is_not_told)
{
        struct counted flag;

        hook_on_flag(&flag);
        cr_assert(eq(int, wr_loop_change(loop, &flag.hook, 0), WEIR_OK));
        wr_flag_raise(flag.hook.object);
        expect_silence(&flag);
        cr_assert(eq(int, wr_loop_change(loop, &flag.hook, WR_READY_READ), WEIR_OK));
        cr_assert(eq(uint, flag.hook.wanted, WR_READY_READ));
        await_call(&flag);
        cr_assert(eq(int, wr_loop_change(loop, &flag.hook, 0), WEIR_OK));
        expect_silence(&flag);
        wr_loop_remove(loop, &flag.hook);
}

#ifdef _WIN32
static DWORD WINAPI
run_later(void *flag)
{
        Sleep(50); /* so that the loop sleeps first, most of the time: either way it is to be told */
        wr_flag_raise(*(wr_object *)flag);
        return 0;
}

static void
raise_from_elsewhere(wr_object *flag)
{
        CloseHandle(CreateThread(NULL, 0, run_later, flag, 0, NULL));
}
#else
#        include <pthread.h>
static void *
run_later(void *flag)
{
        usleep(50000); /* so that the loop sleeps first, most of the time: either way it is to be told */
        wr_flag_raise(*(wr_object *)flag);
        return NULL;
}

static void
raise_from_elsewhere(wr_object *flag)
{
        pthread_t thread;

        cr_assert(eq(int, pthread_create(&thread, NULL, run_later, flag), 0));
        pthread_detach(thread);
}
#endif

Test(loop, a_sleeping_loop_is_woken)
{
        int64_t before_ns = wr_clock_ns();
        struct counted flag;

        hook_on_flag(&flag);
        raise_from_elsewhere(&flag.hook.object);
        while (flag.calls == 0)
                turn(20 * SECOND_NS);
        cr_assert(lt(i64, wr_clock_ns() - before_ns, 15 * SECOND_NS));
        wr_loop_remove(loop, &flag.hook);
}

Test(loop, who_was_removed_in_this_turn_is_not_called_any_more)
{
        struct counted flags[4];
        int calls = 0;

        for (int i = 0; i < 4; i++)
                hook_on_flag(&flags[i]);
        /* In whichever order they are called, the first of the two takes the other one down. */
        flags[0].removes = &flags[1];
        flags[1].removes = &flags[0];
        flags[2].removes = &flags[2];
        for (int i = 0; i < 4; i++)
                wr_flag_raise(flags[i].hook.object);
        while (flags[3].calls < 3)
                turn(SECOND_NS);
        for (int i = 0; i < 2; i++)
                calls += flags[i].calls > 0;
        cr_assert(eq(int, calls, 1));
        cr_assert(eq(int, flags[2].calls, 1));
}

Test(loop, hooks_come_and_go_while_others_are_ready)
{
        struct counted ready, passing;

        hook_on_flag(&ready);
        wr_flag_raise(ready.hook.object);
        for (int i = 0; i < 300; i++) {
                hook_on_flag(&passing);
                if (i % 2)
                        turn(0); /* it is waited for by now */
                if (i % 3)
                        wr_flag_raise(passing.hook.object);
                if (i % 5 == 0)
                        turn(0);
                wr_loop_remove(loop, &passing.hook);
                wr_object_close(passing.hook.object);
                passing.calls = -1;
                turn(0);
                cr_assert(eq(int, passing.calls, -1));
        }
        cr_assert(ge(int, ready.calls, 299));
        wr_loop_remove(loop, &ready.hook);
}

Test(loop, more_than_a_batch_are_all_told)
{
        enum { MANY = 200 };
        static struct counted flags[MANY];
        int64_t until_ns = wr_clock_ns() + 20 * SECOND_NS;
        int told = 0;

        for (int i = 0; i < MANY; i++)
                hook_on_flag(&flags[i]);
        turn(0);
        for (int i = 0; i < MANY; i++)
                wr_flag_raise(flags[i].hook.object);
        for (; told < MANY && wr_clock_ns() < until_ns; turn(0)) {
                told = 0;
                for (int i = 0; i < MANY; i++)
                        told += flags[i].calls > 0;
        }
        cr_assert(eq(int, told, MANY));
        for (int i = 0; i < MANY; i++)
                wr_loop_remove(loop, &flags[i].hook);
}

Test(loop, a_connection_is_readable_writable_and_hung_up)
{
        wr_object listener = kit_listen(path), client, server;
        struct counted hook;
        char bytes[8];
        size_t size;

        kit_connect(listener, path, &client, &server);
        hook_on(&hook, server, WR_READY_READ);
        expect_silence(&hook);
        cr_assert(eq(int, wr_loop_change(loop, &hook.hook, WR_READY_READ | WR_READY_WRITE), WEIR_OK));
        await_call(&hook);
        cr_assert(eq(uint, hook.last, WR_READY_WRITE));
        cr_assert(eq(int, wr_loop_change(loop, &hook.hook, WR_READY_READ), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_send(client, "word", 4, NULL, 0), WEIR_OK));
        await_call(&hook);
        cr_assert(eq(uint, hook.last, WR_READY_READ));
        cr_assert(eq(int, wr_endpoint_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        expect_silence(&hook);
        /* A hang-up needs no asking for. */
        cr_assert(eq(int, wr_loop_change(loop, &hook.hook, 0), WEIR_OK));
        expect_silence(&hook);
        wr_object_close(client);
        await_call(&hook);
        cr_assert(ne(uint, hook.last & WR_READY_HANGUP, 0));
        wr_loop_remove(loop, &hook.hook);
        wr_object_close(server);
        wr_endpoint_unlisten(listener, path);
}

Test(loop, a_full_connection_is_writable_again_once_the_other_end_has_read)
{
        wr_object listener = kit_listen(path), client, server;
        static char bytes[WR_ENDPOINT_BYTES_MAX];
        struct counted hook;
        size_t size;
        int sent = 0;

        kit_connect(listener, path, &client, &server);
        while (wr_endpoint_send(server, bytes, sizeof bytes, NULL, 0) == WEIR_OK)
                sent++;
        hook_on(&hook, server, WR_READY_WRITE);
        expect_silence(&hook);
        for (int i = 0; i < sent; i++)
                cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        await_call(&hook);
        cr_assert(eq(uint, hook.last, WR_READY_WRITE));
        cr_assert(eq(int, wr_endpoint_send(server, "x", 1, NULL, 0), WEIR_OK));
        wr_loop_remove(loop, &hook.hook);
}

Test(loop, a_listener_is_readable_while_somebody_is_to_be_accepted)
{
        wr_object listener = kit_listen(path), client, server = WR_NO_OBJECT;
        struct counted hook;

        hook_on(&hook, listener, WR_READY_READ);
        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, wr_endpoint_send(client, "hello", 5, NULL, 0), WEIR_OK));
        for (int i = 0; i < 100 && server == WR_NO_OBJECT; i++) {
                await_call(&hook);
                wr_endpoint_accept(listener, &server);
        }
        cr_assert(server != WR_NO_OBJECT);
        while (wr_endpoint_accept(listener, &server) != WEIR_EMPTY)
                ;
        expect_silence(&hook);
        wr_loop_remove(loop, &hook.hook);
}
