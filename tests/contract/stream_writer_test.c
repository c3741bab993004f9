/* What a stream's writer adds: large pieces go another way, and nobody at the other end is the wiser. */
#include "named-objects/stream_writer.h"

#include "bus/os/thread.h"
#include "tests/contract/stream_kit.h"

#include <stdlib.h>
#include <string.h>

enum { LAP = 5 << 20, STEP = 200 << 10, BOTH_STEPS = STEP + STEP / 100, IN_ALL = 120 * BOTH_STEPS };

TestSuite(stream_writer, .timeout = 60);
TestSuite(stream_writer_tcp, .timeout = 60);

#define EACH_WAY(name) EACH_WAY_IN(stream_writer, stream_writer_tcp, name)

/* No two places of a lap are alike, nor the same place in two laps. */
static uint8_t
byte_at(size_t at)
{
        return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16) * 3);
}

struct writing {
        struct wr_stream_writer writer;
        wr_object stream;
        uint8_t *bytes;
        size_t step;            /* bytes of one write, in three spans; then a hundredth of it in one */
        size_t written, in_all; /* stops there, or where there is no room */
        enum weir_result result;
};

static void
writing_open(struct writing *w, wr_object stream, size_t step)
{
        *w = (struct writing){ .stream = stream, .bytes = malloc(step), .step = step, .in_all = IN_ALL };
        cr_assert(ne(ptr, w->bytes, NULL));
        wr_stream_writer_open(&w->writer, stream);
}

static void
writing_close(struct writing *w)
{
        wr_stream_writer_close(&w->writer);
        free(w->bytes);
}

/* One write, gone on with until nothing is left of it; WEIR_FULL: there is no room for the rest of it. */
static enum weir_result
write_step(struct writing *w, size_t size, int64_t deadline_ns)
{
        size_t sent = 0, done;

        for (size_t i = 0; i < size; i++)
                w->bytes[i] = byte_at(w->written + i);
        while (sent < size) {
                size_t rest = size - sent, part = rest / 3;
                struct wr_span spans[3] = { { w->bytes + sent, part },
                                            { w->bytes + sent + part, part },
                                            { w->bytes + sent + 2 * part, rest - 2 * part } };
                enum weir_result result = wr_stream_writer_write(&w->writer, spans, 3, &done);
                unsigned ready;

                if (result == WEIR_FULL) {
                        result = wr_stream_wait(w->stream, WR_STREAM_WRITE, WR_NO_OBJECT, deadline_ns, &ready);
                        if (result == WEIR_EMPTY)
                                return WEIR_FULL;
                }
                if (result != WEIR_OK)
                        return result;
                sent += done;
                w->written += done;
                memset(w->bytes + sent - done, 0xa5, done); /* what was taken is not looked at again */
        }
        return WEIR_OK;
}

/* Nothing is kept; WEIR_FULL: it is. */
static enum weir_result
flush(struct writing *w, int64_t deadline_ns)
{
        enum weir_result result;
        unsigned ready;

        while ((result = wr_stream_writer_flush(&w->writer)) == WEIR_FULL)
                if (wr_stream_wait(w->stream, WR_STREAM_WRITE, WR_NO_OBJECT, deadline_ns, &ready) != WEIR_OK)
                        break;
        return result;
}

static void *
write_all(void *argument)
{
        struct writing *w = argument;

        while (w->result == WEIR_OK && w->written < w->in_all) {
                w->result = write_step(w, w->step, soon());
                if (w->result == WEIR_OK)
                        w->result = write_step(w, w->step / 100, soon());
        }
        if (w->result == WEIR_OK)
                w->result = flush(w, soon());
        return NULL;
}

/* Up to `most` bytes, or to the end of it, in pieces of several sizes. */
static size_t
read_up_to(wr_object stream, size_t most)
{
        static uint8_t in[90000];
        enum weir_result result;
        size_t got = 0, done;
        unsigned ready;

        for (size_t size = 1; got < most; size = size * 7 % sizeof in + 1) {
                struct wr_span span = { in, size < most - got ? size : most - got };

                result = wr_stream_read(stream, &span, 1, &done);
                if (result == WEIR_EMPTY)
                        result = wr_stream_wait(stream, WR_STREAM_READ, WR_NO_OBJECT, soon(), &ready);
                if (result == WEIR_E_CLOSED)
                        break;
                cr_assert(eq(int, result, WEIR_OK));
                for (size_t i = 0; i < done; i++)
                        if (in[i] != byte_at(got + i))
                                cr_assert(eq(sz, got + i, SIZE_MAX), "the byte there is another one");
                got += done;
        }
        return got;
}

EACH_WAY(large_and_small_pieces_arrive_in_order)
{
        wr_object ends[2];
        struct writing w;
        wr_thread thread;

        pair(ends);
        writing_open(&w, ends[0], STEP);
        cr_assert(wr_thread_start(&thread, write_all, &w, 0));
        cr_assert(eq(sz, read_up_to(ends[1], IN_ALL), IN_ALL));
        wr_thread_join(thread);
        cr_assert(eq(int, w.result, WEIR_OK));
        writing_close(&w);
        wr_object_close(ends[0]);
        wr_object_close(ends[1]);
}

EACH_WAY(what_was_written_stays_as_it_was_while_nobody_reads_and_when_its_writer_has_gone)
{
        enum weir_result result = WEIR_OK;
        wr_object ends[2];
        struct writing w;
        size_t written;

        pair(ends);
        writing_open(&w, ends[0], LAP);
        while (result == WEIR_OK && w.written < (size_t)8 * LAP)
                result = write_step(&w, LAP, wr_clock_ns());
        cr_assert(eq(int, result, WEIR_FULL));
        cr_assert(le(int, flush(&w, wr_clock_ns()), WEIR_FULL));
        written = w.written - w.writer.piped - w.writer.kept;
        cr_assert(gt(sz, written, STEP));
        writing_close(&w);
        cr_assert(eq(sz, read_up_to(ends[1], written), written));
        wr_stream_hang_up(ends[0]);
        cr_assert(zero(sz, read_up_to(ends[1], 1)));
        wr_object_close(ends[0]);
        wr_object_close(ends[1]);
}

EACH_WAY(who_writes_to_an_end_that_closed_is_told_so)
{
        wr_object ends[2];
        struct writing w;
        wr_thread thread;

        pair(ends);
        writing_open(&w, ends[0], STEP);
        cr_assert(eq(int, write_step(&w, STEP / 2, soon()), WEIR_OK));
        cr_assert(eq(int, flush(&w, soon()), WEIR_OK));
        wr_object_close(ends[1]);
        w.in_all = SIZE_MAX;
        cr_assert(wr_thread_start(&thread, write_all, &w, 0)); /* where no signal ends us */
        wr_thread_join(thread);
        cr_assert(eq(int, w.result, WEIR_E_CLOSED));
        writing_close(&w);
        wr_object_close(ends[0]);
}
