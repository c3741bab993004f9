/*
 * The uneven lock of bus/latch.h: never both inside, and what one did under the latch the other sees. The guarded words
 * are relaxed, so that only the latch orders them.
 */
#include "tests/model/atomic_model.h"

#include "bus/latch.h"
#include "tests/model/explore.h"

enum { ENTRIES = 3 };

struct latch_world {
        struct wr_latch latch;
        wr_word guarded[2];     /* equal whenever nobody is inside */
        uint64_t inside, turns; /* ours, plain: who is inside; how often somebody was */
        bool idle;              /* the publishing thread has nothing more to do */
        uint64_t entries;       /* of the publishing thread, finished */
};

static struct latch_world *world;

static void
setup(void)
{
        world = explore_alloc(sizeof *world);
        explore_name(&world->latch.busy, 8, "busy");
        explore_name(&world->latch.visiting, 8, "visiting");
        explore_name(&world->guarded[0], 8, "guarded[0]");
        explore_name(&world->guarded[1], 8, "guarded[1]");
}

static void
setup_costly(void)
{
        setup();
        world->latch.costly = true;
}

static void
work(void)
{
        uint64_t first, second;

        explore_check(world->inside == 0, "both are inside the latch");
        world->inside += 1;
        first = wr_load(&world->guarded[0]);
        wr_store(&world->guarded[0], first + 1);
        second = wr_load(&world->guarded[1]);
        wr_store(&world->guarded[1], second + 1);
        explore_check(first == world->turns && second == world->turns, "what was done under the latch is not seen");
        world->turns += 1;
        world->inside -= 1;
}

static void
publisher(void)
{
        for (uint64_t i = 0; i < ENTRIES; i++) {
                explore_settle(i);
                wr_latch_enter(&world->latch);
                work();
                wr_latch_leave(&world->latch);
                world->entries += 1;
        }
        world->idle = true;
}

/* Before the next try: long enough for the publishing thread to get through once. */
static void
wait_a_millisecond(void)
{
        uint64_t entries = world->entries;

        do
                wr_pause();
        while (world->entries == entries && !world->idle);
}

static void
control(void)
{
        for (uint64_t i = 0; i < 2; i++) {
                explore_settle(i);
                while (!wr_latch_visit(&world->latch))
                        wait_a_millisecond();
                work();
                wr_latch_depart(&world->latch);
        }
}

static void
all_went_in(void)
{
        explore_check(world->turns == ENTRIES + 2, "somebody never got in");
}

#define ACTORS                                 \
        {                                      \
                { "publisher", publisher, 0 }, \
                {                              \
                        "control", control, 0  \
                }                              \
        }

static const struct explore_model models[] = {
        { "latch: one inside at a time, by the system's barrier", setup, ACTORS, all_went_in, 5, false, NULL },
        { "latch: one inside at a time, by fences of its own", setup_costly, ACTORS, all_went_in, 5, false, NULL },
};

int
main(int argc, char **argv)
{
        return explore_main(models, sizeof models / sizeof models[0], argc, argv);
}
