/*
 * What the Windows endpoint promises beyond the other: who is accepted when, how objects travel, where the lock is.
 * The second process of a test is this program: told so by its environment, it ends before Criterion begins.
 */
#include "named-objects/endpoint_name_win32.h"
#include "named-objects/grant_win32.h"
#include "named-objects/signal.h"
#include "tests/contract/endpoint_kit.h"

#include <winternl.h>

TestSuite(endpoint_win32, .init = kit_begin, .fini = kit_end, .timeout = 60);

static const struct wr_sid stranger = { 5, 5, { 21, 9, 9, 9, 9 } };

/* ---- the second process --------------------------------------------------------------------------------------- */

#define CHILD "WEIR_ENDPOINT_CHILD"

enum { CHILD_BYTES = 8192, CHILD_FAILED = 3 };

/* Takes a region, writes into it, says so, and waits for the end. */
static int
child_serve(const char *where)
{
        wr_object connection, region;
        size_t size, count = 1;
        char bytes[64];
        void *view;

        if (wr_endpoint_connect(&connection, where, why, sizeof why) != WEIR_OK ||
            wr_endpoint_send(connection, "hello", 5, NULL, 0) != WEIR_OK ||
            kit_receive(connection, bytes, sizeof bytes, &size, &region, &count) != WEIR_OK || count != 1 ||
            wr_region_map(region, CHILD_BYTES, true, &view) != WEIR_OK)
                return CHILD_FAILED;
        memcpy(view, "from the child", 15);
        if (wr_endpoint_send(connection, "done", 4, NULL, 0) != WEIR_OK)
                return CHILD_FAILED;
        return kit_receive(connection, bytes, sizeof bytes, &size, NULL, NULL) == WEIR_E_CLOSED ? 0 : CHILD_FAILED;
}

__attribute__((constructor)) static void
child_begin(void)
{
        char where[512];
        DWORD length = GetEnvironmentVariableA(CHILD, where, sizeof where);

        if (length > 0 && length < sizeof where)
                ExitProcess((UINT)child_serve(where));
}

static PROCESS_INFORMATION
child_start(void)
{
        STARTUPINFOW start = { .cb = sizeof start };
        PROCESS_INFORMATION child;
        wchar_t program[MAX_PATH];

        cr_assert(ne(int, GetModuleFileNameW(NULL, program, MAX_PATH), 0));
        SetEnvironmentVariableA(CHILD, path);
        cr_assert(ne(int, CreateProcessW(program, NULL, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child), 0));
        SetEnvironmentVariableA(CHILD, NULL);
        CloseHandle(child.hThread);
        return child;
}

/* The child's process as the identity half would open it. */
static void
child_identified(wr_object server, const PROCESS_INFORMATION *child)
{
        wr_endpoint_peer(server)->process = OpenProcess(PROCESS_DUP_HANDLE | SYNCHRONIZE, FALSE, child->dwProcessId);
        cr_assert_not_null(wr_endpoint_peer(server)->process);
}

static void
child_gets_a_region(bool by_handle)
{
        wr_object listener = kit_listen(path), server, region;
        PROCESS_INFORMATION child = child_start();
        char bytes[64];
        size_t size;
        DWORD code;
        void *view;

        server = kit_accept(listener);
        cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(int, wr_region_create(&region, "child", CHILD_BYTES), WEIR_OK));
        cr_assert(eq(int, wr_region_allocate(region, CHILD_BYTES), WEIR_OK));
        if (by_handle)
                child_identified(server, &child);
        else
                cr_assert(wr_endpoint_name_self(&wr_endpoint_peer(server)->sids[0]));
        wr_endpoint_peer(server)->sid_count = by_handle ? 0 : 1;
        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, &region, 1), WEIR_OK));
        cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, 4));
        cr_assert(eq(int, wr_region_map(region, CHILD_BYTES, false, &view), WEIR_OK));
        cr_assert(eq(str, (char *)view, "from the child"));
        wr_object_close(server);
        cr_assert(eq(int, WaitForSingleObject(child.hProcess, 20000), WAIT_OBJECT_0));
        cr_assert(GetExitCodeProcess(child.hProcess, &code) && code == 0);
}

