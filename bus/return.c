/* The labels F1..F3 and G1..G3 are those of the drawing in return.h. */
#include "bus/return.h"

#include "bus/os/barrier.h"
#include "bus/os/clock.h"

#define REFUSED_NS 1000000 /* instead of a barrier */

enum wr_heed
wr_return_heed(struct wr_returns *returns)
{
        return (enum wr_heed)wr_swap32(&returns->heed, WR_HEED_TAKER, WR_HEED_NOBODY);
}

void
wr_return_in(wr_word32 *word)
{
        wr_store32_release(word, WR_IN); /* F3 */
}

bool
wr_return_counted(struct wr_returns *returns, wr_word32 *word)
{
        wr_store32_release(word, WR_OUT); /* the close counts it, and then we do */
        return wr_add32(&returns->left, UINT32_MAX) == 1;
}

/* Refused by a filter that came later: a store leaves its buffer within microseconds by itself. */
static void
barrier_refused(void)
{
        int64_t until_ns = wr_clock_ns() + REFUSED_NS;

        while (wr_clock_ns() < until_ns)
                wr_yield();
}

void
wr_returns_barrier(const struct wr_returns *returns)
{
        if (returns->costly)
                wr_fence();
        else if (!wr_barrier_all()) /* G2 */
                barrier_refused();
}

bool
wr_returns_hold(struct wr_returns *returns)
{
        if (wr_swap32(&returns->heed, WR_HEED_NOBODY, WR_HEED_TAKER) != WR_HEED_NOBODY) /* G1 */
                return false;
        wr_returns_barrier(returns);
        return true;
}

void
wr_returns_unhold(struct wr_returns *returns)
{
        wr_swap32(&returns->heed, WR_HEED_TAKER, WR_HEED_NOBODY);
}

bool
wr_returns_held(const struct wr_returns *returns)
{
        return wr_load32(&returns->heed) == WR_HEED_TAKER;
}

enum wr_return_word
wr_return_settled(const wr_word32 *word)
{
        uint32_t now;

        while ((now = wr_load32_acquire(word)) == WR_RETURNING) /* G3 */
                wr_yield();
        return (enum wr_return_word)now;
}

void
wr_returns_close(struct wr_returns *returns)
{
        wr_exchange32(&returns->heed, WR_HEED_CLOSE); /* G1 */
}

bool
wr_returns_count(struct wr_returns *returns, uint32_t out)
{
        return wr_add32(&returns->left, out) + out == 0; /* below 0 by those that came back since */
}
