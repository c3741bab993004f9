/*
 * A named pipe in byte mode. Its name is 128 random bits, and nobody else may make another end of it.
 *
 *      by handle   both ends are opened here, before anybody can have heard of it
 *      by name     the peer opens its own: until it does our end waits, and only whom the list admits can come
 *
 *      reading     one byte is always under way: when it is here, there is something to read, and the rest of it is
 *                  read straight into the caller's memory
 *      writing     from a copy of ours, one piece at a time: the system writes when the caller has gone on
 *
 * The system cancels what a thread has under way when that thread ends. A read is begun again; a write cannot be, since
 * part of it may have been read. What ends at a completion port and has no event is left alone: so writes do, and the
 * wait for the peer.
 *
 * The lock is for wr_stream_hang_up, which closes the pipe under whoever uses it. Nobody waits while he has it.
 */
#include "named-objects/stream.h"

#include "bus/os/error.h"
#include "named-objects/endpoint_name_win32.h"
#include "named-objects/grant_win32.h"
#include "named-objects/object_win32.h"
#include "named-objects/rights/descriptor.h"
#include "named-objects/stream_win32.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum {
        QUEUE_BYTES = 1 << 20,
        OUT_BYTES = 256 << 10,
        LIST_BYTES = 256,
        RESTARTS_MAX = 4,
        LAST_BYTES_MS = 1000, /* what was written just before a close gets so long to be read */
        OUR_RIGHTS = 0x12019f,
        PEER_RIGHTS = 0x12019b /* all but to make an instance of it */
};

enum flow { IDLE, BUSY, ENDED };

/* TELLING: it has ended, and its events are set next; when it is OVER the stream may be freed. */
enum phase { OVER, RUNNING, TELLING };

/* What outlives the thread that began it; the pool hears of its end. */
struct operation {
        OVERLAPPED overlapped; /* first */
        struct stream *stream;
        DWORD error;
        volatile LONG phase; /* enum phase */
};

struct stream {
        struct wr_stream common; /* first */
        SRWLOCK lock;
        HANDLE pipe; /* NULL: hung up */
        OVERLAPPED reading, direct;
        struct operation arriving, writing;
        enum flow read_flow, write_flow;
        DWORD write_size;
        bool has_byte;
        uint8_t byte;
        uint8_t out[OUT_BYTES];
        HANDLE directed; /* the event of `direct` */
};

static struct stream *
stream_of(const struct wr_waitable *waitable)
{
        return (struct stream *)(uintptr_t)waitable; /* its first member's first */
}

static bool
hung_up(const struct wr_waitable *waitable)
{
        struct stream *stream = stream_of(waitable);

        return stream->read_flow == ENDED && !stream->has_byte;
}

static bool
is_under_way(struct operation *operation)
{
        return InterlockedCompareExchange(&operation->phase, OVER, OVER) != OVER;
}

static void
operation_begin(struct operation *operation, struct stream *stream)
{
        operation->stream = stream;
        operation->error = ERROR_SUCCESS;
        operation->overlapped = (OVERLAPPED){ 0 };
        InterlockedExchange(&operation->phase, RUNNING);
}

/* How it began. Wine (8 at least) may call the handle invalid of what was done all the same, when another thread ends
 * meanwhile; Windows leaves the status of what it refuses as it was, pending. */
static DWORD
error_of(BOOL is_done, const OVERLAPPED *overlapped)
{
        DWORD error = is_done ? ERROR_SUCCESS : GetLastError();

        return error == ERROR_INVALID_HANDLE && overlapped->Internal == ERROR_SUCCESS ? ERROR_SUCCESS : error;
}

/* Of what ended at once the pool does not hear. Only else is there no room meanwhile. */
static void
operation_begun(struct operation *operation, BOOL is_done)
{
        HANDLE writable = operation->stream->common.waitable.writable;
        DWORD error = error_of(is_done, &operation->overlapped);

        if (error != ERROR_IO_PENDING) {
                operation->error = error;
                InterlockedExchange(&operation->phase, OVER);
                return;
        }
        ResetEvent(writable);
        if (InterlockedCompareExchange(&operation->phase, OVER, OVER) != RUNNING) /* it may have been set before that */
                SetEvent(writable);
}