Test(endpoint_win32, another_process_gets_a_region_by_handle)
{
        child_gets_a_region(true);
}

Test(endpoint_win32, another_process_gets_a_region_by_name)
{
        child_gets_a_region(false);
}

Test(endpoint_win32, a_process_that_dies_hangs_up_and_what_it_was_given_is_gone)
{
        wr_object listener = kit_listen(path), server, region;
        PROCESS_INFORMATION child = child_start();
        enum weir_result result = WEIR_OK;
        char bytes[64];
        size_t size;

        server = kit_accept(listener);
        cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        child_identified(server, &child);
        TerminateProcess(child.hProcess, 1);
        cr_assert(eq(int, WaitForSingleObject(child.hProcess, 20000), WAIT_OBJECT_0));
        cr_assert(eq(int, wr_region_create(&region, "child", CHILD_BYTES), WEIR_OK));
        for (int i = 0; i < 1000 && result != WEIR_E_CLOSED; i++)
                result = wr_endpoint_send(server, "grant", 5, &region, 1);
        cr_assert(eq(int, result, WEIR_E_CLOSED));
        cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_E_CLOSED));
}

/* ---- who is accepted ------------------------------------------------------------------------------------------ */

Test(endpoint_win32, a_client_is_accepted_with_its_first_word_and_not_before)
{
        wr_object listener = kit_listen(path), silent, client, server;
        char bytes[8];
        size_t size;

        cr_assert(eq(int, wr_endpoint_connect(&silent, path, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, wr_endpoint_accept(listener, &server), WEIR_EMPTY));
        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_endpoint_send(silent, "now", 3, NULL, 0), WEIR_OK));
        server = kit_accept(listener);
        cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, 3));
}

Test(endpoint_win32, who_says_nothing_is_hung_up_on_in_time)
{
        wr_object listener = kit_listen(path), silent, none;
        int64_t begin_ns = wr_clock_ns();
        size_t size;
        char byte;

        cr_assert(eq(int, wr_endpoint_connect(&silent, path, why, sizeof why), WEIR_OK), "%s", why);
        /* The listener reminds itself: nobody else comes. */
        while (wr_endpoint_receive(silent, &byte, 1, &size, NULL, NULL) == WEIR_EMPTY) {
                kit_wait(listener);
                cr_assert(eq(int, wr_endpoint_accept(listener, &none), WEIR_EMPTY));
        }
        cr_assert(lt(i64, wr_clock_ns() - begin_ns, KIT_LIMIT_NS));
        cr_assert(eq(int, wr_endpoint_receive(silent, &byte, 1, &size, NULL, NULL), WEIR_E_CLOSED));
}

/* Returns whether they all came before the first of them had been silent for too long. */
static bool
crowd_comes(wr_object listener, const char *where)
{
        enum { SILENT = 130, ENOUGH_NS = 1900000000 }; /* more than the 96 places that a listener has */
        wr_object silent[SILENT], client, server, none;
        int64_t begin_ns = wr_clock_ns();
        bool is_quick;
        size_t size;
        char byte;

        for (int i = 0; i < SILENT; i++) {
                while (wr_endpoint_connect(&silent[i], where, why, sizeof why) != WEIR_OK)
                        cr_assert(eq(int, wr_endpoint_accept(listener, &none), WEIR_EMPTY));
        }
        cr_assert(eq(int, wr_endpoint_accept(listener, &none), WEIR_EMPTY));
        kit_connect(listener, where, &client, &server);
        is_quick = wr_clock_ns() - begin_ns < ENOUGH_NS;
        cr_assert(eq(int, kit_receive(silent[0], &byte, 1, &size, NULL, NULL), WEIR_E_CLOSED));
        for (int i = 0; i < SILENT; i++)
                wr_object_close(silent[i]);
        wr_object_close(client);
        wr_object_close(server);
        return is_quick;
}

