/*
 * What a client on Windows may do with what it was handed, and that is all it may do: rights of sections and events, by
 * handle and by name, with the list of each exactly what it is to be. Wine enforces all of it but one thing: an owner
 * has there, whatever the list says, the standard rights, so their refusal is left to weir-winaudit.
 */
#include "named-objects/grant_win32.h"

#include "named-objects/rights/descriptor.h"
#include "named-objects/signal.h"
#include "tests/contract/actor.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(grant, .timeout = 60);

enum { PAGE = 4096, LIST_BYTES = 4096, TOKEN_BYTES = 4096 };

static wr_object
region_of(void)
{
        wr_object region;

        cr_assert(eq(int, wr_region_create(&region, "test", PAGE), WEIR_OK));
        cr_assert(eq(int, wr_region_allocate(region, PAGE), WEIR_OK));
        return region;
}

/* As the endpoint hands it over. */
static HANDLE
handed(HANDLE object)
{
        HANDLE given;
        uint32_t rights = wr_grant_handed(wr_grant_kind_of(object), wr_grant_rights_of(object));

        cr_assert(eq(int, wr_grant_narrow(object, rights, &given), WEIR_OK));
        cr_assert(eq(u32, wr_grant_rights_of(given), rights));
        return given;
}

static DWORD
error_of_duplicate(HANDLE object, uint32_t rights)
{
        HANDLE self = GetCurrentProcess(), more = NULL;
        DWORD error = DuplicateHandle(self, object, self, &more, rights, FALSE, 0) ? ERROR_SUCCESS : GetLastError();

        if (more)
                CloseHandle(more);
        return error;
}

static struct wr_sid
sid_of_token(TOKEN_INFORMATION_CLASS what)
{
        union {
                PSID sid; /* what both answers begin with */
                BYTE bytes[TOKEN_BYTES];
        } answer;
        struct wr_sid sid;
        HANDLE token;
        DWORD size;

        cr_assert(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token));
        cr_assert(GetTokenInformation(token, what, &answer, sizeof answer, &size));
        cr_assert(gt(sz, wr_sid_read(&sid, answer.sid, GetLengthSid(answer.sid)), 0));
        CloseHandle(token);
        return sid;
}

static uint32_t
entries_of(HANDLE object, struct wr_ace *last)
{
        static BYTE list[LIST_BYTES];
        struct wr_descriptor descriptor;
        DWORD size;

        cr_assert(GetKernelObjectSecurity(object, DACL_SECURITY_INFORMATION, list, sizeof list, &size));
        cr_assert(wr_descriptor_open(&descriptor, list, size, NULL));
        cr_assert(ne(u32, descriptor.control & WR_DACL_PROTECTED, 0));
        for (size_t at = 0; wr_acl_next(&descriptor.dacl, &at, last);)
                ;
        return descriptor.dacl.count;
}

Test(grant, what_is_made_has_a_list_that_grants_nobody_anything)
{
        struct wr_signal_pair signals;
        wr_object region = region_of(), made[3];
        struct wr_ace ace;

        cr_assert(eq(int, wr_signal_create(&signals), WEIR_OK));
        made[0] = region;
        made[1] = signals.wake;
        made[2] = signals.space;
        for (int i = 0; i < 3; i++) {
                cr_assert(eq(u32, entries_of(made[i], &ace), 1));
                cr_assert(eq(u32, ace.type, WR_ACE_ALLOW));
                cr_assert(eq(u32, ace.mask, READ_CONTROL));
                cr_assert(eq(u64, ace.sid.authority, 3)); /* S-1-3-4: OWNER RIGHTS */
                cr_assert(eq(u32, ace.sid.words[0], 4));
        }
        wr_signal_close(&signals);
        wr_object_close(region);
}

