/*
 * Loans: memory of the lane that the user fills. Given out and published by the publishing thread; given back by any
 * thread, also behind the close, which is why discarded ones go through a list that anybody may push to and only the
 * publishing thread empties, all at once (so that no entry is ever seen twice: no ABA).
 *
 *      free_loans  --lend-->  out  --publish-->  free_loans
 *                              |---discard--->  returned  --collect-->  free_loans
 *                              |---publish, WEIR_KEEP: the block stays announced by ourselves, so the lane does not
 *                                  reuse it until it is discarded
 */
#include "bus/os/memory.h"
#include "clients/c/error.h"
#include "clients/c/publisher.h"
#include "named-objects/fork.h"

#include <stdlib.h>
#include <string.h>

static struct wr_loan closed_mark; /* `returned` of a closed publisher: nobody collects any more */

static uint64_t
scratch_bytes(const struct weir_publisher *p)
{
        uint64_t align = p->options.payload_align;

        return ((uint64_t)p->writer.geometry.inline_max + align - 1) & ~(align - 1);
}

enum weir_result
wr_loans_open(struct weir_publisher *p)
{
        uint64_t each = scratch_bytes(p);
        uint8_t *scratch;

        if (p->loans_max == 0)
                return WEIR_OK;
        p->loans = calloc(p->loans_max, sizeof *p->loans);
        scratch = p->loans ? wr_memory_aligned(p->options.payload_align, each * p->loans_max) : NULL;
        if (!scratch)
                return wr_error(WEIR_E_NO_MEMORY, "no memory for the %u loans of '%s'", p->loans_max, p->topic);
        for (uint32_t i = p->loans_max; i-- > 0;) {
                p->loans[i] = (struct wr_loan){
                        .publisher = p, .scratch = scratch + i * each, .index = i, .next = p->free_loans
                };
                p->free_loans = &p->loans[i];
        }
        return WEIR_OK;
}

/* The list of returned loans is counted when it is collected or closed, so that discarding counts nothing. */
static void
loan_is_free(struct weir_publisher *p, struct wr_loan *loan)
{
        if (loan->past)
                wr_publisher_past_return(loan);
        loan->is_out = false;
        loan->next = p->free_loans;
        p->free_loans = loan;
        wr_store32(&p->loans_out, wr_load32(&p->loans_out) - 1);
}

void
wr_loans_collect(struct weir_publisher *p)
{
        struct wr_loan *loan = atomic_exchange(&p->returned, NULL), *next;

        for (; loan; loan = next) {
                next = loan->next;
                if (!loan->kept && !loan->past)
                        wr_lane_discard(&p->writer, loan->offset, loan->lent_size);
                loan_is_free(p, loan);
        }
}

static void
loans_free(struct weir_publisher *p)
{
        if (p->loans)
                wr_memory_aligned_free(p->loans[0].scratch);
        free(p->loans);
        p->loans = NULL;
        if (p->segment)
                wr_region_unmap(p->segment, p->segment_bytes);
        p->segment = NULL;
        wr_publisher_past_free(p);
        if (p->keeper)
                wr_memory_aligned_free(p->keeper->page);
        free(p->keeper);
        p->keeper = NULL;
        wr_publisher_drop(p); /* what all loans together held */
}

void
wr_loans_close(struct weir_publisher *p)
{
        struct wr_loan *loan = atomic_exchange(&p->returned, &closed_mark);
        int64_t out = (int64_t)wr_load32(&p->loans_out);

        for (; loan; loan = loan->next)
                out -= 1;
        if (atomic_fetch_add(&p->loans_left, out) + out == 0)
                loans_free(p);
}

static enum weir_result
loan_fill(struct weir_publisher *p, struct wr_loan *loan, const struct wr_want *want)
{
        enum weir_result result = WEIR_OK;

        loan->offset = want->offset;
        loan->lent_size = want->size;
        loan->kept = false;
        loan->announcement = NULL;
        loan->past = NULL;
        if (want->offset != WR_SCRATCH)
                result = wr_publisher_commit(p, want->offset + want->size);
        if (result < 0) {
                wr_publisher_enter(p);
                wr_lane_discard(&p->writer, want->offset, want->size);
                wr_publisher_leave(p);
                return result;
        }
        loan->open = (struct weir_loan){ .size = want->size };
        loan->bytes = want->offset == WR_SCRATCH ? loan->scratch : p->writer.heap_base + want->offset;
        loan->open.data = loan->bytes;
        return WEIR_OK;
}

