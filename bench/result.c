/*
 *      turn 1    line exchange    weir  ceiling  pipe  unix  tcp
 *      turn 2    line exchange    weir  ceiling  pipe  unix  tcp
 *      turn 3    line exchange    weir  ceiling  pipe  unix  tcp
 *                                  |
 *                                  median, min, max of each figure
 */
#include "bench/result.h"

#include "bench/placement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const mode_names[] = { "latency", "stream", "loan" };
static const char *const wait_names[] = { "spin", "block" };
static const char *const hash_names[] = { "full", "header", "none" };
static const char *const figure_names[BENCH_FIGURES] = {
        [BENCH_P50] = "p50_ns",
        [BENCH_P99] = "p99_ns",
        [BENCH_P999] = "p99_9_ns",
        [BENCH_MAX] = "max_ns",
        [BENCH_FRAMES_PER_S] = "frames_per_s",
        [BENCH_GB_PER_S] = "gb_per_s",
        [BENCH_CPU_PRODUCER] = "cpu_producer_s",
        [BENCH_CPU_CONSUMER] = "cpu_consumer_s",
        [BENCH_SECONDS] = "seconds",
        [BENCH_FRAMES] = "frames",
};

const char *
bench_mode_name(enum bench_mode mode)
{
        return mode_names[mode];
}

const char *
bench_wait_name(enum bench_wait wait)
{
        return wait_names[wait];
}

const char *
bench_hash_name(const struct bench_result *result)
{
        return result->peer->hashes ? hash_names[result->terms.hash] : "-";
}

const char *
bench_figure_name(enum bench_figure figure)
{
        return figure_names[figure];
}

char *
bench_size_name(char to[24], uint64_t size)
{
        if (size % (1 << 20) == 0)
                snprintf(to, 24, "%" PRIu64 "M", size >> 20);
        else if (size % (1 << 10) == 0)
                snprintf(to, 24, "%" PRIu64 "k", size >> 10);
        else
                snprintf(to, 24, "%" PRIu64, size);
        return to;
}

bool
bench_figure_applies(enum bench_figure figure, enum bench_mode mode)
{
        if (figure <= BENCH_MAX)
                return mode != BENCH_STREAM;
        return figure > BENCH_GB_PER_S || mode == BENCH_STREAM;
}

enum bench_figure
bench_figure_main(enum bench_mode mode)
{
        return mode == BENCH_STREAM ? BENCH_GB_PER_S : BENCH_P50;
}

const struct bench_result *
bench_group_find(const struct bench_group *group, const struct bench_result *like, const char *peer)
{
        for (size_t i = 0; i < group->count; i++) {
                const struct bench_result *result = &group->results[i];

                if (strcmp(result->peer->name, peer) == 0 && result->verdict == BENCH_OK &&
                    result->terms.mode == like->terms.mode && result->terms.wait == like->terms.wait &&
                    result->terms.size == like->terms.size)
                        return result;
        }
        return NULL;
}

static int
by_value(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static struct bench_summary
sum_up(double *values, int count)
{
        double median;

        qsort(values, (size_t)count, sizeof values[0], by_value);
        median = count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
        return (struct bench_summary){ .median = median, .min = values[0], .max = values[count - 1] };
}

static void
result_sum_up(struct bench_result *result)
{
        double values[BENCH_RUNS_MAX];

        for (int figure = 0; figure < BENCH_FIGURES; figure++) {
                for (int i = 0; i < result->run_count; i++)
                        values[i] = result->runs[i].figures[figure];
                result->figures[figure] = sum_up(values, result->run_count);
        }
}

static void
result_run(struct bench_result *result, const struct bench_place *place)
{
        struct bench_run *run = &result->runs[result->run_count];

        bench_run(result->peer, &result->terms, place, run);
        result->run_count++;
        result->lost += run->lost;
        if (run->verdict != BENCH_OK) {
                result->verdict = run->verdict;
                snprintf(result->text, sizeof result->text, "%s", run->text);
        }
}

static bool
group_prepare(struct bench_group *group, int run_count)
{
        for (size_t i = 0; i < group->count; i++) {
                struct bench_result *result = &group->results[i];

                result->runs = calloc((size_t)run_count, sizeof *result->runs);
                if (!result->runs)
                        return false;
        }
        return true;
}

enum bench_verdict
bench_group_run(struct bench_group *group, const struct bench_place *place, int run_count, bench_progress *progress)
{
        enum bench_verdict worst = BENCH_OK;
        double lines_ns[BENCH_RUNS_MAX];
        double line_ns;
        int done = 0;

        if (run_count < 1 || run_count > BENCH_RUNS_MAX || !group_prepare(group, run_count))
                return BENCH_FAILED;
        for (int turn = 0; turn < run_count; turn++) {
                lines_ns[turn] = bench_placement_line_ns(place->cpus);
                for (size_t i = 0; i < group->count && worst != BENCH_INTERRUPTED; i++, done++) {
                        struct bench_result *result = &group->results[i];

                        if (result->verdict != BENCH_OK)
                                continue;
                        if (progress)
                                progress(result, done, run_count * (int)group->count);
                        result_run(result, place);
                        worst = result->verdict > worst ? result->verdict : worst;
                }
        }
        line_ns = sum_up(lines_ns, run_count).median;
        for (size_t i = 0; i < group->count; i++) {
                group->results[i].line_ns = line_ns;
                group->results[i].placement = bench_placement_name(place->cpus, line_ns);
                if (group->results[i].verdict == BENCH_OK && worst != BENCH_INTERRUPTED)
                        result_sum_up(&group->results[i]);
        }
        return worst;
}

void
bench_group_close(struct bench_group *group)
{
        for (size_t i = 0; i < group->count; i++)
                free(group->results[i].runs);
}
