/* What the streams of Windows have in common: pipes in byte mode (stream_pipe_win32.c) and sockets
 * (stream_socket_win32.c). */
#ifndef WR_STREAM_WIN32_H
#define WR_STREAM_WIN32_H

#include "named-objects/object_win32.h"
#include "named-objects/stream.h"

struct wr_stream;

/* As the functions of stream.h say. */
struct wr_stream_kind {
        enum weir_result (*read)(struct wr_stream *stream, const struct wr_span *spans, size_t count, size_t *done);
        enum weir_result (*write)(struct wr_stream *stream, const struct wr_span *spans, size_t count, size_t *done);
        unsigned (*ready)(struct wr_stream *stream, unsigned what); /* now */
        void (*hang_up)(struct wr_stream *stream);
        void (*remind)(struct wr_stream *stream); /* NULL, or sets the events that Wine may have forgotten to set */
};

/* The first member of either. */
struct wr_stream {
        struct wr_waitable waitable; /* first */
        const struct wr_stream_kind *kind;
        HANDLE ended; /* manual-reset: nothing comes any more, or it was hung up */
};

/* A connected socket (a SOCKET) becomes a stream, which owns it from WEIR_OK on. */
enum weir_result
wr_stream_socket(uintptr_t socket, wr_object *stream);

#endif
