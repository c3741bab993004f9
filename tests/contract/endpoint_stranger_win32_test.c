/*
 * Whom the Windows endpoint believes, and what it makes of those who are none of ours: names that others took, bytes
 * that no broker and no client of ours says. Under Wine a pipe's owner can be anybody, so a squatter is one of ours
 * with a strange owner.
 */
#include "named-objects/endpoint_name_win32.h"
#include "named-objects/pipe_win32.h"
#include "named-objects/rights/descriptor.h"
#include "tests/contract/endpoint_kit.h"

TestSuite(endpoint_stranger, .init = kit_begin, .fini = kit_end, .timeout = 60);

static const struct wr_sid stranger = { 5, 5, { 21, 9, 9, 9, 9 } };

/* ---- whose pipe is believed ----------------------------------------------------------------------------------- */

/* Takes the pipe's name of a generation, as somebody else's where `owner` says so. */
static HANDLE
squat(unsigned generation, const struct wr_sid *owner)
{
        static uint64_t list[64];
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, list, FALSE };
        struct wr_ace all = { .type = WR_ACE_ALLOW, .mask = 0x1f01ff, .sid = { 1, 1, { 0 } } };
        wchar_t name[WR_ENDPOINT_NAME_MAX];
        struct wr_draft draft;
        struct wr_sid self;
        HANDLE pipe;

        cr_assert(wr_endpoint_name_self(&self));
        wr_draft_begin(&draft, list, sizeof list);
        wr_draft_owner(&draft, owner ? owner : &self);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        wr_draft_ace(&draft, &all);
        cr_assert(gt(sz, wr_draft_end(&draft), 0));
        cr_assert(eq(int, wr_endpoint_name(path, generation, name, why, sizeof why), WEIR_OK));
        pipe = CreateNamedPipeW(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, PIPE_TYPE_MESSAGE, 255, 4096, 4096, 0,
                                &attributes);
        cr_assert(pipe != INVALID_HANDLE_VALUE);
        return pipe;
}

Test(endpoint_stranger, a_pipe_without_an_owner_is_not_believed)
{
        wchar_t name[WR_ENDPOINT_NAME_MAX];
        wr_object client;
        HANDLE pipe;

        cr_assert(eq(int, wr_endpoint_name(path, 2, name, why, sizeof why), WEIR_OK));
        pipe = CreateNamedPipeW(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE, 255, 4096, 4096, 0, NULL);
        cr_assert(pipe != INVALID_HANDLE_VALUE);
        /* Windows gives it one, ours; Wine does not. */
        if (wr_endpoint_connect(&client, path, why, sizeof why) != WEIR_OK)
                cr_assert_not_null(strstr(why, "nobody"), "%s", why);
}

Test(endpoint_stranger, squatted_names_are_passed_over_by_broker_and_client)
{
        wr_object listener, client, server;
        HANDLE low = squat(0, &stranger), high = squat(WR_ENDPOINT_GENERATIONS - 1, &stranger);

        listener = kit_listen(path);
        cr_assert(wr_endpoint_owns(listener, path)); /* a stranger deposes nobody */
        kit_connect(listener, path, &client, &server);
        CloseHandle(high);
        CloseHandle(low);
        cr_assert(wr_endpoint_owns(listener, path));
}

Test(endpoint_stranger, a_client_that_does_not_let_go_holds_up_no_broker)
{
        wr_object first = kit_listen(path), second, client, other, server;
        wchar_t old[WR_ENDPOINT_NAME_MAX], next[WR_ENDPOINT_NAME_MAX];
        bool is_held;

        cr_assert(eq(int, wr_endpoint_name(path, 0, old, why, sizeof why), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_name(path, 1, next, why, sizeof why), WEIR_OK));
        cr_assert(wr_endpoint_name_is_held(old) && !wr_endpoint_name_is_held(next));
        kit_connect(first, path, &client, &server);
        wr_object_close(server);
        wr_endpoint_unlisten(first, path);
        is_held = wr_endpoint_name_is_held(old); /* on Windows; Wine's pipes go with their servers */
        second = kit_listen(path);
        cr_assert(wr_endpoint_name_is_held(is_held ? next : old) && wr_endpoint_name_is_held(next) == is_held);
        kit_connect(second, path, &other, &server);
        cr_assert(wr_endpoint_owns(second, path));
}

