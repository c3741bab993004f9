/* Bytes in order between two ends, and how either of them ends. */
#include "named-objects/stream.h"

#include "bus/os/thread.h"
#include "named-objects/flag.h"
#include "tests/contract/stream_kit.h"

#include <stdlib.h>
#include <string.h>

enum { BIG = 9 << 20, PIECES = 700, PIECE = 1013 };

TestSuite(stream, .timeout = 60);
TestSuite(stream_tcp, .timeout = 60);

#define EACH_WAY(name) EACH_WAY_IN(stream, stream_tcp, name)

static void
close_both(wr_object ends[2])
{
        wr_object_close(ends[0]);
        wr_object_close(ends[1]);
}

static uint8_t
byte_at(size_t at)
{
        return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static void
fill(uint8_t *bytes, size_t size)
{
        for (size_t i = 0; i < size; i++)
                bytes[i] = byte_at(i);
}

/* The spans of which `done` bytes went away. */
static void
advance(struct wr_span **spans, size_t *count, size_t done)
{
        while (*count != 0 && done >= (*spans)->size) {
                done -= (*spans)->size;
                ++*spans;
                --*count;
        }
        if (*count != 0) {
                (*spans)->at = (uint8_t *)(*spans)->at + done;
                (*spans)->size -= done;
        }
}

static enum weir_result
write_all(wr_object stream, struct wr_span *spans, size_t count)
{
        enum weir_result result;
        unsigned ready;
        size_t done;

        while (count != 0) {
                result = wr_stream_write(stream, spans, count, &done);
                if (result == WEIR_FULL)
                        result = wr_stream_wait(stream, WR_STREAM_WRITE, WR_NO_OBJECT, soon(), &ready);
                if (result != WEIR_OK)
                        return result;
                advance(&spans, &count, done);
        }
        return WEIR_OK;
}

static enum weir_result
read_all(wr_object stream, struct wr_span *spans, size_t count)
{
        enum weir_result result;
        unsigned ready;
        size_t done;

        while (count != 0) {
                result = wr_stream_read(stream, spans, count, &done);
                if (result == WEIR_EMPTY)
                        result = wr_stream_wait(stream, WR_STREAM_READ, WR_NO_OBJECT, soon(), &ready);
                if (result != WEIR_OK)
                        return result;
                advance(&spans, &count, done);
        }
        return WEIR_OK;
}

static void
say(wr_object stream, const char *words)
{
        struct wr_span span = { (void *)(uintptr_t)words, strlen(words) };

        cr_assert(eq(int, write_all(stream, &span, 1), WEIR_OK));
}

static void
hear(wr_object stream, const char *words)
{
        char heard[64] = "";
        struct wr_span span = { heard, strlen(words) };

        cr_assert(eq(int, read_all(stream, &span, 1), WEIR_OK));
        cr_assert(eq(str, heard, (char *)(uintptr_t)words));
}

EACH_WAY(what_is_written_at_one_end_is_read_at_the_other_both_ways)
{
        wr_object ends[2];

        pair(ends);
        say(ends[0], "there");
        say(ends[1], "and back");
        hear(ends[1], "there");
        hear(ends[0], "and back");
        close_both(ends);
}

EACH_WAY(there_is_nothing_to_read_until_something_was_written)
{
        char byte;
        struct wr_span span = { &byte, 1 };
        wr_object ends[2];
        unsigned ready;
        size_t done = 7;

        pair(ends);
        for (int end = 0; end < 2; end++) {
                cr_assert(eq(int, wr_stream_read(ends[end], &span, 1, &done), WEIR_EMPTY));
                cr_assert(zero(sz, done));
                cr_assert(eq(int, wr_stream_wait(ends[end], WR_STREAM_READ, WR_NO_OBJECT, wr_clock_ns(), &ready),
                             WEIR_EMPTY));
                cr_assert(zero(uint, ready));
                cr_assert(eq(int, wr_stream_wait(ends[end], WR_STREAM_WRITE, WR_NO_OBJECT, soon(), &ready), WEIR_OK));
                cr_assert(eq(uint, ready, WR_STREAM_WRITE));
        }
        close_both(ends);
}

EACH_WAY(empty_spans_are_no_end_of_it)
{
        struct wr_span none[2] = { { NULL, 0 }, { NULL, 0 } };
        wr_object ends[2];
        size_t done = 7;

        pair(ends);
        cr_assert(eq(int, wr_stream_write(ends[0], none, 2, &done), WEIR_OK));
        cr_assert(zero(sz, done));
        cr_assert(eq(int, wr_stream_read(ends[1], none, 2, &done), WEIR_OK));
        cr_assert(eq(int, wr_stream_read(ends[1], NULL, 0, &done), WEIR_OK));
        cr_assert(zero(sz, done));
        say(ends[0], "still");
        hear(ends[1], "still");
        close_both(ends);
}

EACH_WAY(a_full_one_says_so_and_has_room_again_when_it_was_read)
{
        static uint8_t out[1 << 20], in[1 << 20];
        struct wr_span span = { out, sizeof out }, room = { in, sizeof in };
        size_t done, written = 0, got = 0;
        enum weir_result result;
        wr_object ends[2];
        unsigned ready;

        pair(ends);
        fill(out, sizeof out);
        do { /* a full one may pass on what it has, and have room once more: until no more goes on */
                while ((result = wr_stream_write(ends[0], &span, 1, &done)) == WEIR_OK) {
                        cr_assert(gt(sz, done, 0));
                        written += done;
                        span = (struct wr_span){ out + written % sizeof out, sizeof out - written % sizeof out };
                        cr_assert(lt(sz, written, (size_t)64 << 20));
                }
                cr_assert(eq(int, result, WEIR_FULL));
        } while (wr_stream_wait(ends[0], WR_STREAM_WRITE, WR_NO_OBJECT, wr_clock_ns(), &ready) == WEIR_OK);
        while (got < written) {
                size_t at = got % sizeof out;

                room.size = sizeof in - at;
                result = wr_stream_read(ends[1], &room, 1, &done);
                if (result == WEIR_EMPTY)
                        result = wr_stream_wait(ends[1], WR_STREAM_READ, WR_NO_OBJECT, soon(), &ready);
                cr_assert(eq(int, result, WEIR_OK));
                cr_assert(zero(int, memcmp(in, out + at, done)));
                got += done;
        }
        cr_assert(eq(int, wr_stream_wait(ends[0], WR_STREAM_WRITE, WR_NO_OBJECT, soon(), &ready), WEIR_OK));
        say(ends[0], "more");
        hear(ends[1], "more");
        close_both(ends);
}

struct mover {
        wr_object stream;
        uint8_t *bytes;
        enum weir_result result;
};

static void *
send_big(void *argument)
{
        struct mover *sender = argument;
        struct wr_span span = { sender->bytes, BIG };

        sender->result = write_all(sender->stream, &span, 1);
        return NULL;
}

EACH_WAY(what_is_larger_than_any_buffer_arrives_in_pieces_that_are_in_order)
{
        struct mover sender = { .bytes = malloc(BIG) };
        uint8_t *in = malloc(BIG);
        struct wr_span spans[3] = { { in, 5 }, { in + 5, BIG - 12 }, { in + BIG - 7, 7 } };
        wr_object ends[2];
        wr_thread thread;

        pair(ends);
        fill(sender.bytes, BIG);
        sender.stream = ends[0];
        cr_assert(wr_thread_start(&thread, send_big, &sender, 0));
        cr_assert(eq(int, read_all(ends[1], spans, 3), WEIR_OK));
        wr_thread_join(thread);
        cr_assert(eq(int, sender.result, WEIR_OK));
        cr_assert(zero(int, memcmp(in, sender.bytes, BIG)));
        free(in);
        free(sender.bytes);
        close_both(ends);
}

static void *
receive_big(void *argument)
{
        struct mover *receiver = argument;
        struct wr_span span = { receiver->bytes, BIG };

        receiver->result = read_all(receiver->stream, &span, 1);
        return NULL;
}

struct filler {
        wr_object stream;
        size_t written;
};

static void *
fill_up(void *argument)
{
        struct filler *filler = argument;
        struct wr_span span;
        size_t done;
        static uint8_t out[1 << 20];

        do {
                for (size_t i = 0; i < sizeof out; i++)
                        out[i] = byte_at(filler->written + i);
                span = (struct wr_span){ out, sizeof out };
                if (wr_stream_write(filler->stream, &span, 1, &done) != WEIR_OK)
                        return NULL;
                filler->written += done;
        } while (filler->written < (size_t)64 << 20);
        return NULL;
}

/* What a write took is on its way: also where the system had no room for the last of it yet. */
EACH_WAY(what_a_thread_wrote_arrives_though_the_thread_has_ended)
{
        struct filler filler = { 0 };
        uint8_t byte = 0, *in;
        struct wr_span span = { &byte, 1 };
        wr_object ends[2];
        wr_thread thread;

        pair(ends);
        filler.stream = ends[0];
        cr_assert(wr_thread_start(&thread, fill_up, &filler, 0));
        wr_thread_join(thread);
        cr_assert(all(gt(sz, filler.written, 0), lt(sz, filler.written, (size_t)64 << 20)));
        in = malloc(filler.written);
        cr_assert(eq(int, read_all(ends[1], &span, 1), WEIR_OK));
        cr_assert(eq(u8, byte, byte_at(0)));
        span = (struct wr_span){ in, filler.written - 1 };
        cr_assert(eq(int, read_all(ends[1], &span, 1), WEIR_OK));
        for (size_t i = 1; i < filler.written; i++)
                if (in[i - 1] != byte_at(i))
                        cr_fatal("byte %zu of %zu", i, filler.written);
        free(in);
        close_both(ends);
}

/* Each waits for its own, and takes nothing from the other. */
EACH_WAY(one_thread_reads_an_end_while_another_writes_it)
{
        struct mover senders[2], receivers[2];
        wr_thread writing[2], reading[2];
        wr_object ends[2];

        pair(ends);
        for (int end = 0; end < 2; end++) {
                senders[end] = (struct mover){ .stream = ends[end], .bytes = malloc(BIG) };
                receivers[end] = (struct mover){ .stream = ends[end], .bytes = malloc(BIG) };
                fill(senders[end].bytes, BIG);
        }
        for (int end = 0; end < 2; end++) {
                cr_assert(wr_thread_start(&writing[end], send_big, &senders[end], 0));
                cr_assert(wr_thread_start(&reading[end], receive_big, &receivers[end], 0));
        }
        for (int end = 0; end < 2; end++) {
                wr_thread_join(writing[end]);
                wr_thread_join(reading[end]);
                cr_assert(eq(int, senders[end].result, WEIR_OK));
                cr_assert(eq(int, receivers[end].result, WEIR_OK));
        }
        for (int end = 0; end < 2; end++)
                cr_assert(zero(int, memcmp(receivers[end].bytes, senders[!end].bytes, BIG)));
        for (int end = 0; end < 2; end++) {
                free(receivers[end].bytes);
                free(senders[end].bytes);
        }
        close_both(ends);
}

EACH_WAY(many_spans_go_in_one_call_and_are_one_piece_of_bytes)
{
        static uint8_t out[PIECES * PIECE], in[PIECES * PIECE];
        static struct wr_span spans[2 * PIECES], back[PIECES];
        wr_object ends[2];
        size_t done;

        pair(ends);
        fill(out, sizeof out);
        for (size_t i = 0; i < PIECES; i++) {
                spans[2 * i] = (struct wr_span){ out + i * PIECE, PIECE - 3 };
                spans[2 * i + 1] = (struct wr_span){ out + i * PIECE + PIECE - 3, 3 };
                back[i] = (struct wr_span){ in + i * PIECE, PIECE };
        }
        cr_assert(eq(int, wr_stream_write(ends[1], spans, 2 * 10, &done), WEIR_OK));
        cr_assert(eq(sz, done, 10 * PIECE));
        cr_assert(eq(int, read_all(ends[0], back, 10), WEIR_OK));
        cr_assert(zero(int, memcmp(in, out, 10 * PIECE)));
        cr_assert(eq(int, wr_stream_write(ends[0], spans + 20, 2 * (PIECES - 10), &done), WEIR_OK));
        cr_assert(all(gt(sz, done, 0), le(sz, done, sizeof out - 10 * PIECE)));
        close_both(ends);
}

/* The end may be told before the last bytes were read, or behind them; read they are in any case. */
static void
reads_then_ends(wr_object stream, const char *words)
{
        char byte;
        struct wr_span span = { &byte, 1 };
        unsigned ready;
        size_t done;

        hear(stream, words);
        cr_assert(eq(int, wr_stream_wait(stream, WR_STREAM_READ, WR_NO_OBJECT, soon(), &ready), WEIR_OK));
        cr_assert(ne(uint, ready & WR_STREAM_READ, 0));
        cr_assert(eq(int, wr_stream_read(stream, &span, 1, &done), WEIR_E_CLOSED));
        cr_assert(zero(sz, done));
}

/* TCP can tell that the other end is gone only when something was sent there in vain. */
static void
refuses(wr_object stream, pair_fn *pair)
{
        struct wr_span span = { "x", 1 };
        int64_t deadline_ns = soon();
        enum weir_result result;
        size_t done;

        do
                result = wr_stream_write(stream, &span, 1, &done);
        while (pair == pair_tcp && result == WEIR_OK && wr_clock_ns() < deadline_ns);
        cr_assert(eq(int, result, WEIR_E_CLOSED));
}

EACH_WAY(what_was_written_before_a_close_is_read_and_then_comes_the_end)
{
        for (int closer = 0; closer < 2; closer++) {
                wr_object ends[2];

                pair(ends);
                say(ends[closer], "last words");
                wr_object_close(ends[closer]);
                reads_then_ends(ends[!closer], "last words");
                refuses(ends[!closer], pair);
                wr_object_close(ends[!closer]);
        }
}

EACH_WAY(an_end_that_is_closed_with_words_unread_is_an_end_and_no_failure)
{
        wr_object ends[2];

        pair(ends);
        say(ends[0], "never read");
        say(ends[1], "but this");
        wr_object_close(ends[1]);
        reads_then_ends(ends[0], "but this");
        wr_object_close(ends[0]);
}

EACH_WAY(a_hang_up_ends_both_directions)
{
        for (int who = 0; who < 2; who++) {
                char byte;
                struct wr_span in = { &byte, 1 };
                wr_object ends[2];
                unsigned ready;
                size_t done;

                pair(ends);
                wr_stream_hang_up(ends[who]);
                wr_stream_hang_up(ends[who]); /* once more makes no difference */
                for (int end = 0; end < 2; end++) {
                        cr_assert(eq(int, wr_stream_wait(ends[end], 0, WR_NO_OBJECT, soon(), &ready), WEIR_OK));
                        cr_assert(eq(uint, ready, WR_STREAM_READ));
                        cr_assert(eq(int, wr_stream_read(ends[end], &in, 1, &done), WEIR_E_CLOSED));
                        refuses(ends[end], pair);
                }
                close_both(ends);
        }
}

static void *
hang_up(void *argument)
{
        wr_stream_hang_up(*(wr_object *)argument);
        return NULL;
}

static void *
raise_flag(void *argument)
{
        wr_flag_raise(*(wr_object *)argument);
        return NULL;
}

EACH_WAY(a_hang_up_from_another_thread_wakes_who_waits)
{
        for (unsigned what = 0; what <= WR_STREAM_READ; what++) {
                wr_object ends[2];
                wr_thread thread;
                unsigned ready;

                pair(ends);
                cr_assert(wr_thread_start(&thread, hang_up, &ends[0], 0));
                cr_assert(eq(int, wr_stream_wait(ends[0], what, WR_NO_OBJECT, INT64_MAX, &ready), WEIR_OK));
                cr_assert(eq(uint, ready, WR_STREAM_READ));
                wr_thread_join(thread);
                close_both(ends);
        }
}

EACH_WAY(a_hang_up_wakes_who_waits_for_room)
{
        static uint8_t out[1 << 20];
        struct wr_span span = { out, sizeof out };
        enum weir_result result;
        wr_object ends[2];
        wr_thread thread;
        unsigned ready;
        size_t done;

        pair(ends);
        while (wr_stream_write(ends[0], &span, 1, &done) == WEIR_OK)
                continue;
        cr_assert(wr_thread_start(&thread, hang_up, &ends[0], 0));
        do { /* room may come of what was passed on, too */
                cr_assert(eq(int, wr_stream_wait(ends[0], WR_STREAM_WRITE, WR_NO_OBJECT, INT64_MAX, &ready), WEIR_OK));
                cr_assert(ne(uint, ready & WR_STREAM_WRITE, 0));
                result = wr_stream_write(ends[0], &span, 1, &done);
        } while (result == WEIR_OK || result == WEIR_FULL);
        cr_assert(eq(int, result, WEIR_E_CLOSED));
        wr_thread_join(thread);
        close_both(ends);
}

EACH_WAY(a_flag_wakes_who_waits_for_either)
{
        wr_object ends[2], flag;
        wr_thread thread;
        unsigned ready;

        pair(ends);
        cr_assert(eq(int, wr_flag_create(&flag), WEIR_OK));
        cr_assert(wr_thread_start(&thread, raise_flag, &flag, 0));
        cr_assert(eq(int, wr_stream_wait(ends[0], WR_STREAM_READ, flag, INT64_MAX, &ready), WEIR_OK));
        cr_assert(eq(uint, ready, WR_STREAM_ALSO));
        wr_thread_join(thread);
        say(ends[1], "x");
        cr_assert(eq(int, wr_stream_wait(ends[0], 0, flag, soon(), &ready), WEIR_OK));
        cr_assert(eq(uint, ready, WR_STREAM_ALSO)); /* what there is to read wakes nobody who does not want to read */
        wr_flag_lower(flag);
        cr_assert(eq(int, wr_stream_wait(ends[0], 0, flag, wr_clock_ns(), &ready), WEIR_EMPTY));
        cr_assert(eq(int, wr_stream_wait(ends[0], WR_STREAM_READ, flag, soon(), &ready), WEIR_OK)); /* it has come */
        cr_assert(eq(int, wr_stream_wait(ends[0], WR_STREAM_READ | WR_STREAM_WRITE, flag, soon(), &ready), WEIR_OK));
        cr_assert(ne(uint, ready & WR_STREAM_READ, 0));
        wr_object_close(flag);
        close_both(ends);
}

Test(stream, what_is_no_stream_is_not_adopted)
{
        wr_object flag, region;

        cr_assert(eq(int, wr_flag_create(&flag), WEIR_OK));
        cr_assert(eq(int, wr_region_create(&region, "region", 4096), WEIR_OK));
        cr_assert(eq(int, wr_stream_adopt(&flag), WEIR_E_CORRUPT));
        cr_assert(eq(int, wr_stream_adopt(&region), WEIR_E_CORRUPT));
        wr_object_close(flag);
        wr_object_close(region);
}

Test(stream, an_end_that_was_never_adopted_is_closed_like_any)
{
        char byte;
        struct wr_span span = { &byte, 1 };
        wr_object ends[2];
        unsigned ready;
        size_t done;

        cr_assert(eq(int, wr_stream_pair(WR_NO_OBJECT, ends), WEIR_OK));
        wr_object_close(ends[1]);
        cr_assert(eq(int, wr_stream_wait(ends[0], WR_STREAM_READ, WR_NO_OBJECT, soon(), &ready), WEIR_OK));
        cr_assert(eq(int, wr_stream_read(ends[0], &span, 1, &done), WEIR_E_CLOSED));
        wr_object_close(ends[0]);
}
