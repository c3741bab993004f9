/* poll() over few descriptors: a client has one connection, one flag and one life-line per peer. */
#include "named-objects/watch.h"

#include "bus/os/error.h"
#include "named-objects/flag.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { WATCHES_ON_STACK = 64, OBJECTS_COUNTED_MAX = 65536 };

static int
by_number(const void *a, const void *b)
{
        return *(const wr_object *)a - *(const wr_object *)b;
}

/* Each new object gets the lowest free number. */
static enum weir_result
standard_numbers_take(void)
{
        wr_object placeholder;
        enum weir_result result;

        do
                result = wr_flag_create(&placeholder);
        while (result == WEIR_OK && placeholder < STDERR_FILENO);
        if (result == WEIR_OK && placeholder > STDERR_FILENO) /* some of them are kept objects */
                wr_object_close(placeholder);
        return result;
}

/* Flatpak's seccomp filter bars unshare() altogether, whatever is to be unshared; closing nothing with this flag makes
 * a table of its own, too. Kernels before 5.9 and some tools have only the former. */
static bool
table_unshare(void)
{
        return close_range(~0U, ~0U, CLOSE_RANGE_UNSHARE) == 0 || unshare(CLONE_FILES) == 0;
}

enum weir_result
wr_watch_own_table(const wr_object *keep, size_t count)
{
        wr_object sorted[8];
        unsigned from = 0;

        if (count > sizeof sorted / sizeof *sorted)
                return WEIR_E_USAGE;
        if (!table_unshare())
                return wr_os_error(errno);
        for (size_t i = 0; i < count; i++)
                sorted[i] = keep[i];
        qsort(sorted, count, sizeof *sorted, by_number);
        for (size_t i = 0; i < count; i++) {
                unsigned number = (unsigned)sorted[i];

                if (number > from)
                        close_range(from, number - 1, 0);
                from = number + 1;
        }
        close_range(from, ~0U, 0);
        return standard_numbers_take();
}

static void
watch_poll(struct wr_watch *watches, struct pollfd *polls, size_t count, const struct timespec *timeout)
{
        for (size_t i = 0; i < count; i++) {
                polls[i].fd = watches[i].object;
                polls[i].events = (short)((watches[i].read ? POLLIN : 0) | (watches[i].write ? POLLOUT : 0));
                polls[i].revents = 0;
        }
        if (ppoll(polls, (nfds_t)count, timeout, NULL) < 0) /* EINTR, or no memory: the caller looks again */
                for (size_t i = 0; i < count; i++)
                        polls[i].revents = 0;
        for (size_t i = 0; i < count; i++) {
                watches[i].readable = (polls[i].revents & POLLIN) != 0;
                watches[i].writable = (polls[i].revents & POLLOUT) != 0;
                watches[i].hung_up = (polls[i].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
        }
}

void
wr_watch_wait(struct wr_watch *watches, size_t count, int64_t timeout_ns)
{
        struct pollfd some[WATCHES_ON_STACK], *polls = some;
        struct timespec timeout = { .tv_sec = (time_t)(timeout_ns / 1000000000), .tv_nsec = timeout_ns % 1000000000 };

        bool for_ever = timeout_ns == INT64_MAX;

        if (count > WATCHES_ON_STACK)
                polls = calloc(count, sizeof *polls);
        if (!polls) { /* poll what fits, and not for long, so that the others have their turn when there is memory */
                polls = some;
                count = WATCHES_ON_STACK;
                timeout = (struct timespec){ .tv_nsec = 10000000 };
                for_ever = false;
        }
        watch_poll(watches, polls, count, for_ever ? NULL : &timeout);
        if (polls != some)
                free(polls);
}

uint32_t
wr_watch_objects_max(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > UINT32_MAX)
                return UINT32_MAX;
        return (uint32_t)limit.rlim_cur;
}

uint32_t
wr_watch_objects_now(void)
{
        uint32_t end = wr_watch_objects_max(), count = 0;

        if (end > OBJECTS_COUNTED_MAX)
                end = OBJECTS_COUNTED_MAX;
        for (uint32_t number = 0; number < end; number++)
                count += fcntl((int)number, F_GETFD) >= 0;
        return count;
}

void
wr_watch_objects_raise(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* it was only a wish */
}
