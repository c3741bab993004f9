/* Committing memory: there it is afterwards, or there is an error. Never a signal. */
#include "bus/os/memory.h"

#include "tests/unit/memory_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <string.h>

TestSuite(memory, .timeout = 60);

enum { MIB = 1 << 20, PAGE = 4096 };

Test(memory, the_page_size_is_the_systems)
{
        cr_assert(eq(sz, wr_memory_page_bytes(), memory_page_bytes()));
}

Test(memory, what_is_committed_is_there_and_nothing_else)
{
        char *memory = memory_reserved(4 * MIB);

        cr_assert(eq(int, wr_memory_commit(memory + MIB, MIB), WEIR_OK));
        cr_assert(eq(sz, memory_pages_there(memory, 4 * MIB), 256));
        cr_assert(eq(sz, memory_pages_there(memory + MIB, MIB), 256));
}

Test(memory, an_odd_range_is_committed_with_the_pages_it_touches)
{
        char *memory = memory_reserved(16 * PAGE);

        cr_assert(eq(int, wr_memory_commit(memory + PAGE - 1, 2), WEIR_OK));
        cr_assert(eq(sz, memory_pages_there(memory, 16 * PAGE), 2));
        cr_assert(eq(int, wr_memory_commit(memory + 5 * PAGE + 7, 0), WEIR_OK));
        cr_assert(eq(sz, memory_pages_there(memory, 16 * PAGE), 2));
}

Test(memory, committing_again_changes_no_byte)
{
        char *memory = memory_reserved(MIB);

        cr_assert(eq(int, wr_memory_commit(memory, MIB / 2), WEIR_OK));
        memset(memory, 0x77, MIB / 2);
        cr_assert(eq(int, wr_memory_commit(memory, MIB), WEIR_OK));
        for (int i = 0; i < MIB; i++)
                cr_assert_eq(memory[i], i < MIB / 2 ? 0x77 : 0);
}

Test(memory, what_cannot_be_committed_is_an_error_and_no_signal)
{
        char *memory = memory_read_only(MIB);

        cr_assert(eq(int, wr_memory_commit(memory, SIZE_MAX), WEIR_E_TOO_LARGE));
        cr_assert(lt(int, wr_memory_commit(memory, MIB), 0));
        cr_assert(lt(int, wr_memory_commit(memory_gone(MIB), MIB), 0));
        wr_memory_huge(memory, MIB); /* a wish, whatever it is about */
}
