/* What watch.h promises on Windows of what is no handle of the system's: the ends of pipes, seen through their two
 * events (named-objects/object_win32.h). */
#include "named-objects/object_win32.h"
#include "named-objects/watch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(watch_win32, .timeout = 30);

struct end {
        struct wr_waitable waitable;
        bool has_hung_up;
        int closed;
};

static bool
end_hung_up(const struct wr_waitable *waitable)
{
        return ((const struct end *)waitable)->has_hung_up;
}

static void
end_close(struct wr_waitable *waitable)
{
        ((struct end *)waitable)->closed++;
        CloseHandle(waitable->readable);
        if (waitable->writable)
                CloseHandle(waitable->writable);
}

static struct end
end_of(bool is_writable)
{
        struct end end = { .waitable = { .hung_up = end_hung_up, .close = end_close } };

        end.waitable.readable = CreateEventW(NULL, TRUE, FALSE, NULL);
        end.waitable.writable = is_writable ? CreateEventW(NULL, TRUE, TRUE, NULL) : NULL;
        return end;
}

static void
look(struct wr_watch *watch, const char *expected)
{
        char found[4] = "---";

        wr_watch_wait(watch, 1, 0);
        found[0] = watch->readable ? 'r' : '-';
        found[1] = watch->writable ? 'w' : '-';
        found[2] = watch->hung_up ? 'h' : '-';
        cr_assert(eq(str, found, (char *)(uintptr_t)expected));
}

Test(watch_win32, an_end_is_told_by_what_was_wanted_and_its_hang_up_always)
{
        struct end end = end_of(true);
        struct wr_watch watch = { .object = wr_object_of(&end.waitable), .read = true };

        look(&watch, "---");
        watch.write = true;
        look(&watch, "-w-");
        SetEvent(end.waitable.readable);
        look(&watch, "rw-");
        ResetEvent(end.waitable.writable);
        look(&watch, "r--");
        watch.read = false;
        look(&watch, "---");
        end.has_hung_up = true;
        look(&watch, "--h");
        watch.read = true;
        look(&watch, "r-h");
        wr_object_close(watch.object);
        cr_assert(eq(int, end.closed, 1));
}

/* ... else the control thread would turn without end beside a message that it does not read now. */
Test(watch_win32, what_is_not_wanted_does_not_wake)
{
        struct end end = end_of(true), listener = end_of(false);
        struct wr_watch watches[2] = { { .object = wr_object_of(&end.waitable) },
                                       { .object = wr_object_of(&listener.waitable), .read = true, .write = true } };
        ULONGLONG before = GetTickCount64();

        SetEvent(end.waitable.readable);
        wr_watch_wait(watches, 2, 100000000);
        cr_assert(ge(u64, GetTickCount64() - before, 90));
        cr_assert_not(watches[0].readable || watches[0].writable || watches[0].hung_up);
        cr_assert_not(watches[1].readable || watches[1].writable || watches[1].hung_up);
        SetEvent(listener.waitable.readable);
        wr_watch_wait(watches, 2, INT64_MAX);
        cr_assert(watches[1].readable && !watches[1].hung_up);
        wr_object_close(watches[0].object);
        wr_object_close(watches[1].object);
}

/* A number that is no handle any more has hung up, and the others are told all the same. */
Test(watch_win32, a_handle_that_was_closed_has_hung_up)
{
        HANDLE closed = CreateEventW(NULL, TRUE, FALSE, NULL), raised = CreateEventW(NULL, TRUE, TRUE, NULL);
        struct wr_watch watches[3] = { { .object = CreateEventW(NULL, TRUE, FALSE, NULL), .read = true },
                                       { .object = closed, .read = true },
                                       { .object = raised, .read = true } };

        CloseHandle(closed);
        wr_watch_wait(watches, 3, INT64_MAX);
        cr_assert_not(watches[0].readable || watches[0].hung_up);
        cr_assert(watches[1].hung_up && !watches[1].readable);
        cr_assert(watches[2].readable && !watches[2].hung_up);
        CloseHandle(raised);
        CloseHandle(watches[0].object);
}
