/*
 * simulation [--seeds N] [--from SEED] [--seed SEED] [--trace]
 *
 * Runs N seeds, each family of dangers one test; or one seed, with all that happened. With a bug planted (twins.txt)
 * it looks for a seed that finds it, and fails when there is none among the first N.
 */
#include "tests/simulation/sim.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Written by plant.py into the source with the bug; the real program has none of them. */
extern const char explore_twin_name[] __attribute__((weak));
extern const char explore_twin_finds[] __attribute__((weak));
extern const char explore_twin_broken[] __attribute__((weak));

enum { SEEDS_DEFAULT = 5000, FAILURES_SHOWN = 3, TWICE_EVERY = 50, SECONDS_PER_SEED = 20 };

static const char *program;

/* A crash, or a loop without end: only the seed helps. */
static void
died(int signal)
{
        char text[256];
        int length = snprintf(text, sizeof(text), "not ok - seed %llu: signal %d; replay: %s --seed %llu --trace\n",
                              (unsigned long long)sim.seed, signal, program, (unsigned long long)sim.seed);

        if (write(STDOUT_FILENO, text, (size_t)length) < 0)
                _exit(3);
        _exit(2);
}

/* Of the processor's time: a machine that has other things to do makes no seed slow. */
static void
deadline(time_t seconds)
{
        setitimer(ITIMER_PROF, &(struct itimerval){ .it_value.tv_sec = seconds }, NULL);
}

static bool
try(uint64_t seed, bool traces)
{
        bool is_well;

        deadline(SECONDS_PER_SEED);
        is_well = sim_run(seed, traces);
        deadline(0);
        return is_well;
}

static void
tell_replay(uint64_t seed)
{
        printf("# seed %llu: %s; replay: %s --seed %llu --trace\n", (unsigned long long)seed, sim.sentence, program,
               (unsigned long long)seed);
}

/* Every now and then a seed runs twice: it must take the same way. */
static bool
is_same_again(uint64_t seed)
{
        uint64_t hash = sim.hash, turns = sim.turns;

        return try(seed, false) && sim.hash == hash && sim.turns == turns;
}

static double
seconds_now(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct sums {
        uint64_t turns, said, heard, events, lives, seeds;
        unsigned failures, differences;
};

static void
run_family(unsigned family, uint64_t from, uint64_t count, struct sums *all)
{
        unsigned families = sim_family_count();
        struct sums sums = { 0 };

        for (uint64_t seed = from; seed < from + count; seed++) {
                if (seed % families != family)
                        continue;
                sums.seeds++;
                if (!try(seed, false)) {
                        if (sums.failures++ < FAILURES_SHOWN)
                                tell_replay(seed);
                        continue;
                }
                sums.turns += sim.turns;
                sums.said += sim.said;
                sums.heard += sim.heard;
                sums.lives += sim.lives;
                if (seed / families % TWICE_EVERY == 0 && !is_same_again(seed) && sums.differences++ < FAILURES_SHOWN)
                        printf("# seed %llu goes two ways\n", (unsigned long long)seed);
        }
        printf("%sok %u - %s: %llu seeds, %llu turns, %llu messages heard and %llu said, %llu brokers\n",
               sums.failures ? "not " : "", family + 1, sim_families[family], (unsigned long long)sums.seeds,
               (unsigned long long)sums.turns, (unsigned long long)sums.heard, (unsigned long long)sums.said,
               (unsigned long long)sums.lives);
        fflush(stdout);
        all->seeds += sums.seeds;
        all->failures += sums.failures;
        all->differences += sums.differences;
}

static int
run_all(uint64_t from, uint64_t count)
{
        unsigned families = sim_family_count();
        double began = seconds_now(), took;
        struct sums all = { 0 };

        for (unsigned family = 0; family < families; family++)
                run_family(family, from, count, &all);
        took = seconds_now() - began;
        printf("%sok %u - a seed takes the same way each time\n", all.differences ? "not " : "", families + 1);
        printf("# %llu seeds in %.1f s: %.0f seeds/s\n", (unsigned long long)all.seeds, took, (double)all.seeds / took);
        printf("1..%u\n", families + 1);
        return all.failures + all.differences > 0;
}

/* "a | b": one of them. */
static bool
is_what_it_finds(const char *sentence)
{
        char finds[256];

        snprintf(finds, sizeof(finds), "%s", explore_twin_finds);
        for (char *part = finds, *bar; part; part = bar) {
                bar = strstr(part, " | ");
                if (bar) {
                        *bar = '\0';
                        bar += strlen(" | ");
                }
                if (strstr(sentence, part))
                        return true;
        }
        return false;
}

static int
run_twin(uint64_t count)
{
        if (explore_twin_broken[0]) {
                printf("not ok - twin \"%s\" is not planted: %s\n", explore_twin_name, explore_twin_broken);
                return 1;
        }
        for (uint64_t seed = 0; seed < count; seed++) {
                if (try(seed, false))
                        continue;
                if (!is_what_it_finds(sim.sentence)) {
                        tell_replay(seed);
                        printf("not ok - twin \"%s\" is found by another rule than: %s\n", explore_twin_name,
                               explore_twin_finds);
                        return 1;
                }
                printf("ok - twin \"%s\" is found by seed %llu: %s\n", explore_twin_name, (unsigned long long)seed,
                       sim.sentence);
                return 0;
        }
        printf("not ok - twin \"%s\" is not found by %llu seeds\n", explore_twin_name, (unsigned long long)count);
        return 1;
}

static int
run_one(uint64_t seed, bool traces)
{
        if (!try(seed, traces)) {
                printf("not ok 1 - seed %llu: %s; replay: %s --seed %llu --trace\n1..1\n", (unsigned long long)seed,
                       sim.sentence, program, (unsigned long long)seed);
                return 1;
        }
        printf("ok 1 - seed %llu: %s\n1..1\n", (unsigned long long)seed, sim_families[sim.plan.family]);
        return 0;
}

int
main(int count, char **arguments)
{
        uint64_t seeds = SEEDS_DEFAULT, from = 0, seed = 0;
        bool is_one = false, traces = false;

        program = arguments[0];
        for (int i = 1; i < count; i++) {
                const char *value = i + 1 < count ? arguments[i + 1] : "0";

                if (strcmp(arguments[i], "--trace") == 0)
                        traces = true;
                else if (strcmp(arguments[i], "--seeds") == 0)
                        seeds = strtoull(value, NULL, 0), i++;
                else if (strcmp(arguments[i], "--from") == 0)
                        from = strtoull(value, NULL, 0), i++;
                else if (strcmp(arguments[i], "--seed") == 0)
                        seed = strtoull(value, NULL, 0), is_one = true, i++;
        }
        signal(SIGPROF, died);
        signal(SIGSEGV, died);
        signal(SIGABRT, died);
        if (is_one)
                return run_one(seed, traces);
        return explore_twin_name ? run_twin(seeds) : run_all(from, seeds);
}
