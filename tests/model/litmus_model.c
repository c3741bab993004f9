/*
 * The explorer itself, on the classic small programs: what must be found is found, what cannot happen is not. A bug
 * here would let every other model pass.
 */
#include "tests/model/atomic_model.h"
#include "tests/model/explore.h"

struct litmus {
        wr_word x, y, z;
        uint64_t seen[4];
};

static struct litmus *l; /* set anew by each setup */

static void
setup(void)
{
        l = explore_alloc(sizeof *l);
        explore_name(&l->x, 8, "x");
        explore_name(&l->y, 8, "y");
        explore_name(&l->z, 8, "z");
}

/* Each stores, then loads the other's word. */
static void
store_load_plain_x(void)
{
        wr_store_release(&l->x, 1);
        l->seen[0] = wr_load_acquire(&l->y);
}

static void
store_load_plain_y(void)
{
        wr_store_release(&l->y, 1);
        l->seen[1] = wr_load_acquire(&l->x);
}

static void
store_load_fenced_x(void)
{
        wr_store(&l->x, 1);
        wr_fence();
        l->seen[0] = wr_load(&l->y);
}

static void
store_load_fenced_y(void)
{
        wr_store(&l->y, 1);
        wr_fence();
        l->seen[1] = wr_load(&l->x);
}

static void
store_load_barrier_x(void)
{
        wr_store(&l->x, 1);
        machine_barrier();
        l->seen[0] = wr_load(&l->y);
}

static void
setup_registered(void)
{
        setup();
        explore_register(0);
        explore_register(1);
}

static void
setup_caller_registered(void)
{
        setup();
        explore_register(0);
}

static void
store_load_system_x(void)
{
        wr_store(&l->x, 1);
        machine_barrier_system();
        l->seen[0] = wr_load(&l->y);
        l->seen[2] = wr_load(&l->z);
}

static void
store_load_plain_z(void)
{
        wr_store_release(&l->z, 1);
        l->seen[3] = wr_load_acquire(&l->x);
}

static void
somebody_saw_the_other(void)
{
        explore_check(l->seen[0] == 1 || l->seen[1] == 1, "both missed the other's store");
}

static void
everybody_saw_the_other(void)
{
        somebody_saw_the_other();
        explore_check(l->seen[2] == 1 || l->seen[3] == 1, "both missed the other's store");
}

/* Payload, then flag. */
static void
send_released(void)
{
        wr_store(&l->x, 1);
        wr_store_release(&l->y, 1);
}

static void
send_relaxed(void)
{
        wr_store(&l->x, 1);
        wr_store(&l->y, 1);
}

static void
send_fenced(void)
{
        wr_store(&l->x, 1);
        wr_fence_release();
        wr_store(&l->y, 1);
}

static void
receive_acquired(void)
{
        if (wr_load_acquire(&l->y) == 1)
                explore_check(wr_load(&l->x) == 1, "the flag came before the payload");
}

static void
receive_relaxed(void)
{
        if (wr_load(&l->y) == 1)
                explore_check(wr_load(&l->x) == 1, "the flag came before the payload");
}

static void
receive_fenced(void)
{
        if (wr_load(&l->y) == 1) {
                wr_fence_acquire();
                explore_check(wr_load(&l->x) == 1, "the flag came before the payload");
        }
}

/* A release store holds back nothing that stands behind it. */
static void
store_behind_release(void)
{
        wr_store_release(&l->x, 1);
        wr_store(&l->y, 1);
}

static void
see_behind_release(void)
{
        if (wr_load_acquire(&l->y) == 1)
                explore_check(wr_load(&l->x) == 1, "a store passed a release store before it");
}

/* One word never goes back. */
static void
count_up(void)
{
        for (uint64_t i = 1; i <= 3; i++)
                wr_store(&l->x, i);
}

