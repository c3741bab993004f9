/* The broker's log: limited per identity, printable, and never a reason to wait. */
#include "broker/log.h"

#include "tests/unit/log_pipe.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

static struct wr_log log_;

static void
begin(void)
{
        log_pipe_open(&log_);
}

TestSuite(log, .init = begin);

static const char *
written(void)
{
        static char text[65536];

        text[log_pipe_read(text, sizeof(text) - 1)] = '\0';
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
        cr_assert(eq(str, (char *)written(), "<4>refused 7\n"), "the journal knows who speaks");
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
        cr_assert(eq(str, (char *)written(), "weir: suppressed 90 lines about strangers\nweir: noise\n"));
}

Test(log, what_was_left_out_is_told_when_an_identity_fell_silent)
{
        struct wr_accounts accounts;
        struct wr_identity identity = { .trust = WR_TRUST_FULL, .user = wr_sid_of_uid(7) };
        struct wr_account *noisy;

        wr_quota_open(&accounts, &wr_limits_default, 0);
        noisy = wr_quota_account(&accounts, &identity);
        for (int i = 0; i < 15; i++)
                wr_log_line(&log_, noisy, SECOND, WR_LOG_WARNING, "noise");
        for (int i = 0; i < 11; i++)
                wr_log_line(&log_, &log_.strangers, SECOND, WR_LOG_WARNING, "knock");
        cr_assert(eq(int, lines_of(written()), 20));
        wr_log_tick(&log_, &accounts, SECOND + SECOND / 2);
        cr_assert(eq(str, (char *)written(), ""), "it has to be quiet for a second");
        wr_quota_drop(noisy); /* it left meanwhile */
        wr_log_tick(&log_, &accounts, 2 * SECOND);
        cr_assert(eq(str, (char *)written(),
                     "weir: suppressed 1 line about strangers\nweir: suppressed 5 lines about user:7\n"));
        wr_log_tick(&log_, &accounts, 9 * SECOND);
        cr_assert(eq(str, (char *)written(), ""), "once");
        wr_quota_close(&accounts);
}

Test(log, what_a_client_chose_cannot_make_a_line_of_its_own)
{
        wr_log_line(&log_, NULL, SECOND, WR_LOG_WARNING, "%s", "a\nweir: b\x1b[2J\x7f\\");
        cr_assert(eq(str, (char *)written(), "weir: a\\x0aweir: b\\x1b[2J\\x7f\\\n"));
}

Test(log, only_whole_characters_that_change_nothing_around_them_are_written_as_they_are)
{
        static const struct {
                const char *text, *written;
        } cases[] = {
                { "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xa5",
                  "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xa5" },
                { "\\\\.\\pipe\\weir-x", "\\\\.\\pipe\\weir-x" }, /* a path is told as it is */
                { "\\x1b", "\\\\x1b" },                           /* what looks escaped is not */
                { "\\\x1b", "\\\\\\x1b" },                        /* nor what stands before it */
                { "\xc2\x9b"
                  "2J",
                  "\\xc2\\x9b2J" }, /* CSI in one character */
                { "\xe2\x80\xae"
                  "abc",
                  "\\xe2\\x80\\xae"
                  "abc" },                                      /* turns the direction */
                { "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },          /* a line separator */
                { "\xff", "\\xff" },                            /* no UTF-8 at all */
                { "\xc3", "\\xc3" },                            /* cut */
                { "\xc0\x8a", "\\xc0\\x8a" },                   /* a line break, longer than it may be */
                { "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* half of a pair */
                { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* beyond the last */
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                char wanted[128];

                snprintf(wanted, sizeof(wanted), "weir: %s\n", cases[i].written);
                wr_log_line(&log_, NULL, SECOND, WR_LOG_WARNING, "%s", cases[i].text);
                cr_assert(eq(str, (char *)written(), wanted));
        }
}

Test(log, a_long_line_is_cut_and_still_ends)
{
        char text[5000];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        wr_log_line(&log_, NULL, SECOND, WR_LOG_WARNING, "%s", text);
        const char *line = written();
        cr_assert(le(sz, strlen(line), 1024));
        cr_assert(gt(sz, strlen(line), 1000));
        cr_assert(eq(str, (char *)line + strlen(line) - 5, "x...\n"));
        memset(text, '\x01', sizeof(text) - 1); /* four times as long when written */
        wr_log_line(&log_, NULL, SECOND, WR_LOG_WARNING, "%s", text);
        line = written();
        cr_assert(le(sz, strlen(line), 1024));
        cr_assert(eq(str, (char *)line + strlen(line) - 8, "\\x01...\n"));
}

Test(log, a_reader_that_does_not_read_loses_lines_and_holds_nobody_up)
{
        log_pipe_block();
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
        cr_assert(log_.object == WR_NO_OBJECT);
        cr_assert(lt(int, wr_log_open_file(&log_, "/nowhere/log"), 0));
}