static enum weir_result
loan_lend(struct weir_publisher *p, uint64_t size, int64_t timeout_ns, struct weir_loan **out)
{
        struct wr_want want = { .lend = true, .size = size, .align = p->options.payload_align };
        struct wr_loan *loan;
        enum weir_result result;

        if (!p->free_loans) {
                wr_publisher_enter(p);
                wr_loans_collect(p);
                wr_publisher_leave(p);
        }
        if (!p->free_loans)
                return wr_error(WEIR_E_HELD, "all %u loans of '%s' are out: publish or discard one, or raise loans_max",
                                p->loans_max, p->topic);
        result = wr_publisher_try(p, &want, timeout_ns);
        if (result == WEIR_E_TOO_LARGE)
                return wr_publisher_too_large(p, size);
        if (result != WEIR_OK)
                return result;
        loan = p->free_loans;
        result = loan_fill(p, loan, &want);
        if (result == WEIR_OK) {
                p->free_loans = loan->next;
                loan->is_out = true;
                wr_store32(&p->loans_out, wr_load32(&p->loans_out) + 1);
                *out = &loan->open;
        }
        wr_store32_release(&p->filling, 0); /* a move takes note of it from here on */
        return result;
}

enum weir_result WEIR_CALL
weir_lend(struct weir_publisher *p, uint64_t size, int64_t timeout_ns, struct weir_loan **loan)
{
        enum weir_result result = wr_publisher_check(p);

        if (result == WEIR_OK && !loan)
                result = wr_error(WEIR_E_USAGE, "weir_lend has nowhere to put the loan");
        if (result < 0)
                return result;
        *loan = NULL;
        wr_publisher_lock(p);
        result = loan_lend(p, size, timeout_ns, loan);
        wr_publisher_unlock(p);
        return result;
}

/* ---- publishing a loan ---- */

/* A pair of our own, which takes nothing and only announces: what it announces is not reused. Latch held. */
static enum weir_result
keeper_open(struct weir_publisher *p)
{
        uint64_t bytes = wr_pair_words_bytes(p->loans_max);
        struct wr_lane_start start;
        enum weir_result result;

        if (p->keeper)
                return WEIR_OK;
        p->keeper = calloc(1, sizeof *p->keeper);
        if (p->keeper)
                p->keeper->page = wr_memory_aligned(WR_LINE_BYTES, bytes);
        if (!p->keeper || !p->keeper->page) {
                free(p->keeper);
                p->keeper = NULL;
                return wr_error(WEIR_E_NO_MEMORY, "no memory to keep loans of '%s'", p->topic);
        }
        memset(p->keeper->page, 0, bytes);
        p->keeper->pair = (struct wr_pair_writer){ .words = p->keeper->page,
                                                   .announcement_count = p->loans_max,
                                                   .user = p->keeper };
        wr_store(&p->keeper->pair.words->state, WR_PAIR_LEAVING);
        result = wr_lane_attach(&p->writer, &p->keeper->pair, 0, &start);
        if (result < 0) { /* unattached it would keep nothing */
                wr_memory_aligned_free(p->keeper->page);
                free(p->keeper);
                p->keeper = NULL;
        }
        return result;
}

static enum weir_result
publish_scratch(struct weir_publisher *p, struct wr_loan *loan, const struct wr_about *about)
{
        enum weir_result result = wr_lane_publish_scratch(&p->writer, loan->scratch, loan->open.size, loan->lent_size,
                                                          about, wr_clock_fast_ns(&p->clock));

        if (result == WEIR_OK)
                wr_store(&p->copied_bytes, wr_load(&p->copied_bytes) + loan->open.size);
        return result;
}

static enum weir_result
publish_block(struct weir_publisher *p, struct wr_loan *loan, const struct wr_about *about, uint64_t hash)
{
        wr_word *announcement = NULL;
        enum weir_result result = WEIR_OK;

        if (loan->open.about.flags & WEIR_KEEP) {
                result = keeper_open(p);
                if (result < 0)
                        return result;
                announcement = &p->keeper->pair.words->announcements[loan->index];
                wr_store_release(announcement, loan->offset / 64 + 1);
                loan->announcement = announcement;
        }
        result = wr_lane_publish_block(&p->writer, loan->offset, loan->open.size, about, wr_clock_fast_ns(&p->clock),
                                       &hash);
        if (result < 0 && announcement) {
                wr_store_release(announcement, 0);
                loan->announcement = NULL;
        }
        return result;
}