Test(endpoint_stranger, the_users_who_are_believed_are_we_and_the_system)
{
        static const struct wr_sid self = { 5, 5, { 21, 1, 2, 3, 1000 } }, system = { 5, 1, { 18 } },
                                   local_service = { 5, 1, { 19 } }, network_service = { 5, 1, { 20 } },
                                   administrators = { 5, 2, { 32, 544 } }, users = { 5, 2, { 32, 545 } };

        cr_assert(wr_endpoint_name_trusted(&self, &self));
        cr_assert(wr_endpoint_name_trusted(&system, &self));
        cr_assert(wr_endpoint_name_trusted(&local_service, &self));
        cr_assert(wr_endpoint_name_trusted(&administrators, &self));
        cr_assert(not(wr_endpoint_name_trusted(&network_service, &self)));
        cr_assert(not(wr_endpoint_name_trusted(&users, &self)));
        cr_assert(not(wr_endpoint_name_trusted(&stranger, &self)));
}

Test(endpoint_stranger, what_is_below_medium_is_low)
{
        static const struct wr_sid untrusted = { 16, 1, { 0 } }, low = { 16, 1, { 4096 } },
                                   medium = { 16, 1, { 8192 } }, high = { 16, 1, { 12288 } }, none = { 0 },
                                   user = { 5, 1, { 8192 } };

        cr_assert(wr_endpoint_name_is_low(&untrusted));
        cr_assert(wr_endpoint_name_is_low(&low));
        cr_assert(wr_endpoint_name_is_low(&none));
        cr_assert(wr_endpoint_name_is_low(&user));
        cr_assert(not(wr_endpoint_name_is_low(&medium)));
        cr_assert(not(wr_endpoint_name_is_low(&high)));
}

