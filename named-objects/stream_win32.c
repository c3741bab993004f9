/*
 * A named pipe in byte mode. Its name is 128 random bits, nobody else may make another end of it, and both ends are
 * opened here before anybody can have heard of it; the peer's goes to it by handle.
 *
 *      reading   one byte is always under way: when it is here, there is something to read, and the rest of it is read
 *                straight into the caller's memory
 *      writing   from a copy of ours, one piece at a time: the system writes when the caller has gone on
 *
 * The lock is for wr_stream_hang_up, which closes the pipe under whoever uses it. Nobody waits while he has it.
 */
#include "named-objects/stream.h"

#include "bus/os/clock.h"
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
        NS_PER_MS = 1000000,
        OUR_RIGHTS = 0x12019f,
        PEER_RIGHTS = 0x12019b /* all but to make an instance of it */
};

enum flow { IDLE, BUSY, ENDED };

struct stream {
        struct wr_stream common; /* first; its events belong to the byte under way and to the write under way */
        SRWLOCK lock;
        HANDLE pipe; /* NULL: hung up */
        OVERLAPPED reading, writing, direct;
        enum flow read_flow, write_flow;
        DWORD write_size;
        bool has_byte;
        uint8_t byte;
        uint8_t out[OUT_BYTES];
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

/* ---- under the lock -------------------------------------------------------------------------------------------- */

static void
read_end(struct stream *stream)
{
        stream->read_flow = ENDED;
        SetEvent(stream->reading.hEvent);
        SetEvent(stream->common.ended);
}

static void
read_begin(struct stream *stream)
{
        stream->read_flow = BUSY;
        if (!ReadFile(stream->pipe, &stream->byte, 1, NULL, &stream->reading) && GetLastError() != ERROR_IO_PENDING)
                read_end(stream);
}

/* Is a byte here, or the end? */
static void
read_look(struct stream *stream)
{
        DWORD got;

        if (stream->pipe == NULL)
                stream->read_flow = ENDED;
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
        DWORD got = 0;

        if (!ReadFile(stream->pipe, to, size, NULL, &stream->direct) && GetLastError() != ERROR_IO_PENDING)
                return 0;
        return GetOverlappedResult(stream->pipe, &stream->direct, &got, TRUE) ? got : 0;
}

static void
write_begin(struct stream *stream)
{
        stream->write_flow = BUSY;
        if (!WriteFile(stream->pipe, stream->out, stream->write_size, NULL, &stream->writing) &&
            GetLastError() != ERROR_IO_PENDING) {
                stream->write_flow = ENDED;
                SetEvent(stream->writing.hEvent);
        }
}

static void
write_look(struct stream *stream)
{
        DWORD wrote;

        if (stream->pipe == NULL)
                stream->write_flow = ENDED;
        if (stream->write_flow != BUSY)
                return;
        if (GetOverlappedResult(stream->pipe, &stream->writing, &wrote, FALSE)) {
                stream->write_flow = IDLE;
        } else if (GetLastError() == ERROR_OPERATION_ABORTED) {
                write_begin(stream);
        } else if (GetLastError() != ERROR_IO_INCOMPLETE) {
                stream->write_flow = ENDED;
                SetEvent(stream->writing.hEvent);
        }
}

static void
cancel(HANDLE pipe, OVERLAPPED *operation)
{
        CancelIoEx(pipe, operation);
        while (!HasOverlappedIoCompleted(operation))
                SwitchToThread();
}

static void
pipe_end(struct stream *stream)
{
        if (stream->pipe == NULL)
                return;
        if (stream->read_flow == BUSY)
                cancel(stream->pipe, &stream->reading);
        if (stream->write_flow == BUSY)
                cancel(stream->pipe, &stream->writing);
        stream->has_byte = false;
        stream->read_flow = stream->write_flow = ENDED;
        CloseHandle(stream->pipe);
        stream->pipe = NULL;
        SetEvent(stream->common.ended);
        SetEvent(stream->reading.hEvent);
        SetEvent(stream->writing.hEvent);
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
        } else if (stream->write_flow == BUSY) {
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
                write_look(stream);
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
        if (stream->write_flow != BUSY)
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
        HANDLE events[] = { stream->reading.hEvent, stream->writing.hEvent, stream->direct.hEvent,
                            stream->common.ended };

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
                HANDLE events[] = { stream->writing.hEvent, stream->common.ended };

                WaitForMultipleObjects(2, events, FALSE, LAST_BYTES_MS);
        }
        stream_free(stream);
}

/* Takes the pipe over where it succeeds. */
static enum weir_result
stream_make(HANDLE pipe, wr_object *object)
{
        struct stream *stream = calloc(1, sizeof *stream);

        if (stream == NULL)
                return WEIR_E_NO_MEMORY;
        InitializeSRWLock(&stream->lock);
        stream->reading.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
        stream->writing.hEvent = CreateEventW(NULL, TRUE, TRUE, NULL);
        stream->direct.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
        stream->common.ended = CreateEventW(NULL, TRUE, FALSE, NULL);
        stream->common.kind = &pipe_kind;
        stream->common.waitable = (struct wr_waitable){ .readable = stream->reading.hEvent,
                                                        .writable = stream->writing.hEvent,
                                                        .hung_up = hung_up,
                                                        .close = close_waitable };
        if (stream->reading.hEvent == NULL || stream->writing.hEvent == NULL || stream->direct.hEvent == NULL ||
            stream->common.ended == NULL) {
                enum weir_result result = wr_os_error((int)GetLastError());

                stream_free(stream);
                return result;
        }
        stream->pipe = pipe;
        *object = wr_object_of(&stream->common.waitable);
        return WEIR_OK;
}