/* On a machine that is busy it may take longer, but not always. */
Test(endpoint_win32, who_says_nothing_keeps_nobody_out)
{
        wr_object listener = kit_listen(path);
        bool is_quick = false;

        for (int i = 0; i < 5 && !is_quick; i++)
                is_quick = crowd_comes(listener, path);
        cr_assert(is_quick);
}

static DWORD WINAPI
connect_here(void *client)
{
        return (DWORD)wr_endpoint_connect(client, path, why, sizeof why);
}

Test(endpoint_win32, what_a_thread_began_goes_on_when_the_thread_has_ended)
{
        wr_object listener = kit_listen(path), client = WR_NO_OBJECT, server;
        HANDLE thread = CreateThread(NULL, 0, connect_here, &client, 0, NULL);
        char bytes[8];
        size_t size;

        cr_assert(eq(int, WaitForSingleObject(thread, 20000), WAIT_OBJECT_0));
        cr_assert(client != WR_NO_OBJECT);
        cr_assert(eq(int, wr_endpoint_send(client, "hello", 5, NULL, 0), WEIR_OK));
        server = kit_accept(listener);
        cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_send(server, "back", 4, NULL, 0), WEIR_OK));
        cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, 4));
}

/* ---- how objects travel --------------------------------------------------------------------------------------- */

Test(endpoint_win32, an_object_arrives_with_exactly_the_rights_it_was_narrowed_to)
{
        wr_object listener = kit_listen(path), client, server, sent[2], came[2];
        size_t size, count = 2;
        char bytes[8];
        HANDLE up;

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_region_create(&sent[0], "rights", 4096), WEIR_OK));
        cr_assert(eq(int, wr_region_read_only(sent[0], &sent[1]), WEIR_OK));
        for (int by_name = 0; by_name < 2; by_name++, count = 2) {
                cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, sent, 2), WEIR_OK));
                cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, came, &count), WEIR_OK));
                cr_assert(eq(sz, count, 2));
                cr_assert(eq(u32, wr_grant_rights_of(came[0]), SECTION_MAP_READ | SECTION_MAP_WRITE));
                cr_assert(eq(u32, wr_grant_rights_of(came[1]), SECTION_MAP_READ));
                /* By name the list has an entry for us, who got both. */
                up = NULL;
                DuplicateHandle(GetCurrentProcess(), came[1], GetCurrentProcess(), &up, SECTION_MAP_WRITE, FALSE, 0);
                cr_assert(by_name != 0 || up == NULL);
                CloseHandle(wr_endpoint_peer(server)->process);
                wr_endpoint_peer(server)->process = NULL;
                wr_endpoint_peer(server)->sid_count = 1;
                cr_assert(wr_endpoint_name_self(&wr_endpoint_peer(server)->sids[0]));
        }
        wr_endpoint_peer(server)->process = NULL;
}

/* Has it a label, and is that Low and against writing up? */
static bool
is_lowered(wr_object object)
{
        _Alignas(8) BYTE bytes[512];
        struct wr_descriptor descriptor;
        struct wr_ace label;
        size_t at = 0;
        DWORD size;

        cr_assert(GetKernelObjectSecurity(object, LABEL_SECURITY_INFORMATION, bytes, sizeof bytes, &size));
        cr_assert(wr_descriptor_open(&descriptor, bytes, size, NULL));
        if (!descriptor.sacl.present || !wr_acl_next(&descriptor.sacl, &at, &label))
                return false;
        cr_assert(eq(u32, label.type, WR_ACE_LABEL));
        cr_assert(eq(u32, label.mask, 1));
        cr_assert(wr_sid_equal(&label.sid, &wr_grant_any_integrity.sid));
        return true;
}

