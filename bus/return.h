/*
 * Things that were given out and come back by any thread, each by a word of its own: nothing is shared by those who
 * give back, and nothing is paid for it. A subscriber's frames are such things (clients/c/frame.c).
 *
 *      given out: OUT  -->  return: RETURNING  -->  IN
 *
 * Behind that IN the thing is no longer the returner's, and a close may free all of them. So who wants to be heeded (a
 * taker that found none and wants to hear of a return; a close, behind which the last return frees the memory) says so
 * in `heed`, and the two meet as in the latch of bus/latch.h, the thing's word in place of `busy`, `heed` in place of
 * `visiting`:
 *
 *      return                                      close, taker
 *  F1  store word = RETURNING    relaxed       G1  swap  heed
 *  F2  load  heed                acquire       G2  barrier on every thread of the process
 *  F3  NOBODY: store word = IN   release       G3  load  each word; RETURNING: again, until it is something else
 *      else heed it                                what that load said counts
 *
 *  F1 -- G3  each stores, then loads the other's word: either G3 sees RETURNING, and waits, or F2 sees `heed`.
 *  G3        One load decides. OUT means that its returner has F2 behind the barrier, and will see the close and count
 *            itself, or has done so. Were the word looked at again it might be RETURNING by then, and be counted by
 *            its returner alone: the memory would be freed under one that is still out.
 *
 * A close counts those that are out (`left`), each of them counts itself off, and whoever brings it to nothing frees.
 * The model: tests/model/return.
 */
#ifndef WR_RETURN_H
#define WR_RETURN_H

#include "bus/atomic.h"

enum wr_return_word { WR_IN = 0, WR_OUT = 1, WR_RETURNING = 2 };
enum wr_heed { WR_HEED_NOBODY = 0, WR_HEED_TAKER = 1, WR_HEED_CLOSE = 2 };

struct wr_returns {
        wr_word32 heed;
        wr_word32 left; /* behind a close: those it counted, less those that came back, modulo 2^32 */
        bool costly;    /* no barrier on all threads: both sides fence themselves */
};

/* ---- whoever gives back ---- */

/* F1..F3. True: it is in, and nobody wanted to know. False: it is RETURNING, which keeps all of them; wr_return_heed
 * comes next. */
static inline bool
wr_return(struct wr_returns *returns, wr_word32 *word)
{
        wr_store32(word, WR_RETURNING); /* F1 */
        if (returns->costly)
                wr_fence();
        else
                wr_fence_compiler(); /* the other side's barrier orders the machine, not the compiler */
        if (wr_load32_acquire(&returns->heed) != WR_HEED_NOBODY) /* F2 */
                return false;
        wr_store32_release(word, WR_IN); /* F3 */
        return true;
}

/* TAKER: this return is the one that it hears of. TAKER, NOBODY (another one was first): wr_return_in; CLOSE:
 * wr_return_counted. */
enum wr_heed
wr_return_heed(struct wr_returns *returns);

/* It is in, and behind this no longer the caller's. */
void
wr_return_in(wr_word32 *word);

/* It counts itself off. True: it was the last one, and all of them are the caller's to free. */
bool
wr_return_counted(struct wr_returns *returns, wr_word32 *word);

/* ---- whoever is heeded ---- */

/* G1, G2 of a taker, one at a time; the words are looked at next. False: it was held before. */
bool
wr_returns_hold(struct wr_returns *returns);

/* The taker found something. */
void
wr_returns_unhold(struct wr_returns *returns);

/* Is there a taker that no return has told yet? */
bool
wr_returns_held(const struct wr_returns *returns);

/* G3: WR_IN or WR_OUT. */
enum wr_return_word
wr_return_settled(const wr_word32 *word);

/* G1 of the close; once. */
void
wr_returns_close(struct wr_returns *returns);

/* G2 of the close; wr_return_settled comes next. Not needed where all words are WR_IN. */
void
wr_returns_barrier(const struct wr_returns *returns);

/* So many are out, by G3. True: none is left, and all of them are the caller's to free. */
bool
wr_returns_count(struct wr_returns *returns, uint32_t out);

#endif
