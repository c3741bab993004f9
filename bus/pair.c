/* The labels W1..W6 and U1..U5 are those of the drawing in pair.h. */
#include "bus/pair.h"

#include "bus/os/barrier.h"

void
wr_pair_settle(void)
{
        if (!wr_barrier_system_available() || !wr_barrier_system())
                wr_fence();
}

/* Where the barrier was there at first and is refused now, the next sleep takes the word back. */
static void
keep_word(wr_word32 *settles)
{
        if (wr_load32(settles) == WR_PAIR_SETTLES && !wr_barrier_system_available())
                wr_store32(settles, WR_PAIR_UNSURE);
}

uint32_t
wr_pair_sleep_arm(struct wr_pair_reader *pair)
{
        uint32_t value = wr_load32(&pair->words->wake); /* W1 */

        keep_word(&pair->words->settles);
        pair->waiting += pair->waiting % 2 == 0 ? 1 : 2; /* odd, and never a value that was woken already */
        wr_store(&pair->words->waiting, pair->waiting);  /* W2 */
        return value;
}

void
wr_pair_sleep_disarm(struct wr_pair_reader *pair)
{
        assert(pair->waiting % 2 == 1);
        pair->waiting += 1;
        wr_store(&pair->words->waiting, pair->waiting); /* W6 */
}

bool
wr_pair_wake_due(struct wr_pair_writer *pair)
{
        uint64_t waiting = wr_load_acquire(&pair->words->waiting); /* U3 */

        if (waiting % 2 == 0 || waiting == pair->woken) /* U4 */
                return false;
        pair->woken = waiting;
        pair->wake += 1;
        wr_store32_release(&pair->words->wake, pair->wake); /* U5 */
        return true;
}

uint32_t
wr_pair_room_arm(struct wr_pair_writer *pair)
{
        uint32_t value = wr_load32(&pair->words->space);

        keep_word(&pair->words->writer_settles);
        pair->room_waiting += 1;
        assert(pair->room_waiting % 2 == 1);
        wr_store(&pair->words->room_waiting, pair->room_waiting);
        return value;
}

void
wr_pair_room_disarm(struct wr_pair_writer *pair)
{
        pair->room_waiting += 1;
        wr_store(&pair->words->room_waiting, pair->room_waiting);
}

bool
wr_pair_room_due(struct wr_pair_reader *pair)
{
        uint64_t waiting;

        /* The cursor or the announcement before the look, as U2. */
        if (pair->settles && wr_load32(&pair->words->writer_settles) == WR_PAIR_SETTLES)
                wr_fence_compiler();
        else
                wr_fence();
        waiting = wr_load_acquire(&pair->words->room_waiting);
        if (waiting % 2 == 0 || waiting == wr_load(&pair->room_woken))
                return false;
        if (wr_exchange(&pair->room_woken, waiting) == waiting)
                return false; /* another releasing thread was first */
        wr_add32(&pair->words->space, 1);
        return true;
}
