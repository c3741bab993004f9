/*
 * The lane's heap beside a mimalloc arena of the same size: what one lend and return cost, and how much of the space
 * can be had. A program of its own, for it needs no second process:
 *
 *      heap-bench [OPERATIONS]
 *
 * cost    a queue of blocks of one size, oldest back first, with 1 or 3 of them out; ns for one lend and one return.
 *         Nothing is written to the blocks, for both sides would pay the same. Best of five turns, in alternation.
 * space   blocks of one size that fit; and how full the space is on the average when a mix of 64 KiB to 33 MiB is
 *         refused, with blocks that come back oldest first and in random order.
 */
#include "bench/shared.h"
#include "bench/system.h"
#include "bus/heap.h"
#include "bus/os/clock.h"

#include <mimalloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

enum { TURNS = 5, OUT_MAX = 1 << 16, REFUSALS = 2000 };

static const uint64_t space_bytes = 1024 * MIB;

/* One allocator over `space_bytes`. */
struct subject {
        const char *name;
        void (*open)(void);
        bool (*lend)(uint64_t bytes, uint64_t *block);
        void (*give_back)(uint64_t block);
        void (*close)(void);
};

static struct wr_heap *heap;

static void
heap_open(void)
{
        if (wr_heap_open(&heap, space_bytes) != WEIR_OK)
                abort();
}

static bool
heap_lend(uint64_t bytes, uint64_t *block)
{
        return wr_heap_lend(heap, bytes, 64, block) == WEIR_OK;
}

static void
heap_give_back(uint64_t block)
{
        wr_heap_return(heap, block);
}

static void
heap_close(void)
{
        wr_heap_close(heap);
}

static mi_heap_t *arena_heap;

/* An arena cannot be given back, so there is one for the whole run; each subject's turn empties it again. */
static void
arena_open(void)
{
        static mi_arena_id_t arena;
        static struct bench_shared memory;
        uintptr_t aligned;

        if (!memory.address) {
                if (!bench_shared_create(&memory, space_bytes + 32 * MIB))
                        abort();
                aligned = ((uintptr_t)memory.address + 32 * MIB - 1) & ~(uintptr_t)(32 * MIB - 1);
                mi_option_disable(mi_option_show_errors);
                if (!mi_manage_os_memory_ex((void *)aligned, space_bytes, true, true, true, -1, true, &arena))
                        abort();
        }
        arena_heap = mi_heap_new_in_arena(arena);
}

static bool
arena_lend(uint64_t bytes, uint64_t *block)
{
        *block = (uintptr_t)mi_heap_malloc(arena_heap, bytes);
        return *block != 0;
}

static void
arena_give_back(uint64_t block)
{
        mi_free((void *)(uintptr_t)block);
}

static void
arena_close(void)
{
        mi_heap_collect(arena_heap, true);
        mi_heap_delete(arena_heap);
}

static const struct subject subjects[] = {
        { "weir", heap_open, heap_lend, heap_give_back, heap_close },
        { "mimalloc", arena_open, arena_lend, arena_give_back, arena_close },
};
enum { SUBJECTS = sizeof(subjects) / sizeof(*subjects) };

static double
now_ns(void)
{
        return (double)wr_clock_ns();
}

/* ns for one lend and one return with `out` blocks out; < 0: refused. */
static double
turn_cost(const struct subject *subject, uint64_t bytes, unsigned out, unsigned operations)
{
        uint64_t blocks[8];
        double start = 0;

        subject->open();
        for (unsigned i = 0; i < out + operations; i++) {
                if (i == out)
                        start = now_ns();
                if (i >= out)
                        subject->give_back(blocks[i % out]);
                if (!subject->lend(bytes, &blocks[i % out]))
                        return -1;
        }
        start = (now_ns() - start) / operations;
        for (unsigned i = 0; i < out; i++)
                subject->give_back(blocks[i]);
        subject->close();
        return start;
}