Test(grant, kinds_and_what_is_handed_of_their_rights)
{
        HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL), mutex = CreateMutexW(NULL, FALSE, NULL);
        wr_object region = region_of();

        cr_assert(eq(int, wr_grant_kind_of(region), WR_GRANT_SECTION));
        cr_assert(eq(int, wr_grant_kind_of(event), WR_GRANT_EVENT));
        cr_assert(eq(int, wr_grant_kind_of(GetCurrentProcess()), WR_GRANT_PROCESS));
        cr_assert(eq(int, wr_grant_kind_of(mutex), WR_GRANT_OTHER));
        cr_assert(eq(int, wr_grant_kind_of(NULL), WR_GRANT_OTHER));
        cr_assert(eq(int, wr_grant_kind_of((HANDLE)0xfff0), WR_GRANT_OTHER));
        cr_assert(eq(u32, wr_grant_handed(WR_GRANT_SECTION, 0xffffffff), 0x6));
        cr_assert(eq(u32, wr_grant_handed(WR_GRANT_SECTION, SECTION_MAP_READ | WR_GRANT_KEPT), 0x4));
        cr_assert(eq(u32, wr_grant_handed(WR_GRANT_EVENT, EVENT_MODIFY_STATE | WR_GRANT_KEPT), 0x2));
        cr_assert(eq(u32, wr_grant_handed(WR_GRANT_EVENT, SYNCHRONIZE | WR_GRANT_KEPT_TO_LABEL), 0x100000));
        cr_assert(eq(u32, wr_grant_handed(WR_GRANT_PROCESS, PROCESS_ALL_ACCESS), 0x100000));
        cr_assert(eq(u32, wr_grant_handed(WR_GRANT_OTHER, 0xffffffff), 0));
        CloseHandle(event);
        CloseHandle(mutex);
        wr_object_close(region);
}

Test(grant, who_may_read_a_region_cannot_write_it_by_any_way)
{
        wr_object region = region_of(), read_only;
        HANDLE given;
        void *view;
        DWORD old;

        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        given = handed(read_only);
        cr_assert(eq(u32, wr_grant_rights_of(given), 0x4));
        cr_assert(eq(int, wr_region_check(given, PAGE, true), WEIR_OK), "the client can check it with that alone");
        cr_assert(eq(int, wr_region_map(given, PAGE, true, &view), WEIR_E_DENIED));
        cr_assert(eq(u32, error_of_duplicate(given, SECTION_MAP_READ | SECTION_MAP_WRITE), ERROR_ACCESS_DENIED));
        cr_assert(eq(u32, error_of_duplicate(given, SECTION_ALL_ACCESS), ERROR_ACCESS_DENIED));
        cr_assert(eq(int, wr_region_map(given, PAGE, false, &view), WEIR_OK));
        cr_assert_not(VirtualProtect(view, PAGE, PAGE_READWRITE, &old));
        cr_assert(eq(u32, GetLastError(), ERROR_INVALID_PARAMETER));
        cr_assert_not(VirtualProtect(view, PAGE, PAGE_EXECUTE_READ, &old));
        cr_assert_not(SetKernelObjectSecurity(given, DACL_SECURITY_INFORMATION, &(SECURITY_DESCRIPTOR){ 0 }));
        wr_region_unmap(view, PAGE);
        CloseHandle(given);
        wr_object_close(read_only);
        wr_object_close(region);
}

Test(grant, who_writes_a_region_can_map_it_and_nothing_else)
{
        wr_object region = region_of();
        HANDLE given = handed(region);
        DWORD old;
        void *view;

        cr_assert(eq(u32, wr_grant_rights_of(given), 0x6));
        cr_assert(eq(int, wr_region_check(given, PAGE, false), WEIR_OK));
        cr_assert(eq(int, wr_region_map(given, PAGE, true, &view), WEIR_OK));
        cr_assert_not(VirtualProtect(view, PAGE, PAGE_EXECUTE_READWRITE, &old));
        cr_assert(eq(u32, error_of_duplicate(given, SECTION_MAP_READ | SECTION_MAP_EXECUTE), ERROR_ACCESS_DENIED));
        wr_region_unmap(view, PAGE);
        CloseHandle(given);
        wr_object_close(region);
}

/* objects: as they come to a client; ours: what it has of them. */
static void
signals_handed(const struct wr_signal_pair *signals, enum wr_signal_end end, HANDLE ours[2])
{
        wr_object objects[2];

        cr_assert(eq(int, wr_signal_grant(signals, end, objects), WEIR_OK));
        ours[0] = handed(objects[0]);
        ours[1] = handed(objects[1]);
        wr_signal_grant_close(objects);
}

