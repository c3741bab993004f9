/* The broker's log: limited per identity, printable, and never a reason to wait. */
#include "broker/log.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static int ends[2];
static struct wr_log log_;

static void
begin(void)
{
        cr_assert(eq(int, pipe2(ends, O_NONBLOCK), 0));
        log_ = (struct wr_log){ .object = ends[1] };
}

TestSuite(log, .init = begin);

static const char *
written(void)
{
        static char text[65536];
        ssize_t got = read(ends[0], text, sizeof(text) - 1);

        text[got > 0 ? got : 0] = '\0';
        return text;
}

static int
lines_of(const char *text)
{
        int lines = 0;

        for (; *text; text++)
                lines += *text == '\n';
        return lines;
}

Test(log, a_line_has_its_priority_only_where_systemd_reads)
{
        wr_log_line(&log_, NULL, SECOND, WR_LOG_WARNING, "refused %d", 7);
        cr_assert(eq(str, (char *)written(), "weir: refused 7\n"));
        log_.has_priorities = true;
        wr_log_line(&log_, NULL, SECOND, WR_LOG_WARNING, "refused %d", 7);
        cr_assert(eq(str, (char *)written(), "<4>weir: refused 7\n"));
}

Test(log, one_identity_gets_ten_lines_and_then_one_a_second)
{
        struct wr_account noisy = { .references = 1 }, quiet = { .references = 1 };

        for (int i = 0; i < 100; i++)
                wr_log_line(&log_, &noisy, SECOND, WR_LOG_WARNING, "noise");
        cr_assert(eq(int, lines_of(written()), 10));
        wr_log_line(&log_, &quiet, SECOND, WR_LOG_WARNING, "heard");
        cr_assert(eq(str, (char *)written(), "weir: heard\n"), "others are not limited by it");
        wr_log_line(&log_, &noisy, 2 * SECOND, WR_LOG_WARNING, "noise");
        cr_assert(eq(str, (char *)written(), "weir: noise (90 lines left out before)\n"));
}

Test(log, what_a_client_chose_cannot_make_a_line_of_its_own)
{
        wr_log_line(&log_, NULL, SECOND, WR_LOG_WARNING, "%s", "a\nweir: b\x1b[2J\x7f");
        cr_assert(eq(str, (char *)written(), "weir: a?weir: b?[2J?\n"));
}

Test(log, a_long_line_is_cut_and_still_ends)
{
        char text[5000];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        wr_log_line(&log_, NULL, SECOND, WR_LOG_WARNING, "%s", text);
        const char *line = written();
        cr_assert(strlen(line) <= 1024 && line[strlen(line) - 1] == '\n');
}

Test(log, a_reader_that_does_not_read_loses_lines_and_holds_nobody_up)
{
        fcntl(ends[1], F_SETFL, 0); /* a write would block */
        for (int i = 0; i < 20000; i++)
                wr_log_line(&log_, NULL, SECOND, WR_LOG_WARNING, "%0100d", i);
        cr_assert(gt(u64, log_.dropped, 0));
}

Test(log, without_a_place_nothing_is_written)
{
        log_.object = WR_NO_OBJECT;
        wr_log_line(&log_, NULL, SECOND, WR_LOG_WARNING, "nothing");
        cr_assert(eq(str, (char *)written(), ""));
        cr_assert(eq(int, wr_log_open_file(&log_, NULL), WEIR_OK));
        cr_assert(eq(int, log_.object, WR_NO_OBJECT));
        cr_assert(lt(int, wr_log_open_file(&log_, "/nowhere/log"), 0));
}
