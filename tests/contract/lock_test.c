/* The lock that says who may be the broker: one holder at a time, also while it is removed and made again. */
#include "named-objects/lock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/weir-test-XXXXXX", path[64];

static void
begin(void)
{
        cr_assert(mkdtemp(folder) != NULL);
        snprintf(path, sizeof(path), "%s/bus.lock", folder);
}

static void
end(void)
{
        unlink(path);
        rmdir(folder);
}

TestSuite(lock, .init = begin, .fini = end, .timeout = 60);

Test(lock, a_second_one_is_told_that_it_is_taken)
{
        wr_object first, second;

        cr_assert(eq(int, wr_lock_take(&first, path), WEIR_OK));
        cr_assert(eq(int, wr_lock_take(&second, path), WEIR_FULL));
        cr_assert(eq(int, second, WR_NO_OBJECT));
        wr_object_close(first); /* as a death would */
        cr_assert(eq(int, wr_lock_take(&second, path), WEIR_OK));
        wr_lock_give(second, path);
}

Test(lock, who_gives_it_back_leaves_no_file)
{
        wr_object lock;

        cr_assert(eq(int, wr_lock_take(&lock, path), WEIR_OK));
        cr_assert(eq(int, access(path, F_OK), 0));
        wr_lock_give(lock, path);
        cr_assert(ne(int, access(path, F_OK), 0));
        wr_lock_give(WR_NO_OBJECT, path);
}

Test(lock, the_file_of_another_holder_is_not_removed)
{
        wr_object lost, held;

        cr_assert(eq(int, wr_lock_take(&lost, path), WEIR_OK));
        unlink(path); /* by hand */
        cr_assert(eq(int, wr_lock_take(&held, path), WEIR_OK));
        wr_lock_give(lost, path);
        cr_assert(eq(int, access(path, F_OK), 0));
        wr_lock_give(held, path);
}

Test(lock, what_is_no_plain_file_of_ours_is_denied)
{
        char other[80];
        wr_object lock;

        snprintf(other, sizeof(other), "%s/other", folder);
        cr_assert(eq(int, symlink(other, path), 0));
        cr_assert(eq(int, wr_lock_take(&lock, path), WEIR_E_DENIED));
        unlink(path);
        cr_assert(eq(int, mkfifo(path, 0600), 0));
        cr_assert(eq(int, wr_lock_take(&lock, path), WEIR_E_DENIED));
}

/* Takes it often and gives it back; `inside` counts who holds it at this moment. */
static int
contend(int *inside, int *turns)
{
        for (int i = 0; i < 20000; i++) {
                wr_object lock;

                if (wr_lock_take(&lock, path) != WEIR_OK)
                        continue;
                if (__atomic_add_fetch(inside, 1, __ATOMIC_SEQ_CST) != 1)
                        return 1;
                __atomic_add_fetch(turns, 1, __ATOMIC_SEQ_CST);
                __atomic_sub_fetch(inside, 1, __ATOMIC_SEQ_CST);
                wr_lock_give(lock, path);
        }
        return 0;
}

Test(lock, two_never_hold_it_while_it_is_removed_and_made_again)
{
        int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        enum { CONTENDERS = 4 };
        pid_t contenders[CONTENDERS];

        cr_assert(shared != MAP_FAILED);
        for (int i = 0; i < CONTENDERS; i++) {
                contenders[i] = fork();
                if (contenders[i] == 0) {
                        prctl(PR_SET_PDEATHSIG, SIGKILL);
                        _exit(contend(&shared[0], &shared[64]));
                }
        }
        for (int i = 0; i < CONTENDERS; i++) {
                int status;

                cr_assert(eq(int, waitpid(contenders[i], &status, 0), contenders[i]));
                cr_assert(eq(int, status, 0), "two held it at once");
        }
        cr_assert(gt(int, shared[64], CONTENDERS));
        cr_assert(ne(int, access(path, F_OK), 0));
}
