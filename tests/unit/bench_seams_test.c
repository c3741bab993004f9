/* What the benchmark asks of the system, the same on each: here between threads, which stand for its processes. */
#include "bench/bytes.h"
#include "bench/meeting.h"
#include "bench/options.h"
#include "bench/placement.h"
#include "bench/stream.h"
#include "bench/system.h"
#include "bench/ticks.h"
#include "bench/wake.h"
#include "bus/os/thread.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

TestSuite(bench_seams, .timeout = 60);

/* ---- shared memory --------------------------------------------------------------------------------------------- */

Test(bench_seams, shared_memory_begins_as_zeros_and_is_the_same_wherever_it_is_attached)
{
        struct bench_shared made, again;
        wr_word *words;

        cr_assert(bench_shared_create(&made, 3 << 16));
        words = made.address;
        for (size_t i = 0; i < (3 << 16) / sizeof *words; i++)
                cr_assert(eq(u64, wr_load(&words[i]), 0));
        again = made;
        cr_assert(bench_shared_attach(&again));
        wr_store(&words[1000], 4711);
        cr_assert(eq(u64, wr_load((wr_word *)again.address + 1000), 4711));
}

Test(bench_seams, memory_that_was_never_made_can_be_closed)
{
        struct bench_shared none = { 0 };

        bench_shared_close(&none);
        cr_assert(eq(ptr, none.address, NULL));
}

/* ---- waiting for each other ------------------------------------------------------------------------------------ */

enum { MEETINGS = 500 };

struct meeting_test {
        struct bench_meeting meeting;
        wr_word came[2]; /* how often each end came to a meeting */
        wr_word alone;   /* which meeting an end left before the other had come; 0: none */
};

static void
meet_often(struct meeting_test *test, int end)
{
        for (uint64_t i = 1; i <= MEETINGS; i++) {
                wr_store(&test->came[end], i);
                bench_meeting_wait(&test->meeting, end);
                if (wr_load(&test->came[1 - end]) < i)
                        wr_store(&test->alone, i);
        }
}

static void *
meet_as_second(void *argument)
{
        meet_often(argument, 1);
        return NULL;
}

Test(bench_seams, nobody_leaves_a_meeting_before_both_are_there)
{
        struct bench_shared page;
        struct meeting_test *test;
        wr_thread thread;

        cr_assert(bench_shared_create(&page, sizeof *test));
        test = page.address;
        cr_assert(bench_meeting_create(&test->meeting));
        cr_assert(wr_thread_start(&thread, meet_as_second, test, 0));
        meet_often(test, 0);
        wr_thread_join(thread);
        cr_assert(eq(u64, wr_load(&test->alone), 0));
        bench_meeting_close(&test->meeting);
        bench_shared_close(&page);
}

/* ---- sleeping on a word ---------------------------------------------------------------------------------------- */

enum { TURNS = 500 };

struct wake_test {
        wr_word32 turn;
        intptr_t objects[2]; /* [0] woken for even turns */
};

static void
take_turns(struct wake_test *test, uint32_t own)
{
        for (uint32_t turn = own; turn < TURNS; turn += 2) {
                uint32_t seen;

                while ((seen = wr_load32_acquire(&test->turn)) != turn)
                        bench_wake_wait(&test->turn, seen, test->objects[own]);
                wr_store32_release(&test->turn, turn + 1);
                bench_wake_raise(&test->turn, test->objects[1 - own]);
        }
}

static void *
odd_turns(void *argument)
{
        take_turns(argument, 1);
        return NULL;
}

Test(bench_seams, no_wake_is_lost)
{
        struct bench_shared page;
        struct wake_test *test;
        wr_thread thread;

        cr_assert(bench_shared_create(&page, sizeof *test));
        test = page.address;
        cr_assert(bench_wake_create(&test->objects[0]) && bench_wake_create(&test->objects[1]));
        cr_assert(wr_thread_start(&thread, odd_turns, test, 0));
        take_turns(test, 0);
        wr_thread_join(thread);
        cr_assert(eq(u32, wr_load32(&test->turn), TURNS));
        bench_wake_close(test->objects[0]);
        bench_wake_close(test->objects[1]);
        bench_shared_close(&page);
}

/* ---- bytes through a pipe -------------------------------------------------------------------------------------- */

enum { PIPED_BYTES = (3 << 20) + 77 }; /* more than a pipe holds */

static uint8_t sent[PIPED_BYTES];

static void
move_all(struct bench_stream *stream, uint8_t *bytes, bool writes)
{
        uint64_t done = 0;

        while (done < PIPED_BYTES) {
                int64_t moved = writes ? bench_stream_write(stream, bytes + done, PIPED_BYTES - done)
                                       : bench_stream_read(stream, bytes + done, PIPED_BYTES - done);

                if (moved < 0)
                        abort();
                done += (uint64_t)moved;
        }
}

static void *
write_all(void *argument)
{
        struct bench_stream *stream = argument;

        move_all(stream, sent, true);
        bench_stream_close(stream);
        return NULL;
}

