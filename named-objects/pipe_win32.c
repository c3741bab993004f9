/*
 * Overlapped reads and writes. Only ReadFile and WriteFile begin something; everything else asks whether it has ended,
 * which costs no system call. An event belongs to one operation, and the system lowers it when that begins and raises
 * it when it ends: so `readable` stays raised until what came was received, and after the end for good.
 */
#include "named-objects/pipe_win32.h"

#include "bus/os/error.h"
#include "named-objects/endpoint_objects_win32.h"

#include <stdlib.h>
#include <string.h>

enum {
        DRAIN_MAX = 512, /* more than the queue holds of messages with objects */
        RESTARTS_MAX = 4,
        WAIT_MS = 10
};

static struct wr_pipe *
pipe_of(const struct wr_waitable *waitable)
{
        return (struct wr_pipe *)(uintptr_t)waitable; /* its first member */
}

static bool
hung_up(const struct wr_waitable *waitable)
{
        enum weir_result result;
        size_t size;

        result = wr_pipe_look(pipe_of(waitable), &size);
        return result < 0;
}

static void
close_waitable(struct wr_waitable *waitable)
{
        wr_pipe_close(pipe_of(waitable));
}

struct wr_pipe *
wr_pipe_of(wr_object object)
{
        struct wr_waitable *waitable = wr_object_waitable(object);

        return waitable != NULL && waitable->close == close_waitable ? pipe_of(waitable) : NULL;
}

struct wr_pipe *
wr_pipe_new(HANDLE handle, bool is_client)
{
        struct wr_pipe *pipe = calloc(1, sizeof *pipe);

        if (pipe == NULL) {
                CloseHandle(handle);
                return NULL;
        }
        pipe->waitable = (struct wr_waitable){ .hung_up = hung_up, .close = close_waitable };
        pipe->peer = (struct wr_endpoint_peer){ .pipe = handle, .is_client = is_client };
        return pipe;
}

static void
read_failed(struct wr_pipe *pipe, DWORD error)
{
        pipe->read_state = WR_PIPE_FAILED;
        pipe->read_error = error;
        SetEvent(pipe->reading.hEvent);
}

static void
read_begin(struct wr_pipe *pipe)
{
        pipe->reads++;
        pipe->read_state = WR_PIPE_BUSY;
        /* What ends at once ends like the rest: the event is raised, and the look finds it. */
        if (!ReadFile(pipe->peer.pipe, pipe->in, sizeof pipe->in, NULL, &pipe->reading)) {
                DWORD error = GetLastError();

                if (error != ERROR_IO_PENDING)
                        read_failed(pipe, error);
        }
}

void
wr_pipe_read(struct wr_pipe *pipe, HANDLE event)
{
        pipe->reading = (OVERLAPPED){ .hEvent = event };
        read_begin(pipe);
}

enum weir_result
wr_pipe_settle(struct wr_pipe *pipe)
{
        pipe->waitable.readable = CreateEventW(NULL, TRUE, FALSE, NULL);
        pipe->waitable.writable = CreateEventW(NULL, TRUE, TRUE, NULL);
        pipe->writing.hEvent = pipe->waitable.writable;
        if (pipe->waitable.readable == NULL || pipe->waitable.writable == NULL)
                return wr_os_error((int)GetLastError());
        if (pipe->read_state == WR_PIPE_IDLE) {
                wr_pipe_read(pipe, pipe->waitable.readable);
        } else { /* a message is there already, or the end */
                pipe->reading.hEvent = pipe->waitable.readable;
                SetEvent(pipe->waitable.readable);
        }
        return WEIR_OK;
}

static enum weir_result
read_result(DWORD error)
{
        switch (error) {
        case ERROR_BROKEN_PIPE:
        case ERROR_PIPE_NOT_CONNECTED:
        case ERROR_NO_DATA: return WEIR_E_CLOSED;
        case ERROR_MORE_DATA:
        case ERROR_INVALID_DATA: return WEIR_E_CORRUPT;
        default: return wr_os_error((int)error);
        }
}

enum weir_result
wr_pipe_look(struct wr_pipe *pipe, size_t *size)
{
        DWORD got = 0;

        *size = 0;
        for (int i = 0; i < RESTARTS_MAX && pipe->read_state == WR_PIPE_BUSY; i++) {
                DWORD error;

                if (GetOverlappedResult(pipe->peer.pipe, &pipe->reading, &got, FALSE)) {
                        if (got != 0) {
                                *size = got;
                                return WEIR_OK;
                        }
                        read_failed(pipe, ERROR_INVALID_DATA); /* empty, which none of ours sends */
                        break;
                }
                error = GetLastError();
                if (error == ERROR_IO_INCOMPLETE)
                        return WEIR_EMPTY;
                if (error == ERROR_OPERATION_ABORTED)
                        read_begin(pipe); /* the thread that had begun it is no more */
                else
                        read_failed(pipe, error);
        }
        return pipe->read_state == WR_PIPE_FAILED ? read_result(pipe->read_error) : WEIR_EMPTY;
}

