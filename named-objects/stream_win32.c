/* What pipes and sockets have in common as streams, and the wait for either. */
#include "named-objects/stream_win32.h"
#include "bus/os/clock.h"
#include "bus/os/error.h"

enum { NS_PER_MS = 1000000, AGAIN_MS = 100 };

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
                if (stream->kind->remind != NULL && left_ms > AGAIN_MS)
                        left_ms = AGAIN_MS;
                switch (WaitForMultipleObjects(count, events, FALSE, left_ms)) {
                case WAIT_FAILED: return wr_os_error((int)GetLastError());
                case WAIT_TIMEOUT:
                        if (stream->kind->remind != NULL)
                                stream->kind->remind(stream);
                        break;
                default: break;
                }
        }
}