/* In a thread of the pool. */
static void CALLBACK
operation_ended(DWORD error, DWORD bytes, OVERLAPPED *overlapped)
{
        struct operation *operation = (struct operation *)(void *)overlapped; /* its first member */
        struct stream *stream = operation->stream;

        (void)bytes;
        operation->error = error;
        InterlockedExchange(&operation->phase, TELLING);
        if (operation == &stream->arriving)
                SetEvent(stream->common.waitable.readable);
        SetEvent(stream->common.waitable.writable);
        InterlockedExchange(&operation->phase, OVER);
}

/* ---- under the lock -------------------------------------------------------------------------------------------- */

static void
read_end(struct stream *stream)
{
        stream->read_flow = ENDED;
        SetEvent(stream->common.waitable.readable);
        SetEvent(stream->common.ended);
}

static void
read_begin(struct stream *stream)
{
        DWORD error;

        stream->read_flow = BUSY;
        error = error_of(ReadFile(stream->pipe, &stream->byte, 1, NULL, &stream->reading), &stream->reading);
        if (error == ERROR_SUCCESS)
                SetEvent(stream->common.waitable.readable);
        else if (error != ERROR_IO_PENDING)
                read_end(stream);
}

/* Is a byte here, or the end? */
static void
read_look(struct stream *stream)
{
        DWORD got;

        if (stream->pipe == NULL)
                stream->read_flow = ENDED;
        if (is_under_way(&stream->arriving))
                return;
        for (int i = 0; i < RESTARTS_MAX && !stream->has_byte && stream->read_flow != ENDED; i++) {
                if (stream->read_flow == IDLE)
                        read_begin(stream);
                if (stream->read_flow == ENDED)
                        return;
                if (GetOverlappedResult(stream->pipe, &stream->reading, &got, FALSE)) {
                        stream->read_flow = IDLE;
                        stream->has_byte = got == 1;
                } else if (GetLastError() == ERROR_IO_INCOMPLETE) {
                        return;
                } else if (GetLastError() == ERROR_OPERATION_ABORTED) {
                        stream->read_flow = IDLE; /* the thread that had begun it is no more */
                } else {
                        read_end(stream);
                }
        }
}

/* What is in the pipe already, so that it ends at once. */
static DWORD
read_direct(struct stream *stream, void *to, DWORD size)
{
        DWORD got = 0, error = error_of(ReadFile(stream->pipe, to, size, NULL, &stream->direct), &stream->direct);

        if (error != ERROR_SUCCESS && error != ERROR_IO_PENDING)
                return 0;
        return GetOverlappedResult(stream->pipe, &stream->direct, &got, TRUE) ? got : 0;
}

static void
write_end(struct stream *stream)
{
        stream->write_flow = ENDED;
        SetEvent(stream->common.waitable.writable);
}

static void
write_look(struct stream *stream)
{
        if (stream->pipe == NULL)
                stream->write_flow = ENDED;
        if (stream->write_flow != BUSY || is_under_way(&stream->writing))
                return;
        if (stream->writing.error == ERROR_SUCCESS)
                stream->write_flow = IDLE;
        else
                write_end(stream);
}

static void
write_begin(struct stream *stream)
{
        stream->write_flow = BUSY;
        operation_begin(&stream->writing, stream);
        operation_begun(&stream->writing,
                        WriteFile(stream->pipe, stream->out, stream->write_size, NULL, &stream->writing.overlapped));
        write_look(stream);
}

static void
cancel(HANDLE pipe, OVERLAPPED *operation)
{
        CancelIoEx(pipe, operation);
        while (!HasOverlappedIoCompleted(operation))
                SwitchToThread();
}

static void
operation_cancel(HANDLE pipe, struct operation *operation)
{
        if (is_under_way(operation))
                CancelIoEx(pipe, &operation->overlapped);
        while (is_under_way(operation))
                SwitchToThread();
}

