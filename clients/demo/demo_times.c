/* Times of a pass: one latency a frame, and the percentiles by rank. */
#include "clients/demo/demo_pass.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weir/weir.h>

enum { LINE_WIDTH = 60 };

void
demo_times_add(struct demo_times *times, int64_t stamp_ns, int64_t now_ns)
{
        if (times->count == times->room) {
                uint64_t room = times->room * 2 + 4096;
                int64_t *list = realloc(times->list, room * sizeof *list);

                if (list == NULL)
                        return; /* the pass will show fewer latencies than frames, and nothing wrong */
                times->list = list;
                times->room = room;
        }
        if (times->count == 0)
                times->first_ns = stamp_ns;
        times->list[times->count++] = now_ns - stamp_ns;
        times->last_ns = now_ns;
}

static int
compare(const void *a, const void *b)
{
        int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

        return left < right ? -1 : left > right;
}

/* The smallest latency that `percent` of the frames do not exceed. */
static int64_t
percentile(const struct demo_times *times, unsigned percent)
{
        return times->list[(times->count * percent + 99) / 100 - 1];
}

void
demo_times_close(struct demo_times *times, struct demo_pass *pass)
{
        if (times->count > 0) {
                qsort(times->list, times->count, sizeof *times->list, compare);
                pass->p50_ns = percentile(times, 50);
                pass->p99_ns = percentile(times, 99);
                pass->max_ns = times->list[times->count - 1];
                pass->elapsed_ns = times->last_ns - times->first_ns;
        }
        free(times->list);
        times->list = NULL;
}

static bool
shows(const struct demo_plan *plan)
{
        return !plan->options.quiet && isatty(STDERR_FILENO);
}

void
demo_progress(const struct demo_plan *plan, const struct demo_pass *pass, const struct demo_times *times)
{
        static int64_t shown_ns;
        int64_t elapsed_ns = times->last_ns - times->first_ns;

        if (!shows(plan) || times->last_ns - shown_ns < 100 * 1000000)
                return;
        shown_ns = times->last_ns;
        fprintf(stderr, "\r%-7s %6llu frames %6.1f s %7.2f GB/s ", demo_kind_names[pass->kind],
                (unsigned long long)pass->frames, (double)elapsed_ns / 1e9,
                elapsed_ns > 0 ? (double)pass->bytes / (double)elapsed_ns : 0);
}

void
demo_progress_end(const struct demo_plan *plan)
{
        if (shows(plan))
                fprintf(stderr, "\r%*s\r", LINE_WIDTH, ""); /* wiped without an escape, which not every console takes */
}
