/*
 *      stream, 1M, spin, near (41 ns)
 *        peer     hash      frames/s      GB/s   min .. max    cpu s   x ceiling   x pipe
 *        weir     full        31.2 k      32.7   31.0 .. 33.1   0.40        0.55     9.10
 */
#include "bench/report.h"

#include "bench/placement.h"

#include <string.h>

enum { CELL_BYTES = 32 };

void
bench_table_head(FILE *file, const struct bench_machine *machine, const struct bench_place *place, double line_ns,
                 int run_count)
{
        fprintf(file, "%s, %ld cores, %s; on cores %d and %d: %s (line exchange %.0f ns); medians of %d\n",
                machine->processor, machine->cores, machine->kernel, place->cpus[0], place->cpus[1],
                bench_placement_name(place->cpus, line_ns), line_ns, run_count);
        if (machine->caveat)
                fprintf(file, "%s\n", machine->caveat);
}

static const char *
time_cell(char to[CELL_BYTES], double ns)
{
        if (ns < 1000)
                snprintf(to, CELL_BYTES, "%.0f ns", ns);
        else if (ns < 1000000)
                snprintf(to, CELL_BYTES, "%.2f us", ns / 1e3);
        else
                snprintf(to, CELL_BYTES, "%.2f ms", ns / 1e6);
        return to;
}

static const char *
rate_cell(char to[CELL_BYTES], double rate)
{
        if (rate >= 1e6)
                snprintf(to, CELL_BYTES, "%.2f M", rate / 1e6);
        else if (rate >= 1e4)
                snprintf(to, CELL_BYTES, "%.1f k", rate / 1e3);
        else
                snprintf(to, CELL_BYTES, "%.1f", rate);
        return to;
}

static void
print_latency(FILE *file, const struct bench_result *result)
{
        const struct bench_summary *p50 = &result->figures[BENCH_P50];
        char cell[2 * CELL_BYTES + 2], low[CELL_BYTES], high[CELL_BYTES];

        for (int figure = BENCH_P50; figure <= BENCH_MAX; figure++)
                fprintf(file, " %10s", time_cell(cell, result->figures[figure].median));
        snprintf(cell, sizeof cell, "%s..%s", time_cell(low, p50->min), time_cell(high, p50->max));
        fprintf(file, " %20s", cell);
}

static void
print_rate(FILE *file, const struct bench_result *result)
{
        const struct bench_summary *gb = &result->figures[BENCH_GB_PER_S];
        int digits = gb->median < 1 ? 3 : 2;
        char cell[CELL_BYTES];

        fprintf(file, " %10s %10.*f", rate_cell(cell, result->figures[BENCH_FRAMES_PER_S].median), digits, gb->median);
        snprintf(cell, sizeof cell, "%.*f..%.*f", digits, gb->min, digits, gb->max);
        fprintf(file, " %20s", cell);
}

static void
print_ratio(FILE *file, const struct bench_group *group, const struct bench_result *result, const char *peer)
{
        const struct bench_result *other = bench_group_find(group, result, peer);
        enum bench_figure figure = bench_figure_main(result->terms.mode);

        if (other)
                fprintf(file, " %9.2f", result->figures[figure].median / other->figures[figure].median);
        else
                fprintf(file, " %9s", "-");
}

/* Whom a user would write without weir: the pipe, where it was measured. */
static const char *
plain_of(const struct bench_group *group)
{
        for (size_t i = 0; i < group->count; i++)
                if (strcmp(group->results[i].peer->name, "pipe") == 0)
                        return "pipe";
        for (size_t i = 0; i < group->count; i++)
                if (strcmp(group->results[i].peer->name, "tcp") == 0)
                        return "tcp";
        return "pipe";
}

static bool
has_ceiling(const struct bench_group *group)
{
        for (size_t i = 0; i < group->count; i++)
                if (strcmp(group->results[i].peer->name, "ceiling") == 0)
                        return true;
        return false;
}

static void
print_result(FILE *file, const struct bench_group *group, const struct bench_result *result)
{
        fprintf(file, "  %-8s %-6s", result->peer->name, bench_hash_name(result));
        if (result->verdict != BENCH_OK) {
                fprintf(file, "  no result: %s\n", result->text);
                return;
        }
        if (result->terms.mode == BENCH_STREAM)
                print_rate(file, result);
        else
                print_latency(file, result);
        fprintf(file, " %7.2f %7.2f", result->figures[BENCH_CPU_PRODUCER].median,
                result->figures[BENCH_CPU_CONSUMER].median);
        if (has_ceiling(group))
                print_ratio(file, group, result, "ceiling");
        print_ratio(file, group, result, plain_of(group));
        fputc('\n', file);
}

static void
print_title(FILE *file, const struct bench_group *group, const struct bench_result *result)
{
        char size[24];

        fprintf(file, "\n%s, %s%s, %s, %s", bench_mode_name(result->terms.mode),
                bench_size_name(size, result->terms.size), result->terms.size % 1024 == 0 ? "" : " bytes",
                bench_wait_name(result->terms.wait), result->placement);
        if (result->line_ns >= 0)
                fprintf(file, " (%.0f ns)", result->line_ns);
        if (result->terms.mode == BENCH_STREAM)
                fprintf(file, "\n  %-8s %-6s %10s %10s %20s", "peer", "hash", "frames/s", "GB/s", "GB/s min..max");
        else
                fprintf(file, "\n  %-8s %-6s %10s %10s %10s %10s %20s", "peer", "hash", "p50", "p99", "p99.9", "max",
                        "p50 min..max");
        fprintf(file, " %15s", "cpu s of both");
        if (has_ceiling(group))
                fprintf(file, " %9s", "x ceiling");
        fprintf(file, "   x %4s\n", plain_of(group));
}

void
bench_table_group(FILE *file, const struct bench_group *group)
{
        const struct bench_result *before = NULL;

        for (size_t i = 0; i < group->count; before = &group->results[i++]) {
                const struct bench_result *result = &group->results[i];

                if (!before || before->terms.mode != result->terms.mode || before->terms.size != result->terms.size)
                        print_title(file, group, result);
                print_result(file, group, result);
        }
        fflush(file);
}