/* Wine keeps labels and lets nobody feel them; that they are needed, and help, are lines of weir-winaudit. */
Test(endpoint_win32, what_goes_by_name_to_low_integrity_has_a_label_where_it_is_to_be_written)
{
        wr_object listener = kit_listen(path), client, server, whole, lane, read_only, came[4];
        enum { WAKE = 2, SPACE = 3, ALL = 4 };
        struct wr_endpoint_peer *peer;
        char bytes[8];

        kit_connect(listener, path, &client, &server);
        peer = wr_endpoint_peer(server);
        CloseHandle(peer->process);
        peer->process = NULL;
        peer->sid_count = 1;
        cr_assert(wr_endpoint_name_self(&peer->sids[0]));
        for (int is_low = 0; is_low < 2; is_low++) {
                size_t size, count = ALL;
                struct wr_signal_pair signals;
                wr_object sent[ALL];

                peer->is_low = is_low;
                cr_assert(eq(int, wr_region_create(&whole, "page", 4096), WEIR_OK));
                cr_assert(eq(int, wr_region_create(&lane, "lane", 4096), WEIR_OK));
                cr_assert(eq(int, wr_region_read_only(lane, &read_only), WEIR_OK));
                cr_assert(eq(int, wr_signal_create(&signals), WEIR_OK));
                cr_assert(eq(int, wr_signal_grant(&signals, WR_SIGNAL_SUBSCRIBER, sent + WAKE), WEIR_OK));
                sent[0] = whole;
                sent[1] = read_only;
                cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, sent, ALL), WEIR_OK));
                cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, came, &count), WEIR_OK));
                cr_assert(eq(sz, count, ALL));
                cr_assert(eq(int, is_lowered(whole), is_low));
                cr_assert(not(is_lowered(lane)), "it is only read");
                cr_assert(not(is_lowered(signals.wake)), "it is only waited for");
                cr_assert(eq(int, is_lowered(signals.space), is_low));
        }
}

Test(endpoint_win32, who_can_be_given_nothing_is_told_nothing)
{
        wr_object listener = kit_listen(path), client, server, region;
        struct wr_endpoint_peer *peer;
        size_t size, count = 1;
        char bytes[8];

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_region_create(&region, "nobody", 4096), WEIR_OK));
        peer = wr_endpoint_peer(server);
        CloseHandle(peer->process);
        peer->process = NULL;
        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, &region, 1), WEIR_E_DENIED));
        /* An entry for somebody else does not open it for us: the kernel looks again. */
        peer->sid_count = 1;
        peer->sids[0] = stranger;
        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, &region, 1), WEIR_OK));
        cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, &region, &count), WEIR_E_CORRUPT));
}

Test(endpoint_win32, no_object_has_its_place_and_no_client_sends_any)
{
        wr_object listener = kit_listen(path), client, server, sent[2] = { WR_NO_OBJECT, WR_NO_OBJECT }, came[3];
        size_t size, count = 3;
        char bytes[8];
        HANDLE file;

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_region_create(&sent[1], "second", 4096), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, sent, 2), WEIR_OK));
        cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, came, &count), WEIR_OK));
        cr_assert(eq(sz, count, 2));
        cr_assert(came[0] == WR_NO_OBJECT && came[1] != WR_NO_OBJECT);
        cr_assert(eq(int, wr_endpoint_send(client, "mine", 4, sent, 2), WEIR_E_DENIED));
        file = CreateFileW(L"NUL", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
        cr_assert(eq(int, wr_endpoint_send(server, "file", 4, &file, 1), WEIR_E_USAGE));
}

/* ---- places --------------------------------------------------------------------------------------------------- */