static void
list_of(const wchar_t *name, struct wr_descriptor *descriptor)
{
        static uint64_t bytes[256];
        HANDLE pipe = CreateFileW(name, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
        DWORD size;

        cr_assert(pipe != INVALID_HANDLE_VALUE);
        cr_assert(ne(int,
                     GetKernelObjectSecurity(pipe, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, bytes,
                                             sizeof bytes, &size),
                     0));
        CloseHandle(pipe);
        cr_assert(wr_descriptor_open(descriptor, bytes, size, NULL));
}

Test(endpoint_stranger, the_door_names_us_and_who_is_admitted_and_nobody_else)
{
        static const struct wr_sid guests[] = { { 5, 5, { 21, 1, 2, 3, 1001 } },
                                                { 15, 8, { 2, 1, 2, 3, 4, 5, 6, 7 } } };
        wr_object listener = kit_listen(path);
        struct wr_descriptor descriptor;
        wchar_t name[WR_ENDPOINT_NAME_MAX];
        struct wr_sid self;
        struct wr_ace ace;
        size_t at = 0;

        cr_assert(wr_endpoint_name_self(&self));
        cr_assert(eq(int, wr_endpoint_name(path, 0, name, why, sizeof why), WEIR_OK));
        list_of(name, &descriptor);
        cr_assert(wr_sid_equal(&descriptor.owner, &self));
        cr_assert(eq(u32, descriptor.dacl.count, 1));
        cr_assert(ne(u32, descriptor.control & WR_DACL_PROTECTED, 0));
        cr_assert(wr_acl_next(&descriptor.dacl, &at, &ace) && wr_sid_equal(&ace.sid, &self));
        cr_assert(eq(u32, ace.mask, 0x1f01ff));
        cr_assert(eq(int, wr_endpoint_admit(listener, guests, 2), WEIR_OK));
        list_of(name, &descriptor);
        cr_assert(eq(u32, descriptor.dacl.count, 3));
        at = 0;
        cr_assert(wr_acl_next(&descriptor.dacl, &at, &ace));
        for (size_t i = 0; i < 2; i++) {
                cr_assert(wr_acl_next(&descriptor.dacl, &at, &ace));
                cr_assert(eq(u32, ace.mask, 0x12019b));
                cr_assert(wr_sid_equal(&ace.sid, &guests[i]));
        }
        cr_assert(eq(int, wr_endpoint_admit(listener, NULL, 0), WEIR_OK));
        list_of(name, &descriptor);
        cr_assert(eq(u32, descriptor.dacl.count, 1));
}

/* ---- what is no message of ours ------------------------------------------------------------------------------- */

/* A broker's end without the seam, to say what no broker of ours says. */
static HANDLE
raw_broker(wr_object *client)
{
        HANDLE pipe = squat(0, NULL);

        cr_assert(eq(int, wr_endpoint_connect(client, path, why, sizeof why), WEIR_OK), "%s", why);
        return pipe;
}

static void
raw_write(HANDLE pipe, const void *bytes, size_t size)
{
        OVERLAPPED written = { .hEvent = CreateEventW(NULL, TRUE, FALSE, NULL) };
        DWORD sent;

        WriteFile(pipe, bytes, (DWORD)size, NULL, &written);
        cr_assert(ne(int, GetOverlappedResult(pipe, &written, &sent, TRUE), 0));
        CloseHandle(written.hEvent);
}

static void
expect_corrupt(const void *bytes, size_t size)
{
        wr_object client, came[16];
        size_t got, count = 16;
        HANDLE pipe = raw_broker(&client);
        char room[WR_PIPE_BYTES_MAX];

        raw_write(pipe, bytes, size);
        cr_assert(eq(int, kit_receive(client, room, sizeof room, &got, came, &count), WEIR_E_CORRUPT));
        cr_assert(eq(sz, count, 0));
        wr_object_close(client);
        CloseHandle(pipe);
}

Test(endpoint_stranger, a_client_reads_no_garbage)
{
        static char huge[WR_PIPE_BYTES_MAX + 1];
        struct wr_trailer_entry entry = { .kind = WR_TRAILER_SECTION, .rights = SECTION_MAP_READ };
        char bytes[256] = "word";
        HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

        expect_corrupt("word", 4);
        expect_corrupt(huge, sizeof huge);
        expect_corrupt(bytes, wr_trailer_write(NULL, 0, bytes)); /* without a payload */
        strcpy(entry.name, "weir-no-such-section");
        expect_corrupt(bytes, 4 + wr_trailer_write(&entry, 1, bytes + 4));
        /* A handle of ours that is none of what is said stays ours. */
        memset(entry.name, 0, sizeof entry.name);
        entry.handle = (uintptr_t)event;
        expect_corrupt(bytes, 4 + wr_trailer_write(&entry, 1, bytes + 4));
        entry.kind = WR_TRAILER_EVENT;
        expect_corrupt(bytes, 4 + wr_trailer_write(&entry, 1, bytes + 4));
        cr_assert(ne(int, SetEvent(event), 0));
}

/* The client's end without the seam. */
static void
expect_cut(const void *bytes, size_t size)
{
        wr_object listener = kit_listen(path), client, server;
        char room[WR_PIPE_BYTES_MAX];
        size_t got;

        kit_connect(listener, path, &client, &server);
        raw_write(wr_endpoint_peer(client)->pipe, bytes, size);
        cr_assert(eq(int, kit_receive(server, room, sizeof room, &got, NULL, NULL), WEIR_E_CORRUPT));
        wr_object_close(client);
        wr_object_close(server);
        wr_endpoint_unlisten(listener, path);
}

Test(endpoint_stranger, a_broker_reads_nothing_empty_and_nothing_huge)
{
        static char huge[2 * WR_PIPE_BYTES_MAX];

        expect_cut(huge, sizeof huge);
        expect_cut(huge, 0);
}

Test(endpoint_stranger, what_is_huge_at_once_is_never_accepted)
{
        wr_object listener = kit_listen(path), client, server, none;
        static char huge[2 * WR_PIPE_BYTES_MAX];
        char byte;
        size_t size;

        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_OK), "%s", why);
        raw_write(wr_endpoint_peer(client)->pipe, huge, sizeof huge);
        while (wr_endpoint_receive(client, &byte, 1, &size, NULL, NULL) == WEIR_EMPTY)
                cr_assert(eq(int, wr_endpoint_accept(listener, &none), WEIR_EMPTY));
        kit_connect(listener, path, &client, &server);
}