static void
pipe_end(struct stream *stream)
{
        if (stream->pipe == NULL)
                return;
        if (stream->read_flow == BUSY)
                cancel(stream->pipe, &stream->reading);
        operation_cancel(stream->pipe, &stream->arriving);
        operation_cancel(stream->pipe, &stream->writing);
        stream->has_byte = false;
        stream->read_flow = stream->write_flow = ENDED;
        CloseHandle(stream->pipe);
        stream->pipe = NULL;
        SetEvent(stream->common.ended);
        SetEvent(stream->common.waitable.readable);
        SetEvent(stream->common.waitable.writable);
}

/* ---- use ------------------------------------------------------------------------------------------------------- */

/* 0 also where the byte was the last. */
static DWORD
left_in(const struct stream *stream)
{
        DWORD left = 0;

        return PeekNamedPipe(stream->pipe, NULL, 0, NULL, &left, NULL) ? left : 0;
}

static size_t
read_now(struct stream *stream, const struct wr_span *spans, size_t count)
{
        DWORD left;
        size_t total = 0;

        left = left_in(stream);
        for (size_t i = 0; i < count; i++) {
                uint8_t *to = spans[i].at;
                size_t room = spans[i].size;
                DWORD want, got;

                if (stream->has_byte && room != 0) {
                        *to++ = stream->byte;
                        room--;
                        total++;
                        stream->has_byte = false;
                }
                want = room < left ? (DWORD)room : left;
                got = want != 0 && !stream->has_byte ? read_direct(stream, to, want) : 0;
                total += got;
                left -= got;
                if (got < room)
                        break;
        }
        return total;
}

static enum weir_result
pipe_read(struct wr_stream *common, const struct wr_span *spans, size_t count, size_t *done)
{
        struct stream *stream = stream_of(&common->waitable);
        enum weir_result result = WEIR_OK;
        size_t wanted = 0;

        *done = 0;
        for (size_t i = 0; i < count; i++)
                wanted += spans[i].size;
        if (wanted == 0)
                return WEIR_OK;
        AcquireSRWLockShared(&stream->lock);
        read_look(stream);
        if (stream->has_byte)
                *done = read_now(stream, spans, count);
        else
                result = stream->read_flow == ENDED ? WEIR_E_CLOSED : WEIR_EMPTY;
        read_look(stream); /* the next byte, so that the event says whether there is one */
        ReleaseSRWLockShared(&stream->lock);
        return result;
}

static enum weir_result
pipe_write(struct wr_stream *common, const struct wr_span *spans, size_t count, size_t *done)
{
        struct stream *stream = stream_of(&common->waitable);
        enum weir_result result = WEIR_OK;
        size_t size = 0;

        *done = 0;
        AcquireSRWLockShared(&stream->lock);
        write_look(stream);
        if (stream->write_flow == ENDED) {
                result = WEIR_E_CLOSED;
        } else if (stream->write_flow == BUSY || is_under_way(&stream->arriving)) {
                result = WEIR_FULL;
        } else {
                for (size_t i = 0; i < count && size < OUT_BYTES; i++) {
                        size_t piece = spans[i].size < OUT_BYTES - size ? spans[i].size : OUT_BYTES - size;

                        if (piece != 0)
                                memcpy(stream->out + size, spans[i].at, piece);
                        size += piece;
                }
                stream->write_size = (DWORD)size;
                if (size != 0)
                        write_begin(stream);
                if (stream->write_flow == ENDED)
                        result = WEIR_E_CLOSED;
                else
                        *done = size;
        }
        ReleaseSRWLockShared(&stream->lock);
        return result;
}

static unsigned
pipe_ready(struct wr_stream *common, unsigned what)
{
        struct stream *stream = stream_of(&common->waitable);
        unsigned ready = 0;

        AcquireSRWLockShared(&stream->lock);
        if ((what & WR_STREAM_WRITE) == 0 || (what & WR_STREAM_READ) != 0) /* else another thread may be reading */
                read_look(stream);
        if ((what & WR_STREAM_WRITE) != 0)
                write_look(stream);
        if (stream->read_flow == ENDED && !stream->has_byte)
                ready |= WR_STREAM_READ | (what & WR_STREAM_WRITE);
        if (stream->has_byte)
                ready |= what & WR_STREAM_READ;
        if (stream->write_flow != BUSY && !is_under_way(&stream->arriving))
                ready |= what & WR_STREAM_WRITE;
        ReleaseSRWLockShared(&stream->lock);
        return ready;
}