/* Its lane was left while it was out: what it holds is copied over, where there may be no room for it. */
static enum weir_result
publish_past(struct weir_publisher *p, struct wr_loan *loan, const struct wr_about *about)
{
        bool keep = loan->open.about.flags & WEIR_KEEP;
        enum weir_result result =
                wr_publisher_copy(p, loan->bytes, loan->open.size, about, loan->open.about.flags & WEIR_MORE, WEIR_NOW);

        if (result != WEIR_OK)
                return result;
        loan->kept = keep;
        if (!keep) {
                wr_publisher_enter(p);
                loan_is_free(p, loan);
                wr_publisher_leave(p);
        }
        return WEIR_OK;
}

static enum weir_result
loan_publish(struct weir_publisher *p, struct wr_loan *loan, const struct wr_about *about)
{
        uint64_t extension[WR_EXTENSION_MAX / 8 + 1], hash = 0, size = loan->open.size;
        bool more = loan->open.about.flags & WEIR_MORE, keep = loan->open.about.flags & WEIR_KEEP;
        enum weir_result result;

        if (loan->offset != WR_SCRATCH && p->hash_full) /* outside the latch: it may take milliseconds */
                hash = p->known_hash ? *p->known_hash
                                     : wr_hash_two(extension, wr_lane_extension(about, extension), loan->bytes, size);
        wr_publisher_enter(p);
        if (loan->past) {
                wr_publisher_leave(p);
                return publish_past(p, loan, about);
        }
        result = loan->offset == WR_SCRATCH ? publish_scratch(p, loan, about) : publish_block(p, loan, about, hash);
        if (result == WEIR_OK) {
                p->wake_owed = more;
                if (!more)
                        wr_publisher_wake(p);
                loan->kept = keep;
                if (!keep)
                        loan_is_free(p, loan); /* inside: a move looks at which are out */
        }
        wr_publisher_leave(p);
        if (result != WEIR_OK)
                return result;
        wr_store(&p->frames, wr_load(&p->frames) + 1);
        wr_store(&p->bytes, wr_load(&p->bytes) + size);
        return WEIR_OK;
}

enum weir_result WEIR_CALL
weir_loan_publish(struct weir_loan *open)
{
        struct wr_loan *loan = (struct wr_loan *)(void *)open; /* its first member */
        struct wr_about room;
        const struct wr_about *about;
        enum weir_result result;

        if (!loan)
                return wr_error(WEIR_E_USAGE, "the loan is NULL");
        result = wr_publisher_check(loan->publisher);
        if (result == WEIR_OK && loan->kept)
                result = wr_error(WEIR_E_USAGE, "this loan was published before");
        if (result == WEIR_OK && open->size > loan->lent_size)
                result = wr_error(WEIR_E_USAGE,
                                  "the loan's size is %llu, but %llu bytes were lent: it may only be lowered",
                                  (unsigned long long)open->size, (unsigned long long)loan->lent_size);
        if (result == WEIR_OK)
                result = wr_publisher_about(&open->about, &room, &about);
        if (result < 0)
                return result;
        wr_publisher_lock(loan->publisher);
        result = loan_publish(loan->publisher, loan, about);
        wr_publisher_unlock(loan->publisher);
        return result;
}

/* ---- giving back ---- */

/* False: the publisher is closed. */
static bool
loan_push(struct weir_publisher *p, struct wr_loan *loan)
{
        struct wr_loan *first = atomic_load_explicit(&p->returned, memory_order_acquire);

        do {
                if (first == &closed_mark)
                        return false;
                loan->next = first;
        } while (!atomic_compare_exchange_weak(&p->returned, &first, loan));
        return true;
}

void WEIR_CALL
weir_loan_discard(struct weir_loan *open)
{
        struct wr_loan *loan = (struct wr_loan *)(void *)open;
        struct weir_publisher *p;

        if (!loan || !wr_fork_same(loan->publisher->bus->generation))
                return;
        p = loan->publisher;
        if (loan->announcement)
                wr_store_release(loan->announcement, 0);
        wr_add32(&p->references, 1); /* behind the push the loan is the closer's, and with it the publisher */
        if (!loan_push(p, loan)) {
                if (atomic_fetch_sub(&p->loans_left, 1) == 1)
                        loans_free(p);
                wr_publisher_drop(p);
                return;
        }
        wr_fence(); /* the push before the look, as the publisher's store before its try */
        if (wr_load32(&p->sleeping) || wr_load32(&p->room_wanted)) {
                wr_store32(&p->room_now, 1);
                wr_bus_poke(p->bus);
        }
        wr_publisher_drop(p);
}
