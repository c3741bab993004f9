#include "clients/c/relayed_numbers.h"

#include "bus/os/mutex.h"

#include <stdlib.h>

enum { SUM_EVERY = 4096 /* jumps */ };

struct jump {
        struct jump *next;
        struct wr_relayed_jump is;
};

struct wr_relayed_numbers {
        wr_word32 references;
        wr_word32 due; /* there are jumps */
        wr_mutex lock;
        struct jump *first, **end;
        uint32_t unsummed;  /* jumps since they were last summed up */
        wr_word32 is_taken; /* the taking thread is between enter and leave */
        uint64_t delta;     /* the source's number less ours; the taking thread's */
};

struct wr_relayed_numbers *
wr_relayed_numbers_new(void)
{
        struct wr_relayed_numbers *numbers = calloc(1, sizeof *numbers);

        if (!numbers)
                return NULL;
        numbers->references = 1;
        numbers->end = &numbers->first;
        wr_mutex_init(&numbers->lock);
        return numbers;
}

struct wr_relayed_numbers *
wr_relayed_numbers_hold(struct wr_relayed_numbers *numbers)
{
        wr_add32(&numbers->references, 1);
        return numbers;
}

void
wr_relayed_numbers_drop(struct wr_relayed_numbers *numbers)
{
        struct jump *jump;

        if (!numbers || wr_add32(&numbers->references, UINT32_MAX) != 1)
                return;
        while ((jump = numbers->first)) {
                numbers->first = jump->next;
                free(jump);
        }
        wr_mutex_destroy(&numbers->lock);
        free(numbers);
}

/* Of two jumps with nothing between them that can be taken the later one stays, with the losses of both. One that a
 * reliable subscriber is to be told of stays itself. Lock held. */
static void
jumps_sum(struct wr_relayed_numbers *numbers, const struct wr_relayed_lapped *lapped)
{
        struct jump *jump = numbers->first, *next;

        wr_fence(); /* the frames that lapped the others before the look, as the taking thread's word before its own */
        if (wr_load32_acquire(&numbers->is_taken))
                return;
        numbers->unsummed = 0;
        while (jump && jump->is.frame < lapped->since)
                jump = jump->next;
        while (jump && (next = jump->next) && next->is.frame <= lapped->oldest) {
                if (jump->is.is_gap || next->is.is_gap) {
                        jump = next;
                        continue;
                }
                next->is.lost += jump->is.lost;
                next->is.skipped += jump->is.skipped;
                next->is.corrupt += jump->is.corrupt;
                *jump = *next;
                if (numbers->end == &next->next)
                        numbers->end = &jump->next;
                free(next);
        }
}

bool
wr_relayed_numbers_jump(struct wr_relayed_numbers *numbers, const struct wr_relayed_jump *is,
                        const struct wr_relayed_lapped *lapped)
{
        struct jump *jump = malloc(sizeof *jump);

        if (!jump)
                return false;
        jump->next = NULL;
        jump->is = *is;
        wr_mutex_lock(&numbers->lock);
        if (++numbers->unsummed >= SUM_EVERY)
                jumps_sum(numbers, lapped);
        *numbers->end = jump;
        numbers->end = &jump->next;
        wr_store32_release(&numbers->due, 1); /* before the frame: who takes it sees this */
        wr_mutex_unlock(&numbers->lock);
        return true;
}

/* Takes off what stands before frames up to this one, and adds it up. */
static struct wr_relayed_jump
jumps_take(struct wr_relayed_numbers *numbers, uint64_t frame)
{
        struct wr_relayed_jump sum = { .frame = frame };
        struct jump *jump;

        wr_mutex_lock(&numbers->lock);
        while ((jump = numbers->first) && jump->is.frame <= frame) {
                sum.lost += jump->is.lost;
                sum.skipped += jump->is.skipped;
                sum.corrupt += jump->is.corrupt;
                numbers->delta = jump->is.sequence - jump->is.frame;
                numbers->first = jump->next;
                free(jump);
        }
        if (!numbers->first) {
                numbers->end = &numbers->first;
                wr_store32(&numbers->due, 0);
        }
        wr_mutex_unlock(&numbers->lock);
        return sum;
}

static struct wr_relayed_jump
jumps_add(struct wr_relayed_numbers *numbers, struct wr_lane_reader *r, uint64_t frame)
{
        struct wr_relayed_jump sum = jumps_take(numbers, frame);

        r->lost += sum.lost;
        r->skipped += sum.skipped;
        r->corrupt += sum.corrupt;
        return sum;
}

void
wr_relayed_numbers_enter(struct wr_relayed_numbers *numbers)
{
        wr_store32(&numbers->is_taken, 1);
        wr_fence();
}

void
wr_relayed_numbers_leave(struct wr_relayed_numbers *numbers)
{
        wr_store32_release(&numbers->is_taken, 0);
}

void
wr_relayed_numbers_apply(struct wr_relayed_numbers *numbers, struct wr_lane_reader *r, struct wr_taken *t)
{
        if (wr_load32_acquire(&numbers->due)) {
                struct wr_relayed_jump sum = jumps_add(numbers, r, t->sequence);

                t->lost += sum.lost;
                t->skipped += sum.skipped;
        }
        t->sequence += numbers->delta;
        wr_relayed_numbers_leave(numbers);
}

uint64_t
wr_relayed_numbers_gap(struct wr_relayed_numbers *numbers, uint64_t frame, uint64_t *behind)
{
        uint64_t gap = 0;

        if (!wr_load32_acquire(&numbers->due))
                return 0;
        wr_mutex_lock(&numbers->lock);
        if (numbers->first && numbers->first->is.frame == frame && numbers->first->is.is_gap) {
                numbers->first->is.is_gap = false;
                gap = numbers->first->is.lost;
                *behind = numbers->first->is.sequence - gap - numbers->first->is.skipped - 1;
        }
        wr_mutex_unlock(&numbers->lock);
        return gap;
}

void
wr_relayed_numbers_end(struct wr_relayed_numbers *numbers, struct wr_lane_reader *r)
{
        jumps_add(numbers, r, UINT64_MAX);
}