static void
pipe_hang_up(struct wr_stream *common)
{
        struct stream *stream = stream_of(&common->waitable);

        AcquireSRWLockExclusive(&stream->lock);
        pipe_end(stream);
        ReleaseSRWLockExclusive(&stream->lock);
}

static const struct wr_stream_kind pipe_kind = {
        .read = pipe_read,
        .write = pipe_write,
        .ready = pipe_ready,
        .hang_up = pipe_hang_up,
};

/* ---- making ---------------------------------------------------------------------------------------------------- */

static void
stream_free(struct stream *stream)
{
        struct wr_waitable *waitable = &stream->common.waitable;
        HANDLE events[] = { waitable->readable, waitable->writable, stream->directed, stream->common.ended };

        AcquireSRWLockExclusive(&stream->lock);
        pipe_end(stream);
        ReleaseSRWLockExclusive(&stream->lock);
        for (size_t i = 0; i < sizeof events / sizeof *events; i++)
                if (events[i] != NULL)
                        CloseHandle(events[i]);
        free(stream);
}

static void
close_waitable(struct wr_waitable *waitable)
{
        struct stream *stream = stream_of(waitable);

        AcquireSRWLockExclusive(&stream->lock);
        write_look(stream);
        ReleaseSRWLockExclusive(&stream->lock);
        if (stream->write_flow == BUSY) {
                HANDLE events[] = { waitable->writable, stream->common.ended };

                WaitForMultipleObjects(2, events, FALSE, LAST_BYTES_MS);
        }
        stream_free(stream);
}

/* The event is set, and the pool hears nothing of it. */
static HANDLE
without_pool(HANDLE event)
{
        return (HANDLE)((uintptr_t)event | 1);
}

static bool
events_make(struct stream *stream)
{
        struct wr_waitable *waitable = &stream->common.waitable;

        waitable->readable = CreateEventW(NULL, TRUE, FALSE, NULL);
        waitable->writable = CreateEventW(NULL, TRUE, TRUE, NULL);
        stream->directed = CreateEventW(NULL, TRUE, FALSE, NULL);
        stream->common.ended = CreateEventW(NULL, TRUE, FALSE, NULL);
        stream->reading.hEvent = without_pool(waitable->readable);
        stream->direct.hEvent = without_pool(stream->directed);
        return waitable->readable != NULL && waitable->writable != NULL && stream->directed != NULL &&
               stream->common.ended != NULL;
}

/* Takes the pipe over where it succeeds. */
static enum weir_result
stream_make(HANDLE pipe, struct stream **made)
{
        struct stream *stream = calloc(1, sizeof *stream);

        if (stream == NULL)
                return WEIR_E_NO_MEMORY;
        InitializeSRWLock(&stream->lock);
        stream->common.kind = &pipe_kind;
        stream->common.waitable = (struct wr_waitable){ .hung_up = hung_up, .close = close_waitable };
        if (!events_make(stream) || !BindIoCompletionCallback(pipe, operation_ended, 0) ||
            !SetFileCompletionNotificationModes(pipe, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)) {
                enum weir_result result = wr_os_error((int)GetLastError());

                stream_free(stream);
                return result;
        }
        stream->pipe = pipe;
        *made = stream;
        return WEIR_OK;
}

/* By handle: our own user, so that the other end can be opened. By name: nobody yet, of any integrity. */
static bool
list_make(bool is_by_name, void *list, size_t room)
{
        struct wr_ace entry = { .type = WR_ACE_ALLOW, .mask = OUR_RIGHTS };
        struct wr_draft draft;

        if (!wr_endpoint_name_self(&entry.sid))
                return false;
        wr_draft_begin(&draft, list, room);
        wr_draft_owner(&draft, &entry.sid);
        if (is_by_name) {
                wr_draft_sacl(&draft, 0);
                wr_draft_ace(&draft, &wr_grant_any_integrity);
        }
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        wr_draft_ace(&draft, is_by_name ? &wr_grant_nobody : &entry);
        return wr_draft_end(&draft) > 0;
}

