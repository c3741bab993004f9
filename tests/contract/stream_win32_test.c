/* An end of a stream that goes by name, for a client whose process may not be opened: what the broker's end does until
 * the client has come, and who can come. That the list lets nobody else in is Windows' to enforce (weir-winaudit). */
#include "named-objects/stream.h"

#include "named-objects/endpoint_name_win32.h"
#include "named-objects/grant_win32.h"
#include "named-objects/rights/descriptor.h"
#include "tests/contract/endpoint_kit.h"

static const struct wr_sid container = { 15, 8, { 2, 1, 2, 3, 4, 5, 6, 7 } };
static wr_object listener, client, server, ends[2];

static void
begin(void)
{
        struct wr_endpoint_peer *peer;

        kit_begin();
        listener = kit_listen(path);
        kit_connect(listener, path, &client, &server);
        peer = wr_endpoint_peer(server);
        CloseHandle(peer->process);
        peer->process = NULL;
        peer->sid_count = 2;
        cr_assert(wr_endpoint_name_self(&peer->sids[0]));
        peer->sids[1] = container;
}

TestSuite(stream_win32, .init = begin, .fini = kit_end, .timeout = 60);

static int64_t
soon(void)
{
        return wr_clock_ns() + KIT_LIMIT_NS;
}

static void
pair_make(void)
{
        cr_assert(eq(int, wr_stream_pair(server, ends), WEIR_OK));
}

/* The end as it comes to the client. */
static enum weir_result
hand_over(wr_object *end)
{
        char bytes[8];
        size_t size, count = 1;
        enum weir_result result;

        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, &ends[1], 1), WEIR_OK));
        wr_object_close(ends[1]);
        result = kit_receive(client, bytes, sizeof bytes, &size, end, &count);
        if (result != WEIR_OK)
                return result;
        cr_assert(eq(sz, count, 1));
        return wr_stream_adopt(end);
}

static void
say(wr_object stream, const char *words)
{
        struct wr_span span = { (void *)(uintptr_t)words, strlen(words) };
        unsigned ready;
        size_t done;

        cr_assert(eq(int, wr_stream_wait(stream, WR_STREAM_WRITE, WR_NO_OBJECT, soon(), &ready), WEIR_OK));
        cr_assert(eq(int, wr_stream_write(stream, &span, 1, &done), WEIR_OK));
        cr_assert(eq(sz, done, strlen(words)));
}

static void
hear(wr_object stream, const char *words)
{
        char heard[64] = "";
        size_t done, at = 0;
        unsigned ready;

        while (at < strlen(words)) {
                struct wr_span span = { heard + at, strlen(words) - at };

                cr_assert(eq(int, wr_stream_wait(stream, WR_STREAM_READ, WR_NO_OBJECT, soon(), &ready), WEIR_OK));
                if (wr_stream_read(stream, &span, 1, &done) == WEIR_OK)
                        at += done;
        }
        cr_assert(eq(str, heard, (char *)(uintptr_t)words));
}

Test(stream_win32, by_name_nothing_goes_until_the_client_has_come_and_then_all_does)
{
        struct wr_span span = { (char[1]){ "x" }, 1 };
        wr_object far_end;
        unsigned ready;
        size_t done;

        pair_make();
        cr_assert(eq(int, wr_stream_write(ends[0], &span, 1, &done), WEIR_FULL));
        cr_assert(eq(int, wr_stream_read(ends[0], &span, 1, &done), WEIR_EMPTY));
        cr_assert(eq(int,
                     wr_stream_wait(ends[0], WR_STREAM_READ | WR_STREAM_WRITE, WR_NO_OBJECT, wr_clock_ns(), &ready),
                     WEIR_EMPTY));
        cr_assert(eq(int, hand_over(&far_end), WEIR_OK));
        say(ends[0], "there");
        hear(far_end, "there");
        say(far_end, "and back");
        hear(ends[0], "and back");
        wr_object_close(far_end);
        cr_assert(eq(int, wr_stream_wait(ends[0], WR_STREAM_READ, WR_NO_OBJECT, soon(), &ready), WEIR_OK));
        cr_assert(eq(int, wr_stream_read(ends[0], &span, 1, &done), WEIR_E_CLOSED));
        wr_object_close(ends[0]);
}

struct waiter {
        unsigned what, ready;
        enum weir_result result;
};

static DWORD WINAPI
wait_here(void *argument)
{
        struct waiter *waiter = argument;

        waiter->result = wr_stream_wait(ends[0], waiter->what, WR_NO_OBJECT, soon(), &waiter->ready);
        return 0;
}

/* Who waits for room is woken, and so is who waits to read, when there is something. */
Test(stream_win32, by_name_its_coming_wakes_both_who_wait)
{
        struct waiter waiters[2] = { { .what = WR_STREAM_WRITE }, { .what = WR_STREAM_READ } };
        HANDLE threads[2];
        wr_object far_end;

        pair_make();
        for (int i = 0; i < 2; i++)
                threads[i] = CreateThread(NULL, 0, wait_here, &waiters[i], 0, NULL);
        cr_assert(eq(int, hand_over(&far_end), WEIR_OK));
        cr_assert(eq(u32, WaitForSingleObject(threads[0], 20000), WAIT_OBJECT_0));
        say(far_end, "x");
        cr_assert(eq(u32, WaitForSingleObject(threads[1], 20000), WAIT_OBJECT_0));
        for (int i = 0; i < 2; i++) {
                cr_assert(eq(int, waiters[i].result, WEIR_OK));
                cr_assert(eq(uint, waiters[i].ready, waiters[i].what));
                CloseHandle(threads[i]);
        }
        wr_object_close(far_end);
        wr_object_close(ends[0]);
}

