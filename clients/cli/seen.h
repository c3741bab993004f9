/*
 * Whom `ls --watch` has shown. A broker that comes back, or one that told more than could be kept, lists everybody once
 * more: who was shown and is still there is no news then, and who is not told of any more has left.
 */
#ifndef CLI_SEEN_H
#define CLI_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <weir/weir.h>

struct seen {
        struct seen_end *ends;
        size_t count, room;
        char topic[208], text[512]; /* of what seen_left() answers */
};

/* Keeps the books. True: the event is to be shown. */
bool
seen_note(struct seen *seen, const struct weir_event *event);

/* From now on everybody is in doubt who is not listed again. */
void
seen_doubt(struct seen *seen);

/* The next of those still in doubt leaves the books, as an event to be shown. False: there is none. */
bool
seen_left(struct seen *seen, struct weir_event *event);

void
seen_free(struct seen *seen);

#endif
