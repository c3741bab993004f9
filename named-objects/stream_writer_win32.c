/* Nothing on Windows goes into a pipe or a socket without the system's copy of it. */
#include "named-objects/stream_writer.h"

void
wr_stream_writer_open(struct wr_stream_writer *writer, wr_object stream)
{
        *writer = (struct wr_stream_writer){ .stream = stream, .is_plain = true };
}

void
wr_stream_writer_close(struct wr_stream_writer *writer)
{
        (void)writer;
}

enum weir_result
wr_stream_writer_write(struct wr_stream_writer *writer, const struct wr_span *spans, size_t count, size_t *done)
{
        return wr_stream_write(writer->stream, spans, count, done);
}

enum weir_result
wr_stream_writer_flush(struct wr_stream_writer *writer)
{
        (void)writer;
        return WEIR_OK;
}