Test(grant, each_end_of_a_pair_sets_what_it_is_to_set_and_waits_for_what_it_is_to_wait_for)
{
        enum { WAKE, SPACE };
        struct wr_signal_pair signals;
        HANDLE publisher[2], subscriber[2];

        cr_assert(eq(int, wr_signal_create(&signals), WEIR_OK));
        signals_handed(&signals, WR_SIGNAL_PUBLISHER, publisher);
        signals_handed(&signals, WR_SIGNAL_SUBSCRIBER, subscriber);
        cr_assert(SetEvent(publisher[WAKE]));
        cr_assert(eq(u32, WaitForSingleObject(subscriber[WAKE], 0), WAIT_OBJECT_0));
        cr_assert(eq(u32, WaitForSingleObject(subscriber[WAKE], 0), WAIT_TIMEOUT), "it reset itself");
        cr_assert(SetEvent(subscriber[SPACE]));
        cr_assert(eq(u32, WaitForSingleObject(publisher[SPACE], 0), WAIT_OBJECT_0));

        cr_assert_not(SetEvent(subscriber[WAKE]));
        cr_assert(eq(u32, GetLastError(), ERROR_ACCESS_DENIED));
        cr_assert_not(ResetEvent(subscriber[WAKE]));
        cr_assert_not(SetEvent(publisher[SPACE]));
        cr_assert(eq(u32, WaitForSingleObject(publisher[WAKE], 0), WAIT_FAILED));
        cr_assert(eq(u32, GetLastError(), ERROR_ACCESS_DENIED));
        cr_assert(eq(u32, error_of_duplicate(subscriber[WAKE], EVENT_MODIFY_STATE), ERROR_ACCESS_DENIED));
        cr_assert(eq(u32, error_of_duplicate(subscriber[WAKE], EVENT_ALL_ACCESS), ERROR_ACCESS_DENIED));
        for (int i = 0; i < 2; i++) {
                CloseHandle(publisher[i]);
                CloseHandle(subscriber[i]);
        }
        wr_signal_close(&signals);
}

Test(grant, what_comes_for_the_words_of_a_page_is_checked)
{
        wr_word32 wake = 0, space = 0;
        struct wr_signal_pair signals;
        HANDLE ours[2], swapped[2];

        cr_assert(eq(int, wr_signal_create(&signals), WEIR_OK));
        signals_handed(&signals, WR_SIGNAL_PUBLISHER, ours);
        swapped[0] = ours[1];
        swapped[1] = ours[0];
        cr_assert(eq(int, wr_signal_bind(&wake, &space, WR_SIGNAL_SUBSCRIBER, ours), WEIR_E_CORRUPT));
        cr_assert(eq(int, wr_signal_bind(&wake, &space, WR_SIGNAL_PUBLISHER, swapped), WEIR_E_CORRUPT));
        swapped[0] = region_of();
        cr_assert(eq(int, wr_signal_bind(&wake, &space, WR_SIGNAL_PUBLISHER, swapped), WEIR_E_CORRUPT));
        wr_object_close(swapped[0]);
        swapped[0] = WR_NO_OBJECT;
        cr_assert(eq(int, wr_signal_bind(&wake, &space, WR_SIGNAL_PUBLISHER, swapped), WEIR_E_CORRUPT));
        cr_assert(eq(int, wr_signal_bind(&wake, &space, WR_SIGNAL_PUBLISHER, ours), WEIR_OK));
        cr_assert(ours[0] == NULL && ours[1] == NULL);
        wr_signal_unbind(&wake, &space);
        wr_signal_unbind(&wake, &space);
        wr_signal_close(&signals);
}

/* ---- by name --------------------------------------------------------------------------------------------------- */

static enum weir_result
opened(const char *name, uint32_t rights)
{
        HANDLE object;
        enum weir_result result = wr_grant_open(WR_GRANT_SECTION, name, rights, &object);

        if (result == WEIR_OK)
                CloseHandle(object);
        return result;
}

Test(grant, a_name_opens_for_whom_it_was_granted_with_what_was_granted)
{
        struct wr_sid user = sid_of_token(TokenUser), package = { 15, 2, { 2, 1 } };
        char name[WR_GRANT_NAME_MAX];
        wr_object region = region_of();
        struct wr_ace ace;

        cr_assert(eq(int, wr_grant_name_of(region, name, sizeof name), WEIR_OK));
        cr_assert(eq(sz, strlen(name), strlen("weir-") + 32), "%s", name);
        cr_assert(eq(int, wr_grant_name_of(region, name, 8), WEIR_E_TOO_LARGE));
        cr_assert(eq(int, wr_grant_name_of(region, name, sizeof name), WEIR_OK));
        cr_assert(eq(int, opened(name, SECTION_MAP_READ), WEIR_E_DENIED));
        cr_assert(eq(int, wr_grant_admit(region, &package, 1, SECTION_MAP_READ), WEIR_OK));
        cr_assert(eq(int, opened(name, SECTION_MAP_READ), WEIR_E_DENIED), "that is somebody else");
        cr_assert(eq(int, wr_grant_admit(region, &user, 1, SECTION_MAP_READ), WEIR_OK));
        cr_assert(eq(int, opened(name, SECTION_MAP_READ), WEIR_OK));
        cr_assert(eq(int, opened(name, SECTION_MAP_READ | SECTION_MAP_WRITE), WEIR_E_DENIED));
        cr_assert(eq(u32, entries_of(region, &ace), 3));
        cr_assert(eq(u32, ace.mask, SECTION_MAP_READ));
        cr_assert(wr_sid_equal(&ace.sid, &user));
        cr_assert(eq(int, wr_grant_admit(region, &user, 1, SECTION_MAP_READ), WEIR_OK));
        cr_assert(eq(u32, entries_of(region, &ace), 3), "not twice");
        cr_assert(eq(int, wr_region_check(region, PAGE, true), WEIR_OK));
        wr_object_close(region);
        cr_assert(eq(int, opened(name, SECTION_MAP_READ), WEIR_E_SYSTEM), "it went with the last handle");
}

