/*
 * A signal: the wakeable word behind a wait. Linux: a futex on the word itself, in a page that only its two ends
 * map, so that nobody else can requeue its sleepers. Windows: an event beside the word, since its futexes end at the
 * process; a pair has two, `wake` and `space`, and each end gets them with the right to do its half, no more:
 *
 *                      wake        space
 *      publisher       sets        waits
 *      subscriber      waits       sets
 */
#ifndef WR_SIGNAL_H
#define WR_SIGNAL_H

#include "bus/atomic.h"
#include "bus/result.h"
#include "named-objects/region.h"

struct wr_signal_wait {
        wr_word32 *word;
        uint32_t value;  /* sleep only while the word is this */
        bool is_private; /* lies in memory of this process alone */
};

/* WR_SIGNAL_OBJECTS: how many objects go with a pair page, behind it, to each of its ends. */
#ifdef _WIN32
enum { WR_SIGNAL_WAIT_MAX = 63, WR_SIGNAL_OBJECTS = 2 };
#else
enum { WR_SIGNAL_WAIT_MAX = 128, WR_SIGNAL_OBJECTS = 0 };
#endif

/* What a pair has beside its page: nothing where the words are enough. */
struct wr_signal_pair {
        wr_object wake, space;
};

enum wr_signal_end { WR_SIGNAL_PUBLISHER, WR_SIGNAL_SUBSCRIBER };

/* The broker's side. Both ends come from here; closed with wr_signal_close, which is fine where nothing was created. */
#define WR_SIGNAL_NONE ((struct wr_signal_pair){ WR_NO_OBJECT, WR_NO_OBJECT })
enum weir_result
wr_signal_create(struct wr_signal_pair *pair);

void
wr_signal_close(struct wr_signal_pair *pair);

/* What one end gets: WR_SIGNAL_OBJECTS objects from objects[0] on, to be sent and then closed by
 * wr_signal_grant_close. On a failure there is nothing to close. */
enum weir_result
wr_signal_grant(const struct wr_signal_pair *pair, enum wr_signal_end end, wr_object *objects);

void
wr_signal_grant_close(wr_object *objects);

/*
 * A client's side: which objects stand behind two words of a page that it has just mapped. Takes those that it
 * keeps, and leaves WR_NO_OBJECT in their place.
 *
 * WEIR_E_CORRUPT  they are not what this end is to get
 * WEIR_E_NO_MEMORY
 */
enum weir_result
wr_signal_bind(wr_word32 *wake, wr_word32 *space, enum wr_signal_end end, wr_object *objects);

/* Before the page is unmapped, when nobody sleeps on its words or raises them any more. NULL is fine, and so are words
 * that were never bound. */
void
wr_signal_unbind(wr_word32 *wake, wr_word32 *space);

/*
 * Sleep until one of the words is woken or differs from its value. count: 1 to WR_SIGNAL_WAIT_MAX. timeout_ns: as
 * weir.h (0: look only, INT64_MAX: for ever).
 *
 * WEIR_OK     something happened (or a spurious wake: look again)
 * WEIR_EMPTY  the timeout passed
 *
 * Where several words cannot be slept on at once (no futex_waitv), sleeps on the first in slices of at most 1 ms. So
 * it does on Windows with a shared word that was not bound, since nobody can wake from elsewhere.
 */
enum weir_result
wr_signal_wait(const struct wr_signal_wait *words, size_t count, int64_t timeout_ns);

/* How many words one sleep takes without slices: WR_SIGNAL_WAIT_MAX, or 1 where the kernel or a filter has no
 * futex_waitv. May fall to 1 once, when a filter comes. */
size_t
wr_signal_wait_many(void);

/* Wake who sleeps on a word that other processes map too, at most 8 threads. The word has been changed before. On
 * Windows an end that waits for a word wakes only the sleepers of its own process. */
void
wr_signal_raise(wr_word32 *word);

/* The same for a word of this process alone. */
void
wr_signal_raise_private(wr_word32 *word);

#endif
