/*
 * The two halves of a pair page, each with what its side knows privately, and the only two functions that sleep and
 * the only two that wake. bus/ makes no system call: arming answers what to sleep on, "due" answers that the other
 * side sleeps and its signal must be raised.
 *
 *      subscriber, to sleep                        publisher, after commit
 *  W1  load  wake            relaxed           U1  commit               release
 *  W2  store waiting = odd   relaxed           U2  full fence
 *  W3  settle                                  U3  load  waiting        acquire
 *  W4  look once more (commit word, claimed,   U4  odd, and not the value already woken?
 *      evicted)                                U5  store wake = wake+1  release, raise the signal
 *  W5  sleep while wake is what W1 read
 *  W6  store waiting = even  relaxed
 *
 *  U2 -- W3  each side stores, then loads the other's word; without both fences each may read stale: a committed
 *            frame and a sleeping reader. (Seen on real cores 17 057 times in 2 million rounds.)
 *            To settle is a full fence; where the system can do it (Linux: membarrier), it is also a full barrier in
 *            every process that registered, and the page says so (`settles`). Then U2 needs no fence of its own: either
 *            the commit left the store buffer before the barrier and W4 sees it, or U3 runs behind the barrier and sees
 *            W2. So the fence is paid by who sleeps, once per sleep, and not by each frame. A peer that says it settles
 *            and does not can lose its own wakes only.
 *  U4        `waiting` is a counter: one wake per sleep. With a boolean either every frame wakes, or a wake is lost.
 *  W1 first  so that a wake between W1 and W5 changes the value and the sleep returns at once.
 *
 * A publisher that waits for room uses the mirror image over `room_waiting` and `space`. Models:
 * tests/model/wake, room and settle.
 */
#ifndef WR_PAIR_H
#define WR_PAIR_H

#include "bus/layout.h"

/*
 * What each side says of itself, in `settles` and `writer_settles`:
 *
 *      UNSURE    it fences, before a look that may send it to sleep and before one that may wake; nothing else is said
 *      SETTLES   its process registered, and it settles before it sleeps: then a look that may wake need not fence
 *      FENCES    UNSURE for good, from before the other side knew of it. So whoever sleeps against it alone need not
 *                settle: a fence of its own is W3. The relay's ends say so: they sleep once for a few large frames,
 *                and a barrier interrupts every processor. For the same reason nobody spins for them.
 */
enum wr_pair_settles { WR_PAIR_UNSURE = 0, WR_PAIR_SETTLES = 1, WR_PAIR_FENCES = 2 };

/* The subscriber's side. */
struct wr_pair_reader {
        struct wr_pair_words *words;
        uint32_t announcement_count; /* from the grant */
        uint64_t waiting;            /* our own copy: we never learn our state from the page */
        wr_word *held;               /* private, one for each announcement: 1 while a block is out */
        bool settles;                /* our process registered for the barriers of others */
        wr_word room_woken;          /* the `room_waiting` value already woken; any releasing thread */
};

/* The publisher's side. */
struct wr_pair_writer {
        struct wr_pair_words *words;
        uint32_t announcement_count;
        bool reliable;
        bool evicted;
        bool left;                            /* it once said that it takes no more: its cursor never counts again */
        uint64_t id;                          /* pair id, as the broker said */
        uint64_t accepted;                    /* last accepted cursor */
        uint64_t ignored;                     /* impossible cursors seen */
        uint64_t woken;                       /* the `waiting` value already woken */
        uint64_t woken_at;                    /* its cursor at the last wake that followed a frame taken */
        uint32_t wakes_idle;                  /* wakes since then */
        bool wake_owed;                       /* held back, see wr_lane_wake_owed */
        uint64_t room_waiting;                /* our own copy */
        uint32_t wake;                        /* our own copy of words->wake */
        int64_t charged_ns;                   /* time for which it blocked the publisher, see wr_lane_charge */
        uint64_t charged_at, charged_backlog; /* accepted at the last look at the books, and what lay before it */
        uint64_t follows;                     /* the same reader's pair in the lane before this one; 0: none */
        const struct wr_pair_words *before;   /* its page there, while it takes what is left there (wr_lane_move) */
        uint64_t before_accepted, before_end; /* how far it is there, and how far there is to go */
        void *user;                           /* the client's */
};

/* W3: a full fence, and where the system has it a full barrier in every other registered process. Once for all pairs
 * that were armed, for sleep or for room. */
void
wr_pair_settle(void);

/* WR_PAIR_FENCES, of a reader: before it is opened, so that nobody ever finds another word there. A publisher:
 * `settles` of its lane's writer, before a pair is attached. */
static inline void
wr_pair_reader_fences(struct wr_pair_words *words)
{
        wr_store32(&words->settles, WR_PAIR_FENCES);
}

/* Does the other side, by its word, fence always? Then W3 against it is a fence. */
static inline bool
wr_pair_fences(const wr_word32 *settles)
{
        return wr_load32(settles) == WR_PAIR_FENCES;
}

/* W1, W2. Several threads of the subscriber may sleep on one pair: each arms (one at a time), the last of them to wake
 * disarms. The caller then settles (once for all its pairs), looks, and sleeps on words->wake with this value. */
uint32_t
wr_pair_sleep_arm(struct wr_pair_reader *pair);

/* W6. */
void
wr_pair_sleep_disarm(struct wr_pair_reader *pair);

/* U3..U5 without the signal: true when words->wake was changed and its sleeper must be woken. The caller has
 * committed and fenced (once per batch). */
bool
wr_pair_wake_due(struct wr_pair_writer *pair);

/* The mirror image: the publisher, one of whose pairs blocks it, before it sleeps on words->space. */
uint32_t
wr_pair_room_arm(struct wr_pair_writer *pair);

void
wr_pair_room_disarm(struct wr_pair_writer *pair);

/* The subscriber after it advanced its cursor or withdrew an announcement, from any thread; fences itself. True:
 * words->space was changed and the publisher must be woken. */
bool
wr_pair_room_due(struct wr_pair_reader *pair);

#endif