Test(grant, only_the_broker_admits_and_only_as_many_as_fit)
{
        struct wr_sid user = sid_of_token(TokenUser), many = { 5, 5, { 21, 9, 9, 9, 0 } };
        wr_object region = region_of(), read_only, given;
        enum weir_result result = WEIR_OK;
        uint32_t count = 0;

        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        given = handed(read_only);
        cr_assert(eq(int, wr_grant_admit(given, &user, 1, SECTION_MAP_WRITE), WEIR_E_DENIED));
        cr_assert(eq(int, wr_grant_admit(read_only, &user, 1, SECTION_MAP_READ), WEIR_OK), "the broker's own handle");
        for (; result == WEIR_OK && count < 4000; count++) {
                many.words[4] = count;
                result = wr_grant_admit(region, &many, 1, SECTION_MAP_READ);
        }
        cr_assert(eq(int, result, WEIR_E_QUOTA));
        cr_assert(gt(u32, count, 1000));
        CloseHandle(given);
        wr_object_close(read_only);
        wr_object_close(region);
}

/* By name an end gets no more of a pair's events than by handle. What its own user may do as an owner is left out. */
Test(grant, the_events_of_a_pair_open_by_name_with_what_was_granted)
{
        struct wr_sid user = sid_of_token(TokenUser);
        char name[WR_GRANT_NAME_MAX];
        struct wr_signal_pair signals;
        wr_object objects[2];
        HANDLE event;

        cr_assert(eq(int, wr_signal_create(&signals), WEIR_OK));
        cr_assert(eq(int, wr_signal_grant(&signals, WR_SIGNAL_PUBLISHER, objects), WEIR_OK));
        cr_assert(eq(int, wr_grant_name_of(objects[0], name, sizeof name), WEIR_OK));
        cr_assert(eq(int, wr_grant_open(WR_GRANT_EVENT, name, EVENT_MODIFY_STATE, &event), WEIR_E_DENIED));
        cr_assert(eq(int, wr_grant_admit(objects[0], &user, 1, EVENT_MODIFY_STATE), WEIR_OK));
        cr_assert(eq(int, wr_grant_open(WR_GRANT_EVENT, name, EVENT_MODIFY_STATE, &event), WEIR_OK));
        cr_assert(eq(u32, wr_grant_rights_of(event), EVENT_MODIFY_STATE));
        cr_assert(SetEvent(event));
        cr_assert(eq(u32, WaitForSingleObject(signals.wake, 0), WAIT_OBJECT_0));
        CloseHandle(event);
        cr_assert(eq(int,
                     wr_grant_open(WR_GRANT_EVENT, name, EVENT_MODIFY_STATE | 1 /* to ask for its state */, &event),
                     WEIR_E_DENIED));
        cr_assert(eq(int, wr_grant_open(WR_GRANT_SECTION, name, SECTION_MAP_READ, &event), WEIR_E_SYSTEM),
                  "it is of another type");
        cr_assert(eq(int, wr_grant_open(WR_GRANT_PROCESS, name, SYNCHRONIZE, &event), WEIR_E_USAGE));
        wr_signal_grant_close(objects);
        wr_signal_close(&signals);
}

/* ---- other tokens ---------------------------------------------------------------------------------------------- */

static HANDLE
token_without(const struct wr_sid *deny_only)
{
        BYTE bytes[WR_SID_BYTES_MAX];
        SID_AND_ATTRIBUTES disabled = { bytes, 0 };
        HANDLE token, restricted;

        wr_sid_write(deny_only, bytes);
        cr_assert(OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &token));
        cr_assert(CreateRestrictedToken(token, 0, 1, &disabled, 0, NULL, 0, NULL, &restricted));
        CloseHandle(token);
        return restricted;
}

