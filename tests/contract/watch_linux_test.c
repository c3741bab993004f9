/* What watch.h promises of a thread with a descriptor table of its own, which is only on Linux. */
#include "named-objects/watch.h"

#include "named-objects/flag.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(watch_linux, .timeout = 30);

enum { NUMBERS = 64 };

struct table {
        wr_object keep[2];
        size_t count;
        enum weir_result result;
        char what[NUMBERS][64]; /* by number; empty: closed */
};

static void *
look_from_own_table(void *argument)
{
        struct table *table = argument;

        table->result = wr_watch_own_table(table->keep, table->count);
        for (int number = 0; number < NUMBERS; number++) {
                char path[64], what[64] = "?";

                snprintf(path, sizeof path, "/proc/thread-self/fd/%d", number);
                if (fcntl(number, F_GETFD) < 0)
                        continue;
                readlink(path, what, sizeof what - 1);
                memcpy(table->what[number], what, sizeof what);
        }
        return NULL;
}

static void
look(struct table *table)
{
        pthread_t thread;

        cr_assert(eq(int, pthread_create(&thread, NULL, look_from_own_table, table), 0));
        pthread_join(thread, NULL);
        cr_assert(eq(int, table->result, WEIR_OK));
}

Test(watch_linux, a_table_of_its_own_has_flags_at_the_standard_numbers_and_else_what_was_kept)
{
        struct table table = { .count = 1 };

        table.keep[0] = fcntl(STDERR_FILENO, F_DUPFD, 17);
        cr_assert(ge(int, table.keep[0], 17));
        look(&table);
        for (int number = 0; number < NUMBERS; number++) {
                if (number <= STDERR_FILENO)
                        cr_assert_not_null(strstr(table.what[number], "eventfd"), "%d is %s", number,
                                           table.what[number]);
                else
                        cr_assert(eq(int, table.what[number][0] != '\0', number == table.keep[0]), "%d is %s", number,
                                  table.what[number]);
        }
}

Test(watch_linux, a_kept_object_stays_where_it_is_even_at_a_standard_number)
{
        struct table table = { .count = 2 };
        int ends[2];

        cr_assert(eq(int, pipe(ends), 0));
        cr_assert(eq(int, dup2(ends[0], 1), 1));
        table.keep[0] = ends[1];
        table.keep[1] = 1;
        look(&table);
        cr_assert_not_null(strstr(table.what[0], "eventfd"));
        cr_assert_not_null(strstr(table.what[1], "pipe"));
        cr_assert_not_null(strstr(table.what[2], "eventfd"));
        for (int number = 3; number < NUMBERS; number++)
                cr_assert(eq(int, table.what[number][0] != '\0', number == ends[1]), "%d is %s", number,
                          table.what[number]);
}
