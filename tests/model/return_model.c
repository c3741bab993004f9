/*
 * Things that come back by several threads (bus/return.h): a close frees them once, behind the last that was out, and a
 * taker that found none hears of one that came back.
 */
#include "tests/model/atomic_model.h"

#include "bus/return.h"
#include "tests/model/explore.h"

enum { THINGS = 2 };

struct return_world {
        struct wr_returns returns;
        wr_word32 words[THINGS];
        wr_word32 poke;   /* what the taker sleeps on */
        bool out[THINGS]; /* ours, plain: its returner is not done with it */
        uint64_t freed, taken;
};

static struct return_world *world;

static void
setup(void)
{
        world = explore_alloc(sizeof *world);
        explore_name(&world->returns.heed, 4, "heed");
        explore_name(&world->returns.left, 4, "left");
        explore_name(&world->poke, 4, "poke");
        for (unsigned i = 0; i < THINGS; i++) {
                explore_name(&world->words[i], 4, i == 0 ? "words[0]" : "words[1]");
                wr_store32(&world->words[i], WR_OUT);
                world->out[i] = true;
        }
}

static void
setup_costly(void)
{
        setup();
        world->returns.costly = true;
}

static void
free_all(void)
{
        for (unsigned i = 0; i < THINGS; i++)
                explore_check(!world->out[i], "all are freed, and one is still out");
        world->freed += 1;
}

/* ---- actors ---- */

static void
heeded(unsigned i)
{
        bool is_last;

        switch (wr_return_heed(&world->returns)) {
        case WR_HEED_TAKER:
                wr_return_in(&world->words[i]);
                world->out[i] = false;
                wr_add32(&world->poke, 1);
                explore_raise(&world->poke);
                break;
        case WR_HEED_CLOSE:
                is_last = wr_return_counted(&world->returns, &world->words[i]);
                world->out[i] = false;
                if (is_last)
                        free_all();
                break;
        case WR_HEED_NOBODY:
                wr_return_in(&world->words[i]);
                world->out[i] = false;
                break;
        }
}

static void
give_back(unsigned i)
{
        if (wr_return(&world->returns, &world->words[i]))
                world->out[i] = false;
        else
                heeded(i);
}

static void
first(void)
{
        give_back(0);
}

static void
second(void)
{
        give_back(1);
}

static void
closer(void)
{
        uint32_t out = 0;

        wr_returns_close(&world->returns);
        for (unsigned i = 0; i < THINGS; i++)
                out += wr_load32_acquire(&world->words[i]) != WR_IN;
        if (out > 0) {
                wr_returns_barrier(&world->returns);
                for (unsigned i = out = 0; i < THINGS; i++)
                        out += wr_return_settled(&world->words[i]) == WR_OUT;
        }
        if (wr_returns_count(&world->returns, out))
                free_all();
}

static bool
take(bool is_settled)
{
        for (unsigned i = 0; i < THINGS; i++) {
                const wr_word32 *word = &world->words[i];

                if ((is_settled ? wr_return_settled(word) : wr_load32_acquire(word)) == WR_IN)
                        world->taken += 1;
        }
        return world->taken > 0;
}

static void
taker(void)
{
        while (!take(false)) {
                uint32_t poke = wr_load32(&world->poke);

                if (wr_returns_hold(&world->returns) && take(true)) {
                        wr_returns_unhold(&world->returns);
                        break;
                }
                explore_sleep(&world->poke, poke);
        }
}

/* ---- what holds in the end ---- */

static void
freed_once(void)
{
        explore_check(world->freed == 1, "all are freed %d times", (int)world->freed);
}

static void
taker_heard(void)
{
        explore_check(!explore_sleeps("taker"), "a taker sleeps, and all came back");
}

#define CLOSING                                                 \
        {                                                       \
                { "first", first, 0 }, { "second", second, 0 }, \
                {                                               \
                        "closer", closer, 0                     \
                }                                               \
        }
#define TAKING                                                  \
        {                                                       \
                { "first", first, 0 }, { "second", second, 0 }, \
                {                                               \
                        "taker", taker, 0                       \
                }                                               \
        }

static const struct explore_model models[] = {
        { "return: a close frees behind the last, by the system's barrier", setup, CLOSING, freed_once, 5, false,
          NULL },
        { "return: a close frees behind the last, by fences", setup_costly, CLOSING, freed_once, 5, false, NULL },
        { "return: who found nothing hears of a return, by the system's barrier", setup, TAKING, taker_heard, 5, false,
          NULL },
        { "return: who found nothing hears of a return, by fences", setup_costly, TAKING, taker_heard, 5, false, NULL },
};

int
main(int argc, char **argv)
{
        return explore_main(models, sizeof models / sizeof models[0], argc, argv);
}