static int
open_as(HANDLE token, uint32_t rights, const char *name)
{
        char argument[WR_GRANT_NAME_MAX + 16];
        struct actor actor;

        snprintf(argument, sizeof argument, "%x %s", (unsigned)rights, name);
        actor = actor_start_as(token, "open", argument, NULL, 0);
        return actor_wait(&actor);
}

Test(grant, a_group_that_is_for_denying_only_grants_nothing)
{
        enum { OPENED = 0, DENIED = 2 };
        struct wr_sid administrators = { 5, 2, { 32, 544 } };
        HANDLE token = token_without(&administrators);
        char name[WR_GRANT_NAME_MAX];
        wr_object region = region_of();

        cr_assert(eq(int, wr_grant_admit(region, &administrators, 1, SECTION_MAP_READ), WEIR_OK));
        cr_assert(eq(int, wr_grant_name_of(region, name, sizeof name), WEIR_OK));
        cr_assert(eq(int, open_as(NULL, SECTION_MAP_READ, name), OPENED));
        cr_assert(eq(int, open_as(token, SECTION_MAP_READ, name), DENIED));
        cr_assert(eq(int, open_as(NULL, SECTION_MAP_WRITE, name), DENIED));
        CloseHandle(token);
        wr_object_close(region);
}

static void
wear_a_restricted_token(void)
{
        BYTE bytes[WR_SID_BYTES_MAX];
        SID_AND_ATTRIBUTES second = { bytes, 0 };
        struct wr_sid restricted_code = { 5, 1, { 12 } };
        HANDLE token, restricted, worn;

        wr_sid_write(&restricted_code, bytes);
        cr_assert(OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &token));
        cr_assert(CreateRestrictedToken(token, DISABLE_MAX_PRIVILEGE, 0, NULL, 0, NULL, 1, &second, &restricted));
        cr_assert(
                DuplicateTokenEx(restricted, MAXIMUM_ALLOWED, NULL, SecurityImpersonation, TokenImpersonation, &worn));
        cr_assert(SetThreadToken(NULL, worn));
        CloseHandle(token);
        CloseHandle(restricted);
        CloseHandle(worn);
}

/* Wine makes the token and forgets its second list, so what this refuses are the lists of the objects. That the second
 * list refuses, too, is shown by unit/access_test and weir-winaudit. */
Test(grant, a_restricted_token_makes_no_more_of_what_it_was_handed)
{
        enum { WAKE, SPACE };
        struct wr_sid sids[2] = { sid_of_token(TokenUser), { 5, 1, { 12 } } };
        char name[WR_GRANT_NAME_MAX];
        struct wr_signal_pair signals;
        wr_object region = region_of(), read_only;
        HANDLE given, subscriber[2];
        void *view;
        DWORD old;

        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        given = handed(read_only);
        cr_assert(eq(int, wr_signal_create(&signals), WEIR_OK));
        signals_handed(&signals, WR_SIGNAL_SUBSCRIBER, subscriber);
        cr_assert(eq(int, wr_grant_admit(region, sids, 2, SECTION_MAP_READ), WEIR_OK));
        cr_assert(eq(int, wr_grant_name_of(region, name, sizeof name), WEIR_OK));
        wear_a_restricted_token();
        cr_assert(eq(int, opened(name, SECTION_MAP_READ), WEIR_OK));
        cr_assert(eq(int, opened(name, SECTION_MAP_WRITE), WEIR_E_DENIED));
        cr_assert(eq(int, wr_region_map(given, PAGE, true, &view), WEIR_E_DENIED));
        cr_assert(eq(u32, error_of_duplicate(given, SECTION_MAP_WRITE), ERROR_ACCESS_DENIED));
        cr_assert(eq(int, wr_region_map(given, PAGE, false, &view), WEIR_OK));
        cr_assert_not(VirtualProtect(view, PAGE, PAGE_READWRITE, &old));
        cr_assert_not(SetEvent(subscriber[WAKE]));
        cr_assert(eq(u32, GetLastError(), ERROR_ACCESS_DENIED));
        cr_assert(eq(u32, error_of_duplicate(subscriber[WAKE], EVENT_MODIFY_STATE), ERROR_ACCESS_DENIED));
        cr_assert(SetEvent(subscriber[SPACE]));
        cr_assert(RevertToSelf());
        wr_region_unmap(view, PAGE);
        CloseHandle(given);
        CloseHandle(subscriber[WAKE]);
        CloseHandle(subscriber[SPACE]);
        wr_signal_close(&signals);
        wr_object_close(read_only);
        wr_object_close(region);
}
