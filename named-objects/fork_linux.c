/*
 * One page that the kernel wipes in a forked child (MADV_WIPEONFORK) holds the generation. The count beside it is
 * inherited, so that a child that makes objects of its own gets a number that no object of its parents has.
 */
#include "named-objects/fork.h"

#include "bus/atomic.h"

#include <sys/mman.h>

static _Atomic(wr_word *) page;
static wr_word count;

static wr_word *
fork_page(void)
{
        wr_word *now = atomic_load_explicit(&page, memory_order_acquire);
        void *fresh;

        if (now)
                return now;
        fresh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (fresh == MAP_FAILED)
                return NULL;
        if (madvise(fresh, 4096, MADV_WIPEONFORK) < 0) {
                munmap(fresh, 4096);
                return NULL;
        }
        if (atomic_compare_exchange_strong(&page, &now, fresh))
                return fresh;
        munmap(fresh, 4096); /* another thread was first */
        return now;
}

uint64_t
wr_fork_generation(void)
{
        wr_word *generation = fork_page();
        uint64_t none = 0;

        if (!generation)
                return 0;
        if (wr_load_acquire(generation) == 0)
                atomic_compare_exchange_strong(generation, &none, atomic_fetch_add(&count, 1) + 1);
        return wr_load_acquire(generation);
}

bool
wr_fork_same(uint64_t generation)
{
        const wr_word *now = atomic_load_explicit(&page, memory_order_acquire);

        return now && wr_load(now) == generation;
}