static void
report_cost(uint64_t bytes, unsigned out, unsigned operations)
{
        double best[SUBJECTS] = { 1e12, 1e12 };

        for (unsigned turn = 0; turn < TURNS; turn++) {
                for (unsigned i = 0; i < SUBJECTS; i++) {
                        double cost = turn_cost(&subjects[i], bytes, out, operations);

                        if (cost < best[i])
                                best[i] = cost;
                }
        }
        printf("%9llu KiB  %u out  %8.1f ns  %8.1f ns  %5.2f\n", (unsigned long long)(bytes / KIB), out, best[0],
               best[1], best[0] / best[1]);
}

static uint64_t blocks[OUT_MAX], sizes[OUT_MAX];

/* Part of the space that blocks of one size take before one is refused. */
static double
fill(const struct subject *subject, uint64_t bytes)
{
        unsigned count = 0;

        subject->open();
        while (count < OUT_MAX && subject->lend(bytes, &blocks[count]))
                count++;
        for (unsigned i = 0; i < count; i++)
                subject->give_back(blocks[i]);
        subject->close();
        return (double)count * (double)bytes / (double)space_bytes;
}

static uint64_t
next_random(uint64_t *seed)
{
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        return *seed ^= *seed << 17;
}

/* Mean part of the space that is out when a size of the mix is refused. */
static double
fill_by_mix(const struct subject *subject, bool oldest_first)
{
        uint64_t seed = 4711, used = 0;
        double sum = 0;
        unsigned count = 0, refusals = 0, gone;

        subject->open();
        while (refusals < REFUSALS) {
                sizes[count] = 64 * KIB + next_random(&seed) % (33 * MIB - 64 * KIB);
                while (!subject->lend(sizes[count], &blocks[count])) {
                        sum += refusals < REFUSALS / 4 ? 0 : (double)used / (double)space_bytes;
                        refusals++;
                        gone = oldest_first ? 0 : (unsigned)(next_random(&seed) % count);
                        subject->give_back(blocks[gone]);
                        used -= sizes[gone];
                        memmove(blocks + gone, blocks + gone + 1, (count - gone) * sizeof *blocks);
                        memmove(sizes + gone, sizes + gone + 1, (count - gone) * sizeof *sizes);
                        count--;
                }
                used += sizes[count++];
        }
        while (count > 0)
                subject->give_back(blocks[--count]);
        subject->close();
        return sum / (REFUSALS - REFUSALS / 4);
}

static void
report_space(const char *what, const double part[SUBJECTS])
{
        printf("%-20s  %8.1f %%   %8.1f %%   %5.2f\n", what, 100 * part[0], 100 * part[1], part[0] / part[1]);
}

int
main(int argc, char **argv)
{
        static const uint64_t fill_sizes[] = { 64 * KIB, 1 * MIB, 9 * MIB, 16 * MIB, 17 * MIB, 33 * MIB };
        unsigned operations = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 200000;
        struct bench_machine machine;
        double part[SUBJECTS];
        char what[64];

        bench_machine_read(&machine);
        if (machine.caveat)
                puts(machine.caveat);
        printf("lend and return            weir     mimalloc  ratio\n");
        for (uint64_t bytes = 4 * KIB; bytes <= 8 * MIB; bytes *= 8) {
                report_cost(bytes, 1, operations);
                report_cost(bytes, 3, operations);
        }
        report_cost(33 * MIB, 3, operations / 10 + 1);
        printf("space of 1 GiB in use      weir     mimalloc  ratio\n");
        for (unsigned i = 0; i < sizeof(fill_sizes) / sizeof(*fill_sizes); i++) {
                for (unsigned k = 0; k < SUBJECTS; k++)
                        part[k] = fill(&subjects[k], fill_sizes[i]);
                snprintf(what, sizeof(what), "%llu KiB", (unsigned long long)(fill_sizes[i] / KIB));
                report_space(what, part);
        }
        for (int oldest_first = 1; oldest_first >= 0; oldest_first--) {
                for (unsigned k = 0; k < SUBJECTS; k++)
                        part[k] = fill_by_mix(&subjects[k], oldest_first);
                report_space(oldest_first ? "mix, oldest first" : "mix, any order", part);
        }
        return 0;
}