Test(endpoint_win32, only_a_pipe_of_this_machine_is_an_address)
{
        static const char *const wrong[] = { "/tmp/bus", "\\\\.\\pipe\\", "\\\\server\\pipe\\weir", "C:\\weir\\bus",
                                             "\\\\.\\pip\\x" };
        char longest[512] = "\\\\.\\pipe\\";
        wr_object client;

        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
                cr_assert(eq(int, wr_endpoint_place(wrong[i], why, sizeof why), WEIR_E_USAGE));
                cr_assert(eq(int, wr_endpoint_connect(&client, wrong[i], why, sizeof why), WEIR_E_USAGE));
                cr_assert_not_null(strstr(why, "\\\\.\\pipe\\NAME"));
        }
        memset(longest + 9, 'x', 254 - 9);
        cr_assert(eq(int, wr_endpoint_place(longest, why, sizeof why), WEIR_OK), "%s", why);
        kit_listen(longest);
        strcat(longest, "x");
        cr_assert(eq(int, wr_endpoint_place(longest, why, sizeof why), WEIR_E_USAGE));
}

/* As one that hangs and was deposed: who comes when its successor has gone, too, waits for nobody. */
Test(endpoint_win32, who_was_deposed_is_reached_again_only_when_it_accepts)
{
        wr_object first = kit_listen(path), second = kit_listen(path), client, server;

        wr_endpoint_unlisten(second, path);
        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_E_NO_BROKER));
        cr_assert_not_null(strstr(why, "accepts nobody"), "%s", why);
        cr_assert(eq(int, wr_endpoint_accept(first, &server), WEIR_EMPTY), "those that knocked are no clients");
        kit_connect(first, path, &client, &server);
        cr_assert(wr_endpoint_owns(first, path));
}

Test(endpoint_win32, the_lock_is_in_a_directory_of_the_user_alone)
{
        char lock[1536], small[8], base[512];
        DWORD length = GetEnvironmentVariableA("LOCALAPPDATA", base, sizeof base);

        cr_assert(length > 0 && length < sizeof base);
        cr_assert(eq(int, wr_endpoint_lock_path("\\\\.\\pipe\\LOCAL\\weir", 0, lock, sizeof lock, why, sizeof why),
                     WEIR_OK),
                  "%s", why);
        cr_assert(eq(int, strncmp(lock, base, length), 0));
        cr_assert(eq(str, lock + length, "\\weir\\LOCAL_weir.lock"));
        cr_assert(eq(int, wr_endpoint_lock_path(path, 0, small, sizeof small, why, sizeof why), WEIR_E_TOO_LARGE));
        SetEnvironmentVariableA("LOCALAPPDATA", NULL);
        cr_assert(eq(int, wr_endpoint_lock_path(path, 0, lock, sizeof lock, why, sizeof why), WEIR_E_USAGE));
        cr_assert_not_null(strstr(why, "%LOCALAPPDATA%"));
}

Test(endpoint_win32, a_file_in_the_place_of_the_directory_is_refused)
{
        char where[512], file[600];
        DWORD length = GetTempPathA(sizeof where, where);
        HANDLE made;

        cr_assert(length > 0 && length < sizeof where);
        snprintf(file, sizeof file, "%sweir-%lu", where, GetCurrentProcessId());
        made = CreateFileA(file, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
        cr_assert(made != INVALID_HANDLE_VALUE);
        cr_assert(eq(int, wr_endpoint_directory(file, why, sizeof why), WEIR_E_DENIED), "%s", why);
        CloseHandle(made);
        cr_assert(eq(int, wr_endpoint_directory(file, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, wr_endpoint_directory(file, why, sizeof why), WEIR_OK), "%s", why);
        RemoveDirectoryA(file);
        cr_assert(eq(int, wr_endpoint_directory("", why, sizeof why), WEIR_E_USAGE));
}

Test(endpoint_win32, nobody_passes_a_listener)
{
        char where[64] = "x";

        cr_assert(eq(int, wr_endpoint_adopt(WR_NO_OBJECT, where, sizeof where, why, sizeof why), WEIR_E_USAGE));
        cr_assert(eq(str, where, ""));
}
