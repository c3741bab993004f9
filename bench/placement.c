/*
 *      this process, on cpus[0]          a child, on cpus[1]
 *      store turn = 2i + 1               wait for 2i + 1
 *      wait for 2i + 2                   store turn = 2i + 2
 *
 * One word on one line, and nothing else: what every exchange between two processors costs at least.
 */
#include "bench/placement.h"

#include "bench/ticks.h"
#include "bus/atomic.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        BATCHES = 15,
        TURNS = 2000,            /* round trips of a batch */
        GIVE_UP_NS = 1000000000, /* on one processor, or a very busy machine, a turn takes a time slice */
};

void
bench_placement_default(int cpus[2])
{
        cpu_set_t set;
        int found = 0;

        cpus[0] = cpus[1] = 0;
        if (sched_getaffinity(0, sizeof set, &set) < 0)
                return;
        for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
                if (CPU_ISSET((size_t)cpu, &set))
                        cpus[found++] = cpu;
        if (found == 1)
                cpus[1] = cpus[0];
}

bool
bench_placement_allowed(int cpu)
{
        cpu_set_t set;

        return cpu >= 0 && cpu < CPU_SETSIZE && sched_getaffinity(0, sizeof set, &set) == 0 &&
               CPU_ISSET((size_t)cpu, &set);
}

bool
bench_placement_pin(int cpu)
{
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
        return sched_setaffinity(0, sizeof set, &set) == 0;
}

static void
answer(wr_word *turn, int cpu)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bench_placement_pin(cpu);
        for (uint64_t i = 0;; i++) {
                while (wr_load(turn) != 2 * i + 1)
                        wr_pause();
                wr_store(turn, 2 * i + 2);
        }
}

static int
by_value(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* The first batch waits for the child to start; the median does not see it. */
static double
ask(wr_word *turn)
{
        double batches[BATCHES];
        uint64_t begin_ns = bench_clock_ns(), i = 0;
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
        wr_word *turn;
        cpu_set_t before;
        double line_ns = -1;
        pid_t child;

        if (cpus[0] == cpus[1] || sched_getaffinity(0, sizeof before, &before) < 0)
                return -1;
        turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (turn == MAP_FAILED)
                return -1;
        child = fork();
        if (child == 0)
                answer(turn, cpus[1]);
        if (child > 0) {
                bench_placement_pin(cpus[0]);
                line_ns = ask(turn);
                kill(child, SIGKILL);
                waitpid(child, NULL, 0);
                sched_setaffinity(0, sizeof before, &before);
        }
        munmap(turn, 4096);
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
