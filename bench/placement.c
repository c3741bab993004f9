/*
 *      this process, on cpus[0]          a child, on cpus[1]
 *      store turn = 2i + 1               wait for 2i + 1
 *      wait for 2i + 2                   store turn = 2i + 2
 *
 * One word on one line, and nothing else: what every exchange between two processors costs at least.
 */
#include "bench/placement.h"

#include "bench/child.h"
#include "bench/ticks.h"
#include "bus/atomic.h"
#include "bus/os/barrier.h"

#include <stdlib.h>

enum {
        BATCHES = 15,
        TURNS = 2000,            /* round trips of a batch */
        GIVE_UP_NS = 1000000000, /* on one processor, or a very busy machine, a turn takes a time slice */
        PAGE_BYTES = 4096,
};

void
bench_placement_default(int cpus[2])
{
        int found = 0;

        cpus[0] = cpus[1] = 0;
        for (int cpu = 0; cpu < BENCH_CPUS_MAX && found < 2; cpu++)
                if (bench_placement_allowed(cpu))
                        cpus[found++] = cpu;
        if (found == 1)
                cpus[1] = cpus[0];
}

static int
answer(void *page, int cpu)
{
        wr_word *turn = page;

        bench_placement_pin(cpu, NULL);
        for (uint64_t i = 0; i < UINT64_MAX / 2; i++) { /* until it is killed */
                while (wr_load(turn) != 2 * i + 1)
                        wr_pause();
                wr_store(turn, 2 * i + 2);
        }
        return 0;
}

const struct bench_role bench_role_answer = { "answer", answer };

static int
by_value(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* The first exchange is the child's greeting; false: it ended before it came so far. */
static bool
greet(wr_word *turn, const struct bench_child *child)
{
        wr_store(turn, 1);
        while (wr_load(turn) != 2) {
                if (!bench_child_lives(child))
                        return false;
                wr_yield();
        }
        return true;
}

static double
ask(wr_word *turn)
{
        double batches[BATCHES];
        uint64_t begin_ns = bench_clock_ns(), i = 1;
        int done = 0;

        while (done < BATCHES && (done == 0 || bench_clock_ns() - begin_ns < GIVE_UP_NS)) {
                uint64_t start = bench_ticks();

                for (uint64_t end = i + TURNS; i < end; i++) {
                        wr_store(turn, 2 * i + 1);
                        while (wr_load(turn) != 2 * i + 2)
                                wr_pause();
                }
                batches[done++] = (double)(bench_ticks() - start) * bench_tick_ns / (2 * TURNS);
        }
        qsort(batches, (size_t)done, sizeof batches[0], by_value);
        return batches[done / 2];
}

double
bench_placement_line_ns(const int cpus[2])
{
        struct bench_affinity before;
        struct bench_shared page;
        struct bench_child child;
        double line_ns = -1;

        if (cpus[0] == cpus[1] || !bench_shared_create(&page, PAGE_BYTES))
                return -1;
        if (bench_child_start(&child, &bench_role_answer, &page, cpus[1])) {
                if (bench_placement_pin(cpus[0], &before)) {
                        if (greet(page.address, &child))
                                line_ns = ask(page.address);
                        bench_placement_unpin(&before);
                }
                bench_child_kill(&child);
        }
        bench_shared_close(&page);
        return line_ns;
}

const char *
bench_placement_name(const int cpus[2], double line_ns)
{
        if (cpus[0] == cpus[1])
                return "same";
        if (line_ns < 0)
                return "unknown";
        return line_ns < BENCH_NEAR_NS ? "near" : "far";
}