/* INVALID_HANDLE_VALUE: GetLastError says why. */
static HANDLE
server_make(const wchar_t *name, DWORD rights, void *list)
{
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, list, FALSE };

        return CreateNamedPipeW(name,
                                PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE | rights,
                                PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_REJECT_REMOTE_CLIENTS, 1, QUEUE_BYTES,
                                QUEUE_BYTES, 0, &attributes);
}

/* The peer's end is open. */
static enum weir_result
peer_open(const wchar_t *name, HANDLE *peer)
{
        *peer = CreateFileW(name, PEER_RIGHTS, 0, NULL, OPEN_EXISTING,
                            FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
        if (*peer != INVALID_HANDLE_VALUE)
                return WEIR_OK;
        *peer = NULL;
        return wr_os_error((int)GetLastError());
}

/* The peer's end is yet to come. What stands for it is a handle of ours: it has the name, and whom the list is to
 * admit is added through it (endpoint_objects_win32.c). */
static enum weir_result
peer_await(struct stream *stream, HANDLE *peer)
{
        enum weir_result result = wr_grant_narrow(stream->pipe, PEER_RIGHTS | WR_GRANT_KEPT, peer);

        if (result != WEIR_OK)
                return result;
        operation_begin(&stream->arriving, stream);
        operation_begun(&stream->arriving, ConnectNamedPipe(stream->pipe, &stream->arriving.overlapped));
        if (is_under_way(&stream->arriving))
                return WEIR_OK;
        CloseHandle(*peer);
        *peer = NULL;
        return WEIR_E_SYSTEM; /* nobody can have come already */
}

static bool
goes_by_name(wr_object connection)
{
        const struct wr_endpoint_peer *peer = wr_endpoint_peer(connection);

        return peer != NULL && peer->process == NULL;
}

enum weir_result
wr_stream_pair(wr_object connection, wr_object ends[2])
{
        _Alignas(8) BYTE list[LIST_BYTES];
        wchar_t unguessed[WR_GRANT_NAME_MAX], name[WR_GRANT_NAME_MAX + 16] = L"\\\\.\\pipe\\";
        bool is_by_name = goes_by_name(connection);
        struct stream *stream;
        enum weir_result result;
        HANDLE server, peer;

        ends[0] = ends[1] = WR_NO_OBJECT;
        if (!list_make(is_by_name, list, sizeof list))
                return WEIR_E_SYSTEM;
        wr_grant_name_make(unguessed);
        wcscat(name, unguessed);
        server = server_make(name, is_by_name ? WRITE_DAC : 0, list);
        if (server == INVALID_HANDLE_VALUE)
                return wr_os_error((int)GetLastError());
        result = stream_make(server, &stream);
        if (result != WEIR_OK) {
                CloseHandle(server);
                return result;
        }
        result = is_by_name ? peer_await(stream, &peer) : peer_open(name, &peer);
        if (result != WEIR_OK) {
                stream_free(stream);
                return result;
        }
        ends[0] = wr_object_of(&stream->common.waitable);
        ends[1] = peer;
        return WEIR_OK;
}

enum weir_result
wr_stream_adopt(wr_object *end)
{
        struct stream *stream;
        enum weir_result result;
        DWORD flags;

        if (wr_object_waitable(*end) != NULL || wr_grant_kind_of(*end) != WR_GRANT_PIPE ||
            !GetNamedPipeInfo(*end, &flags, NULL, NULL, NULL) || (flags & PIPE_TYPE_MESSAGE) != 0)
                return WEIR_E_CORRUPT;
        result = stream_make(*end, &stream);
        if (result == WEIR_OK)
                *end = wr_object_of(&stream->common.waitable);
        return result;
}