static void
watch_count(void)
{
        uint64_t last = 0;

        for (int i = 0; i < 4; i++) {
                uint64_t now = wr_load(&l->x);

                explore_check(now >= last, "a word went back");
                last = now;
        }
}

static void
count_up_again(void)
{
        for (int i = 0; i < 2; i++)
                wr_exchange(&l->z, wr_exchange(&l->z, 0) + 1);
}

static void
nothing(void)
{
}

static void
wait_for_flag(void)
{
        while (wr_load_acquire(&l->y) == 0)
                machine_pause();
        explore_check(wr_load(&l->x) == 1, "the flag came before the payload");
}

static void
wait_for_ever(void)
{
        while (wr_load_acquire(&l->z) == 0)
                machine_pause();
}

static void
some_count_is_lost(void)
{
        explore_check(wr_load(&l->z) == 4, "an increment in two steps was lost");
}

#define TWO(a, b)                \
        {                        \
                { #a, a, 0 },    \
                {                \
#                        b, b, 1 \
                }                \
        }

static const struct explore_model models[] = {
        { "litmus: stores then loads without fences both miss", setup, TWO(store_load_plain_x, store_load_plain_y),
          somebody_saw_the_other, 2, false, "both missed" },
        { "litmus: stores then loads with fences see one another", setup, TWO(store_load_fenced_x, store_load_fenced_y),
          somebody_saw_the_other, 4, false, NULL },
        { "litmus: a fence on one side only is not enough", setup, TWO(store_load_plain_x, store_load_fenced_y),
          somebody_saw_the_other, 2, false, "both missed" },
        { "litmus: a barrier on the process stands for the other's fence",
          setup,
          { { "barrier", store_load_barrier_x, 0 }, { "plain", store_load_plain_y, 0 } },
          somebody_saw_the_other,
          4,
          false,
          NULL },
        { "litmus: a barrier does not reach another process", setup, TWO(store_load_barrier_x, store_load_plain_y),
          somebody_saw_the_other, 2, false, "both missed" },
        { "litmus: a barrier of the system stands for the other process's fence", setup_registered,
          TWO(store_load_system_x, store_load_plain_y), somebody_saw_the_other, 4, false, NULL },
        { "litmus: a barrier of the system stands for the fences of two",
          setup_registered,
          { { "barrier", store_load_system_x, 0 }, { "y", store_load_plain_y, 1 }, { "z", store_load_plain_z, 1 } },
          everybody_saw_the_other,
          4,
          false,
          NULL },
        { "litmus: a barrier of the system does not reach who did not register", setup_caller_registered,
          TWO(store_load_system_x, store_load_plain_y), somebody_saw_the_other, 2, false, "both missed" },
        { "litmus: release and acquire carry the payload", setup, TWO(send_released, receive_acquired), nothing, 4,
          false, NULL },
        { "litmus: fences carry the payload", setup, TWO(send_fenced, receive_fenced), nothing, 4, false, NULL },
        { "litmus: without release the flag overtakes", setup, TWO(send_relaxed, receive_acquired), nothing, 2, false,
          "before the payload" },
        { "litmus: without acquire the old payload is read", setup, TWO(send_released, receive_relaxed), nothing, 2,
          false, "before the payload" },
        { "litmus: a store passes a release store before it", setup, TWO(store_behind_release, see_behind_release),
          nothing, 2, false, "passed a release" },
        { "litmus: one word never goes back", setup, TWO(count_up, watch_count), nothing, 4, false, NULL },
        { "litmus: an increment in two steps is lost", setup, TWO(count_up_again, count_up_again), some_count_is_lost,
          2, false, "was lost" },
        { "litmus: a waiting loop ends", setup, TWO(send_released, wait_for_flag), nothing, 4, false, NULL },
        { "litmus: a loop that waits for nothing is found", setup, TWO(send_released, wait_for_ever), nothing, 2, false,
          "spins for ever" },
};

int
main(int argc, char **argv)
{
        return explore_main(models, sizeof models / sizeof models[0], argc, argv);
}
