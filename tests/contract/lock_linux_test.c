/* What lock.h promises on Linux beyond what it promises everywhere: the file may be removed under its holder. */
#include "named-objects/lock.h"

#include "tests/contract/folder.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static char folder[FOLDER_PATH_MAX], path[FOLDER_PATH_MAX + 16];

static void
begin(void)
{
        folder_make(folder);
        snprintf(path, sizeof(path), "%s/bus.lock", folder);
}

static void
end(void)
{
        folder_remove(folder);
}

TestSuite(lock_linux, .init = begin, .fini = end, .timeout = 60);

Test(lock_linux, the_file_of_another_holder_is_not_removed)
{
        wr_object lost, held;

        cr_assert(eq(int, wr_lock_take(&lost, path), WEIR_OK));
        unlink(path); /* by hand */
        cr_assert(eq(int, wr_lock_take(&held, path), WEIR_OK));
        wr_lock_give(lost, path);
        cr_assert(eq(int, access(path, F_OK), 0));
        wr_lock_give(held, path);
}
