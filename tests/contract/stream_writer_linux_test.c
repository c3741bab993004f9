/* The ring of a stream's writer: that it is in use at all, when a place in it is written again, and what becomes of the
 * bytes where the system does not let us have it. */
#include "named-objects/stream_writer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { PIECE = 48 << 10, HELD = 256 << 10 };

TestSuite(stream_writer_linux, .timeout = 60);

static uint64_t piece[PIECE / 8];

static void
number(uint64_t n)
{
        for (size_t i = 0; i < PIECE / 8; i++)
                piece[i] = n * (PIECE / 8) + i;
}

/* Pieces with numbers from *first on, until there is no room. */
static void
write_until_full(struct wr_stream_writer *writer, uint64_t *first, size_t *rest)
{
        struct wr_span span;
        size_t done;

        for (;;) {
                if (*rest == 0) {
                        *rest = PIECE;
                        number((*first)++);
                }
                span = (struct wr_span){ (uint8_t *)piece + PIECE - *rest, *rest };
                if (wr_stream_writer_write(writer, &span, 1, &done) == WEIR_FULL)
                        return;
                cr_assert(gt(sz, done, 0));
                *rest -= done;
        }
}

static void
read_check(wr_object stream, uint64_t *at, size_t size)
{
        static uint64_t in[HELD / 8];

        for (size_t got = 0, done; got < size; got += done) {
                struct wr_span span = { in, (size - got < HELD ? size - got : HELD) / 8 * 8 };

                cr_assert(eq(int, wr_stream_read(stream, &span, 1, &done), WEIR_OK));
                cr_assert(zero(sz, done % 8));
                for (size_t i = 0; i < done / 8; i++)
                        cr_assert(eq(u64, in[i], (*at)++));
        }
}

/* A socket that takes more than the ring holds: then the ring is what ends it. */
static void
widen(wr_object stream)
{
        int much = 64 << 20;

        cr_assert(zero(int, setsockopt(stream, SOL_SOCKET, SO_SNDBUFFORCE, &much, sizeof much)));
}

Test(stream_writer_linux, no_place_is_written_again_before_it_was_read)
{
        struct wr_stream_writer writer;
        struct wr_span span = { piece, sizeof piece };
        uint64_t first = 0, at = 0;
        enum weir_result result;
        wr_object ends[2];
        size_t rest = 0, done;

        cr_assert(eq(int, wr_stream_pair(WR_NO_OBJECT, ends), WEIR_OK));
        wr_stream_writer_open(&writer, ends[0]);
        for (int lap = 0; lap < 40; lap++) {
                write_until_full(&writer, &first, &rest);
                cr_assert(ne(ptr, writer.ring, NULL));
                if (lap > 0)
                        cr_assert(gt(sz, writer.sent - at * 8, (size_t)3 << 20), "the socket was full first");
                widen(ends[0]);
                read_check(ends[1], &at, lap % 2 ? (size_t)(writer.sent - at * 8) : HELD);
        }
        write_until_full(&writer, &first, &rest);
        wr_object_close(ends[1]);
        signal(SIGPIPE, SIG_IGN);
        while ((result = wr_stream_writer_write(&writer, &span, 1, &done)) == WEIR_OK)
                ;
        cr_assert(eq(int, result, WEIR_E_CLOSED));
        wr_stream_writer_close(&writer);
        wr_object_close(ends[0]);
}

/* From now on, in this process. */
static void
forbid(unsigned call)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { sizeof code / sizeof code[0], code };

        cr_assert(zero(int, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)));
        cr_assert(zero(int, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)));
}

static void
goes_without(unsigned call)
{
        struct wr_stream_writer writer;
        uint64_t first = 0, at = 0;
        enum weir_result result;
        wr_object ends[2];
        size_t rest = 0;

        cr_assert(eq(int, wr_stream_pair(WR_NO_OBJECT, ends), WEIR_OK));
        wr_stream_writer_open(&writer, ends[0]);
        forbid(call);
        write_until_full(&writer, &first, &rest);
        cr_assert(writer.is_plain);
        cr_assert(gt(u64, first, 1));
        result = wr_stream_writer_flush(&writer);
        cr_assert(eq(int, result, writer.kept > 0 ? WEIR_FULL : WEIR_OK));
        cr_assert(zero(sz, writer.piped));
        read_check(ends[1], &at, ((size_t)first * PIECE - rest - writer.kept) / 8 * 8);
        cr_assert(eq(int, wr_stream_writer_flush(&writer), WEIR_OK));
        read_check(ends[1], &at, (size_t)first * PIECE - rest - (size_t)at * 8);
        wr_stream_writer_close(&writer);
        wr_object_close(ends[0]);
        wr_object_close(ends[1]);
}

Test(stream_writer_linux, where_vmsplice_is_forbidden_it_goes_without)
{
        goes_without(SYS_vmsplice);
}

Test(stream_writer_linux, where_splice_is_forbidden_it_goes_without)
{
        goes_without(SYS_splice);
}

Test(stream_writer_linux, where_no_pipe_is_to_be_had_it_goes_without)
{
        goes_without(SYS_pipe2);
}