void
wr_pipe_go_on(struct wr_pipe *pipe)
{
        if (pipe->read_state == WR_PIPE_BUSY)
                read_begin(pipe);
}

static enum weir_result
write_result(DWORD error)
{
        switch (error) {
        case ERROR_BROKEN_PIPE:
        case ERROR_PIPE_NOT_CONNECTED:
        case ERROR_NO_DATA: return WEIR_E_CLOSED;
        default: return wr_os_error((int)error);
        }
}

static enum weir_result
write_failed(struct wr_pipe *pipe, DWORD error)
{
        pipe->write_state = WR_PIPE_FAILED;
        wr_endpoint_objects_withdraw(&pipe->peer, pipe->given, pipe->given_count);
        pipe->given_count = 0;
        SetEvent(pipe->waitable.writable);
        return write_result(error);
}

static enum weir_result
write_begin(struct wr_pipe *pipe)
{
        DWORD error;

        pipe->write_state = WR_PIPE_BUSY;
        if (WriteFile(pipe->peer.pipe, pipe->out, pipe->write_size, NULL, &pipe->writing))
                return WEIR_OK;
        error = GetLastError();
        return error == ERROR_IO_PENDING ? WEIR_OK : write_failed(pipe, error);
}

enum weir_result
wr_pipe_room(struct wr_pipe *pipe)
{
        DWORD sent, error;

        if (pipe->write_state == WR_PIPE_FAILED)
                return WEIR_E_CLOSED;
        if (pipe->write_state == WR_PIPE_IDLE)
                return WEIR_OK;
        if (GetOverlappedResult(pipe->peer.pipe, &pipe->writing, &sent, FALSE)) {
                pipe->write_state = WR_PIPE_IDLE;
                pipe->given_count = 0;
                return WEIR_OK;
        }
        error = GetLastError();
        if (error == ERROR_OPERATION_ABORTED) {
                enum weir_result result = write_begin(pipe);

                return result == WEIR_OK ? WEIR_FULL : result;
        }
        return error == ERROR_IO_INCOMPLETE ? WEIR_FULL : write_failed(pipe, error);
}

enum weir_result
wr_pipe_write(struct wr_pipe *pipe, size_t size, const struct wr_trailer_entry *given, size_t count)
{
        pipe->write_size = (DWORD)size;
        memcpy(pipe->given, given, count * sizeof *given);
        pipe->given_count = count;
        return write_begin(pipe);
}

/* Until it has ended, in whichever way: its buffer is ours to free. The event may be a listener's, which others raise,
 * so it alone says nothing. */
static void
cancel(struct wr_pipe *pipe, OVERLAPPED *operation)
{
        CancelIoEx(pipe->peer.pipe, operation);
        while (!HasOverlappedIoCompleted(operation)) {
                if (WaitForSingleObject(operation->hEvent, WAIT_MS) == WAIT_OBJECT_0)
                        SwitchToThread();
        }
}

/* What a broker sent and we never looked at may hold handles in our own table. */
static void
drain(struct wr_pipe *pipe)
{
        struct wr_trailer_entry entries[WR_TRAILER_ENTRIES_MAX];
        size_t size, count, payload;

        for (int i = 0; i < DRAIN_MAX && wr_pipe_look(pipe, &size) == WEIR_OK; i++) {
                wr_object objects[WR_TRAILER_ENTRIES_MAX];

                if (wr_trailer_read(pipe->in, size, entries, &count, &payload) &&
                    wr_endpoint_objects_take(entries, count, objects) == WEIR_OK)
                        for (size_t object = 0; object < count; object++)
                                wr_object_close(objects[object]);
                wr_pipe_go_on(pipe);
        }
}

void
wr_pipe_close(struct wr_pipe *pipe)
{
        DWORD sent;

        if (pipe->peer.is_client)
                drain(pipe);
        if (pipe->write_state == WR_PIPE_BUSY) {
                cancel(pipe, &pipe->writing);
                if (!GetOverlappedResult(pipe->peer.pipe, &pipe->writing, &sent, FALSE))
                        wr_endpoint_objects_withdraw(&pipe->peer, pipe->given, pipe->given_count);
        }
        if (pipe->read_state == WR_PIPE_BUSY)
                cancel(pipe, &pipe->reading);
        CloseHandle(pipe->peer.pipe);
        if (pipe->peer.process != NULL)
                CloseHandle(pipe->peer.process);
        if (pipe->waitable.readable != NULL)
                CloseHandle(pipe->waitable.readable);
        if (pipe->waitable.writable != NULL)
                CloseHandle(pipe->waitable.writable);
        free(pipe);
}