static void
pipe_through(enum bench_wait wait)
{
        static uint8_t received[PIPED_BYTES];
        char text[BENCH_TEXT_BYTES] = "";
        struct bench_link link = { .terms.wait = wait, .text = text };
        struct bench_stream in, out;
        wr_thread thread;
        int64_t moved;

        for (size_t i = 0; i < PIPED_BYTES; i++)
                sent[i] = (uint8_t)(i * 7 + i / 251);
        cr_assert(bench_peer_pipe.prepare(&link), "%s", text);
        out = (struct bench_stream){ BENCH_NO_OBJECT, *bench_bytes_object(&link, BENCH_PRODUCER, BENCH_OUT), false,
                                     wait, NULL };
        in = (struct bench_stream){ *bench_bytes_object(&link, BENCH_CONSUMER, BENCH_IN), BENCH_NO_OBJECT, false, wait,
                                    NULL };
        cr_assert(bench_stream_open(&out) && bench_stream_open(&in));
        cr_assert(wr_thread_start(&thread, write_all, &out, 0));
        move_all(&in, received, false);
        wr_thread_join(thread);
        cr_assert(eq(int, memcmp(sent, received, PIPED_BYTES), 0));
        do
                moved = bench_stream_read(&in, received, 1);
        while (moved == BENCH_STREAM_AGAIN);
        cr_assert(eq(i64, moved, BENCH_STREAM_CLOSED));
        bench_stream_close(&in);
}

Test(bench_seams, a_frame_larger_than_the_pipe_arrives_and_the_end_is_told_to_who_blocks)
{
        pipe_through(BENCH_BLOCK);
}

Test(bench_seams, a_frame_larger_than_the_pipe_arrives_and_the_end_is_told_to_who_spins)
{
        pipe_through(BENCH_SPIN);
}

/* ---- processors and time --------------------------------------------------------------------------------------- */

Test(bench_seams, a_thread_is_pinned_to_allowed_processors_alone_and_set_free_again)
{
        struct bench_affinity before;
        int cpus[2], allowed = 0, after = 0;

        bench_placement_default(cpus);
        for (int cpu = 0; cpu < BENCH_CPUS_MAX; cpu++)
                allowed += bench_placement_allowed(cpu);
        cr_assert(bench_placement_allowed(cpus[0]) && bench_placement_allowed(cpus[1]));
        cr_assert(ne(int, allowed, 0));
        cr_assert(not(bench_placement_allowed(-1)));
        cr_assert(not(bench_placement_allowed(BENCH_CPUS_MAX)));
        cr_assert(bench_placement_pin(cpus[1], &before));
        bench_placement_unpin(&before);
        for (int cpu = 0; cpu < BENCH_CPUS_MAX; cpu++)
                after += bench_placement_allowed(cpu);
        cr_assert(eq(int, after, allowed));
}

Test(bench_seams, work_takes_processor_time_and_ticks_are_those_of_the_clock)
{
        uint64_t outer_ns, inner_ns, ticks;
        double before_s, ns;

        bench_ticks_calibrate();
        before_s = bench_system_cpu_s();
        outer_ns = bench_clock_ns();
        ticks = bench_ticks();
        inner_ns = bench_clock_ns();
        while (bench_system_cpu_s() - before_s < 0.05)
                bench_clock_ns();
        inner_ns = bench_clock_ns() - inner_ns;
        ns = (double)(bench_ticks() - ticks) * bench_tick_ns;
        outer_ns = bench_clock_ns() - outer_ns;
        cr_assert(ge(dbl, (double)outer_ns, 0.03e9)); /* one thread: no more of a processor than there was time */
        cr_assert(le(dbl, ns, (double)outer_ns * 1.02));
        cr_assert(ge(dbl, ns, (double)inner_ns * 0.98));
}

Test(bench_seams, the_machine_has_a_name_and_cores)
{
        struct bench_machine machine;

        bench_machine_read(&machine);
        cr_assert(ne(int, machine.processor[0], 0));
        cr_assert(ne(int, machine.kernel[0], 0));
        cr_assert(gt(long, machine.cores, 0));
        cr_assert(eq(int, machine.caveat != NULL, strstr(machine.kernel, "Wine") != NULL));
}

/* ---- the command line ------------------------------------------------------------------------------------------ */

static bool
read_line(struct bench_options *options, const char *option, const char *value)
{
        static const struct bench_peer *const peers[] = { &bench_peer_pipe, &bench_peer_tcp, &bench_peer_ceiling,
                                                          NULL };
        char *arguments[] = { (char *)"weir-bench", (char *)(uintptr_t)option, (char *)(uintptr_t)value, NULL };

        return bench_options_read(options, 3, arguments, peers);
}

Test(bench_seams, a_list_is_read_word_by_word)
{
        struct bench_options options;

        cr_assert(read_line(&options, "--size", "32,4k,1M"));
        cr_assert(eq(sz, options.size_count, 3));
        cr_assert(eq(u64, options.sizes[0], 32));
        cr_assert(eq(u64, options.sizes[1], 4 << 10));
        cr_assert(eq(u64, options.sizes[2], 1 << 20));
        cr_assert(read_line(&options, "--vs", "ceiling"));
        cr_assert(eq(sz, options.vs_count, 1));
        cr_assert(eq(ptr, (void *)(uintptr_t)options.vs[0], (void *)(uintptr_t)&bench_peer_ceiling));
}

Test(bench_seams, a_list_with_a_word_too_few_or_unknown_is_refused)
{
        struct bench_options options;

        cr_assert(not(read_line(&options, "--size", "32,,4k")));
        cr_assert(not(read_line(&options, "--size", "32,")));
        cr_assert(not(read_line(&options, "--size", "")));
        cr_assert(not(read_line(&options, "--vs", "tcp,dove")));
}