static DWORD WINAPI
pair_here(void *unused)
{
        (void)unused;
        pair_make();
        return 0;
}

Test(stream_win32, by_name_it_is_awaited_though_the_thread_that_made_it_has_ended)
{
        HANDLE thread = CreateThread(NULL, 0, pair_here, NULL, 0, NULL);
        wr_object far_end;

        cr_assert(eq(u32, WaitForSingleObject(thread, 20000), WAIT_OBJECT_0));
        CloseHandle(thread);
        cr_assert(eq(int, hand_over(&far_end), WEIR_OK));
        say(far_end, "word");
        hear(ends[0], "word");
        wr_object_close(far_end);
        wr_object_close(ends[0]);
}

Test(stream_win32, by_name_one_that_nobody_took_is_closed_and_hung_up_like_any)
{
        struct wr_span span = { (char[1]){ "x" }, 1 };
        unsigned ready;
        size_t done;

        for (int i = 0; i < 2; i++) {
                pair_make();
                wr_object_close(ends[1]);
                if (i == 0) {
                        wr_stream_hang_up(ends[0]);
                        cr_assert(eq(int, wr_stream_wait(ends[0], WR_STREAM_WRITE, WR_NO_OBJECT, soon(), &ready),
                                     WEIR_OK));
                        cr_assert(eq(int, wr_stream_write(ends[0], &span, 1, &done), WEIR_E_CLOSED));
                }
                wr_object_close(ends[0]);
        }
}

static struct wr_descriptor
list_of(HANDLE pipe)
{
        static uint64_t list[64];
        struct wr_descriptor descriptor;
        DWORD size;

        cr_assert(GetKernelObjectSecurity(pipe, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, list,
                                          sizeof list, &size));
        cr_assert(wr_descriptor_open(&descriptor, list, size, NULL));
        cr_assert(ne(u32, descriptor.control & WR_DACL_PROTECTED, 0));
        cr_assert(wr_sid_equal(&descriptor.owner, &wr_endpoint_peer(server)->sids[0]), "we are the broker, too");
        return descriptor;
}

/* Nobody before it was handed over, and then its client alone: once. */
Test(stream_win32, by_name_its_list_names_the_client_and_there_is_one_end)
{
        struct wr_descriptor descriptor;
        char name[WR_GRANT_NAME_MAX];
        HANDLE kept, other;
        wr_object far_end;
        size_t at = 0;
        struct wr_ace ace;

        pair_make();
        cr_assert(eq(int, wr_grant_narrow(ends[1], READ_CONTROL, &kept), WEIR_OK));
        cr_assert(eq(int, wr_grant_name_of(kept, name, sizeof name), WEIR_OK));
        cr_assert(eq(sz, strlen(name), strlen("weir-") + 32), "%s", name);
        descriptor = list_of(kept);
        cr_assert(eq(u32, descriptor.dacl.count, 1));
        cr_assert(eq(int, hand_over(&far_end), WEIR_OK));
        descriptor = list_of(kept);
        cr_assert(eq(u32, descriptor.dacl.count, 3));
        cr_assert(wr_acl_next(&descriptor.dacl, &at, &ace));
        cr_assert(eq(u32, ace.mask, READ_CONTROL));
        for (int i = 0; i < 2; i++) {
                cr_assert(wr_acl_next(&descriptor.dacl, &at, &ace));
                cr_assert(eq(u32, ace.mask, 0x12019b));
                cr_assert(wr_sid_equal(&ace.sid, &wr_endpoint_peer(server)->sids[i]));
        }
        cr_assert(eq(int, wr_endpoint_name_open_stream(name, 0x12019b, &other), WEIR_FULL));
        CloseHandle(kept);
        wr_object_close(far_end);
        wr_object_close(ends[0]);
}

Test(stream_win32, by_name_a_pipe_of_a_strangers_is_not_taken)
{
        static const struct wr_sid stranger = { 5, 5, { 21, 9, 9, 9, 9 } };
        static uint64_t list[64];
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, list, FALSE };
        struct wr_ace all = { .type = WR_ACE_ALLOW, .mask = 0x1f01ff, .sid = { 1, 1, { 0 } } };
        struct wr_draft draft;
        HANDLE pipe, opened;

        wr_draft_begin(&draft, list, sizeof list);
        wr_draft_owner(&draft, &stranger);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        wr_draft_ace(&draft, &all);
        cr_assert(gt(sz, wr_draft_end(&draft), 0));
        pipe = CreateNamedPipeW(L"\\\\.\\pipe\\weir-squatted-stream", PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 4096, 4096,
                                0, &attributes);
        cr_assert(pipe != INVALID_HANDLE_VALUE);
        cr_assert(eq(int, wr_endpoint_name_open_stream("weir-squatted-stream", 0x12019b, &opened), WEIR_E_DENIED));
        cr_assert(opened == NULL);
        cr_assert(eq(int, wr_endpoint_name_open_stream("weir-none-of-this-name", 0x12019b, &opened), WEIR_E_NO_BROKER));
        CloseHandle(pipe);
}