/* Our own user, so that the other end can be opened. */
static bool
list_make(void *list, size_t room)
{
        struct wr_ace entry = { .type = WR_ACE_ALLOW, .mask = OUR_RIGHTS };
        struct wr_draft draft;

        if (!wr_endpoint_name_self(&entry.sid))
                return false;
        wr_draft_begin(&draft, list, room);
        wr_draft_owner(&draft, &entry.sid);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        wr_draft_ace(&draft, &entry);
        return wr_draft_end(&draft) > 0;
}

enum weir_result
wr_stream_pair(wr_object ends[2])
{
        _Alignas(8) BYTE list[LIST_BYTES];
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, list, FALSE };
        wchar_t unguessed[WR_GRANT_NAME_MAX], name[WR_GRANT_NAME_MAX + 16] = L"\\\\.\\pipe\\";
        enum weir_result result;
        HANDLE server, client;

        ends[0] = ends[1] = WR_NO_OBJECT;
        if (!list_make(list, sizeof list))
                return WEIR_E_SYSTEM;
        wr_grant_name_make(unguessed);
        wcscat(name, unguessed);
        server = CreateNamedPipeW(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                  PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_REJECT_REMOTE_CLIENTS, 1, QUEUE_BYTES,
                                  QUEUE_BYTES, 0, &attributes);
        if (server == INVALID_HANDLE_VALUE)
                return wr_os_error((int)GetLastError());
        client = CreateFileW(name, PEER_RIGHTS, 0, NULL, OPEN_EXISTING,
                             FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
        result = client != INVALID_HANDLE_VALUE ? stream_make(server, &ends[0]) : wr_os_error((int)GetLastError());
        if (result != WEIR_OK) {
                CloseHandle(server);
                if (client != INVALID_HANDLE_VALUE)
                        CloseHandle(client);
                return result;
        }
        ends[1] = client;
        return WEIR_OK;
}

enum weir_result
wr_stream_adopt(wr_object *end)
{
        DWORD flags;

        if (wr_object_waitable(*end) != NULL || wr_grant_kind_of(*end) != WR_GRANT_PIPE ||
            !GetNamedPipeInfo(*end, &flags, NULL, NULL, NULL) || (flags & PIPE_TYPE_MESSAGE) != 0)
                return WEIR_E_CORRUPT;
        return stream_make(*end, end);
}

/* ---- of either kind -------------------------------------------------------------------------------------------- */

static struct wr_stream *
stream_at(wr_object object)
{
        return (struct wr_stream *)(void *)wr_object_waitable(object); /* its first member */
}

enum weir_result
wr_stream_read(wr_object object, const struct wr_span *spans, size_t count, size_t *done)
{
        struct wr_stream *stream = stream_at(object);

        return stream->kind->read(stream, spans, count, done);
}

enum weir_result
wr_stream_write(wr_object object, const struct wr_span *spans, size_t count, size_t *done)
{
        struct wr_stream *stream = stream_at(object);

        return stream->kind->write(stream, spans, count, done);
}

void
wr_stream_hang_up(wr_object object)
{
        struct wr_stream *stream = stream_at(object);

        stream->kind->hang_up(stream);
}

static DWORD
remaining_ms(int64_t deadline_ns)
{
        int64_t left_ns = deadline_ns - wr_clock_ns();

        if (deadline_ns == INT64_MAX)
                return INFINITE;
        if (left_ns <= 0)
                return 0;
        return left_ns / NS_PER_MS >= INFINITE - 1 ? INFINITE - 1 : (DWORD)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static bool
is_signalled(HANDLE event)
{
        return event != NULL && WaitForSingleObject(event, 0) == WAIT_OBJECT_0;
}

enum weir_result
wr_stream_wait(wr_object object, unsigned what, wr_object also, int64_t deadline_ns, unsigned *ready)
{
        struct wr_stream *stream = stream_at(object);
        struct wr_waitable *waitable = wr_object_waitable(also);
        HANDLE other = waitable != NULL ? waitable->readable : also;

        for (;;) {
                HANDLE events[4] = { stream->ended };
                DWORD count = 1, left_ms = remaining_ms(deadline_ns);
                /* Before the look. Bytes to be read wake nobody who does not want to read; the end does. */
                bool is_unread = is_signalled(stream->waitable.readable);

                *ready = stream->kind->ready(stream, what) | (is_signalled(other) ? WR_STREAM_ALSO : 0);
                if (*ready != 0)
                        return WEIR_OK;
                if (left_ms == 0)
                        return WEIR_EMPTY;
                if ((what & WR_STREAM_READ) != 0 ||
                    ((what & WR_STREAM_WRITE) == 0 && !(is_unread && is_signalled(stream->waitable.readable))))
                        events[count++] = stream->waitable.readable;
                if ((what & WR_STREAM_WRITE) != 0)
                        events[count++] = stream->waitable.writable;
                if (other != NULL)
                        events[count++] = other;
                if (WaitForMultipleObjects(count, events, FALSE, left_ms) == WAIT_FAILED)
                        return wr_os_error((int)GetLastError());
        }
}
