/* The lock that says who may be the broker: one holder at a time, also while it is removed and made again. */
#include "named-objects/lock.h"

#include "tests/contract/actor.h"
#include "tests/contract/folder.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sched.h>

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

#ifdef _WIN32
enum { NO_LOCKS = 1 };

static void
no_lock_make(int kind)
{
        (void)kind;
        cr_assert(folder_create(path));
}

static void
no_lock_remove(void)
{
        folder_delete(path);
}
#else
#        include <sys/stat.h>

enum { NO_LOCKS = 2 };

static void
no_lock_make(int kind)
{
        char other[FOLDER_PATH_MAX + 16];

        snprintf(other, sizeof(other), "%s/other", folder);
        cr_assert(eq(int, kind == 0 ? symlink(other, path) : mkfifo(path, 0600), 0));
}

static void
no_lock_remove(void)
{
        remove(path);
}
#endif

TestSuite(lock, .init = begin, .fini = end, .timeout = 60);

Test(lock, a_second_one_is_told_that_it_is_taken)
{
        wr_object first, second;

        cr_assert(eq(int, wr_lock_take(&first, path), WEIR_OK));
        cr_assert(eq(int, wr_lock_take(&second, path), WEIR_FULL));
        cr_assert(second == WR_NO_OBJECT);
        wr_object_close(first); /* as a death would */
        cr_assert(eq(int, wr_lock_take(&second, path), WEIR_OK));
        wr_lock_give(second, path);
}

Test(lock, who_gives_it_back_leaves_no_file)
{
        wr_object lock;

        cr_assert_not(wr_lock_exists(path));
        cr_assert(eq(int, wr_lock_take(&lock, path), WEIR_OK));
        cr_assert(wr_lock_exists(path) && file_is_there(path));
        wr_lock_give(lock, path);
        cr_assert_not(wr_lock_exists(path) || file_is_there(path));
        wr_lock_give(WR_NO_OBJECT, path);
}

static wr_object
page_of(struct actor_page **page)
{
        wr_object region;
        void *address;

        cr_assert(eq(int, wr_region_create(&region, "page", sizeof **page), WEIR_OK));
        cr_assert(eq(int, wr_region_allocate(region, sizeof **page), WEIR_OK));
        cr_assert(eq(int, wr_region_map(region, sizeof **page, true, &address), WEIR_OK));
        *page = address;
        return region;
}

Test(lock, of_a_holder_that_died_exists_and_can_be_taken)
{
        struct actor_page *page;
        wr_object region = page_of(&page), lock;
        struct actor actor = actor_start("hold", path, &region, 1);

        while (wr_load32(&page->ready) == 0)
                sched_yield();
        cr_assert(eq(int, wr_lock_take(&lock, path), WEIR_FULL));
        actor_kill(&actor);
        actor_wait(&actor);
        cr_assert(wr_lock_exists(path));
        cr_assert(eq(int, wr_lock_take(&lock, path), WEIR_OK));
        wr_lock_give(lock, path);
        cr_assert_not(wr_lock_exists(path));
}

Test(lock, what_is_a_directory_is_no_lock)
{
        wr_object lock;

        cr_assert(folder_create(path));
        cr_assert(lt(int, wr_lock_take(&lock, path), 0));
        cr_assert(lock == WR_NO_OBJECT);
}

Test(lock, two_never_hold_it_while_it_is_removed_and_made_again)
{
        enum { CONTENDERS = 4 };
        struct actor contenders[CONTENDERS];
        struct actor_page *page;
        wr_object region = page_of(&page);

        for (int i = 0; i < CONTENDERS; i++)
                contenders[i] = actor_start("contend", path, &region, 1);
        for (int i = 0; i < CONTENDERS; i++)
                cr_assert(eq(int, actor_wait(&contenders[i]), 0), "two held it at once");
        cr_assert(gt(u32, wr_load32(&page->turns), CONTENDERS));
        cr_assert_not(file_is_there(path));
}

Test(lock, what_is_no_plain_file_of_ours_is_denied)
{
        wr_object lock;

        for (int kind = 0; kind < NO_LOCKS; kind++) {
                no_lock_make(kind);
                cr_assert(eq(int, wr_lock_take(&lock, path), WEIR_E_DENIED), "%d", kind);
                cr_assert(lock == WR_NO_OBJECT);
                no_lock_remove();
        }
        cr_assert(eq(int, wr_lock_take(&lock, path), WEIR_OK));
        wr_lock_give(lock, path);
}
