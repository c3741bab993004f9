/*
 * Names that somebody else has already. This program draws its "random" names itself, so that the squatter knows what
 * comes; each story ends with a region of ours under another name.
 */
#include "named-objects/grant_win32.h"
#include "named-objects/random.h"
#include "named-objects/rights/descriptor.h"
#include "named-objects/signal.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(region_win32, .timeout = 60);

enum { PAGE = 4096, LIST_BYTES = 512 };

static uint64_t drawn;

/* In the place of the system's. */
uint64_t
wr_random(void)
{
        return drawn++;
}

/* The name of the next object, and of the one behind it. */
static void
next_name(wchar_t name[WR_GRANT_NAME_MAX], unsigned ahead)
{
        uint64_t before = drawn;

        drawn += 2 * ahead;
        wr_grant_name_make(name);
        drawn = before;
}

static void
expect_ours(uint32_t taken_before, uint32_t taken)
{
        char name[WR_GRANT_NAME_MAX];
        wr_object region;

        cr_assert(eq(int, wr_region_create(&region, "test", PAGE), WEIR_OK));
        cr_assert(eq(u32, wr_region_names_taken() - taken_before, taken));
        cr_assert(eq(int, wr_region_check(region, PAGE, true), WEIR_OK));
        cr_assert(eq(int, wr_grant_name_of(region, name, sizeof name), WEIR_OK));
        wr_object_close(region);
}

Test(region_win32, a_name_that_is_a_section_already_is_not_used)
{
        uint32_t before = wr_region_names_taken();
        wchar_t name[WR_GRANT_NAME_MAX];
        HANDLE squatter;

        next_name(name, 0);
        squatter = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 2 * PAGE, name);
        cr_assert_not_null(squatter);
        expect_ours(before, 1);
        CloseHandle(squatter);
}

Test(region_win32, a_name_that_is_something_else_already_is_not_used)
{
        uint32_t before = wr_region_names_taken();
        wchar_t name[WR_GRANT_NAME_MAX];
        HANDLE squatter[2];

        next_name(name, 0);
        squatter[0] = CreateEventW(NULL, TRUE, FALSE, name);
        next_name(name, 1);
        squatter[1] = CreateMutexW(NULL, FALSE, name);
        cr_assert(squatter[0] != NULL && squatter[1] != NULL);
        expect_ours(before, 2);
        CloseHandle(squatter[0]);
        CloseHandle(squatter[1]);
}

/* One that is another user's, and that we may not even open. */
static HANDLE
foreign_section(const wchar_t *name)
{
        _Alignas(8) BYTE list[LIST_BYTES];
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, list, FALSE };
        const struct wr_sid stranger = { 5, 5, { 21, 9, 9, 9, 9 } };
        struct wr_draft draft;

        wr_draft_begin(&draft, list, sizeof list);
        wr_draft_owner(&draft, &stranger);
        wr_draft_group(&draft, &stranger);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        cr_assert(gt(sz, wr_draft_end(&draft), 0));
        return CreateFileMappingW(INVALID_HANDLE_VALUE, &attributes, PAGE_READWRITE, 0, PAGE, name);
}

Test(region_win32, a_name_that_is_closed_to_us_is_not_used)
{
        uint32_t before = wr_region_names_taken();
        wchar_t name[WR_GRANT_NAME_MAX];
        HANDLE squatter;

        next_name(name, 0);
        squatter = foreign_section(name);
        cr_assert(squatter != NULL, "error %lu", GetLastError());
        expect_ours(before, 1);
        CloseHandle(squatter);
}

Test(region_win32, who_takes_all_names_keeps_us_from_working_and_from_nothing_else)
{
        HANDLE squatters[WR_GRANT_TRIES_MAX];
        wchar_t name[WR_GRANT_NAME_MAX];
        wr_object region;

        for (unsigned i = 0; i < WR_GRANT_TRIES_MAX; i++) {
                next_name(name, i);
                squatters[i] = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, PAGE, name);
                cr_assert_not_null(squatters[i]);
        }
        cr_assert(eq(int, wr_region_create(&region, "test", PAGE), WEIR_E_DENIED));
        cr_assert(region == WR_NO_OBJECT);
        for (unsigned i = 0; i < WR_GRANT_TRIES_MAX; i++)
                CloseHandle(squatters[i]);
}

Test(region_win32, the_name_of_an_event_that_is_taken_is_not_used)
{
        uint32_t before = wr_region_names_taken();
        struct wr_signal_pair signals;
        wchar_t name[WR_GRANT_NAME_MAX];
        HANDLE squatters[2];

        next_name(name, 0);
        squatters[0] = CreateEventW(NULL, TRUE, FALSE, name);
        next_name(name, 2);
        squatters[1] = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, PAGE, name);
        cr_assert(eq(int, wr_signal_create(&signals), WEIR_OK));
        cr_assert(eq(u32, wr_region_names_taken() - before, 2));
        cr_assert(SetEvent(signals.wake));
        cr_assert(eq(u32, WaitForSingleObject(squatters[0], 0), WAIT_TIMEOUT), "it is not the squatter's");
        wr_signal_close(&signals);
        CloseHandle(squatters[0]);
        CloseHandle(squatters[1]);
}

Test(region_win32, a_section_of_another_kind_is_no_region)
{
        HANDLE plain = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE, 0, 2 * PAGE, NULL);

        cr_assert_not_null(plain);
        cr_assert(eq(int, wr_region_check(plain, PAGE, true), WEIR_E_CORRUPT), "it has no list");
        cr_assert(eq(int, wr_region_check(plain, 2 * PAGE, false), WEIR_E_CORRUPT));
        CloseHandle(plain);
}

/* Who runs over the end of a region faults before it touches what lies behind. */
Test(region_win32, behind_its_end_nothing_can_be_touched)
{
        MEMORY_BASIC_INFORMATION run;
        wr_object region;
        uint64_t to;
        void *view;

        cr_assert(eq(int, wr_region_create(&region, "test", PAGE), WEIR_OK));
        cr_assert(eq(int, wr_region_allocate(region, PAGE), WEIR_OK));
        cr_assert(eq(int, wr_region_committed(region, 0, &to), WEIR_OK));
        cr_assert(eq(u64, to, PAGE));
        cr_assert(eq(int, wr_region_map(region, PAGE, true, &view), WEIR_OK));
        cr_assert(eq(sz, VirtualQuery((char *)view + PAGE, &run, sizeof run), sizeof run));
        cr_assert(eq(u32, run.State, MEM_RESERVE));
        cr_assert(run.AllocationBase == view);
        wr_region_unmap(view, PAGE);
        wr_object_close(region);
}
