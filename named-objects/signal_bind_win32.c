/* A table of this process, open addressing by the word's address: it is asked on each wake and sleep, and changed when
 * a pair comes or goes. */
#include "named-objects/grant_win32.h"
#include "named-objects/signal_win32.h"

#include <stdlib.h>

enum { ROOM_FIRST = 64 };

struct bound {
        const wr_word32 *word; /* NULL: free */
        HANDLE event;
        uint32_t right;
};

static SRWLOCK lock = SRWLOCK_INIT;
static struct bound *table;
static size_t room, used; /* room: a power of two, at least twice what is used */

/* Words of a page are lines apart, pages of many pairs at the same offset. */
static size_t
place_of(const wr_word32 *word)
{
        return (size_t)(((uint64_t)(uintptr_t)word * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (room - 1);
}

/* Where it is, or the free place where it would be. */
static size_t
place_find(const wr_word32 *word)
{
        size_t at = place_of(word);

        while (table[at].word != NULL && table[at].word != word)
                at = (at + 1) & (room - 1);
        return at;
}

static bool
table_grow(void)
{
        struct bound *old = table, *larger = calloc(room != 0 ? 2 * room : ROOM_FIRST, sizeof *larger);
        size_t old_room = room;

        if (larger == NULL)
                return false;
        table = larger;
        room = room != 0 ? 2 * room : ROOM_FIRST;
        for (size_t i = 0; i < old_room; i++)
                if (old[i].word != NULL)
                        table[place_find(old[i].word)] = old[i];
        free(old);
        return true;
}

static bool
table_put(const wr_word32 *word, HANDLE event, uint32_t right)
{
        bool is_put;

        AcquireSRWLockExclusive(&lock);
        is_put = 2 * (used + 1) <= room || table_grow();
        if (is_put) {
                table[place_find(word)] = (struct bound){ word, event, right };
                used++;
        }
        ReleaseSRWLockExclusive(&lock);
        return is_put;
}

/* Those behind it move up, so that nobody stops at the gap. */
static void
gap_close(size_t gap)
{
        for (size_t at = (gap + 1) & (room - 1); table[at].word != NULL; at = (at + 1) & (room - 1)) {
                size_t wanted = place_of(table[at].word);

                if (((at - wanted) & (room - 1)) < ((at - gap) & (room - 1)))
                        continue; /* it would be before the place where it is looked for */
                table[gap] = table[at];
                gap = at;
        }
        table[gap] = (struct bound){ 0 };
}

/* The event is the caller's; NULL: there is none. */
static HANDLE
table_take(const wr_word32 *word)
{
        HANDLE event = NULL;

        AcquireSRWLockExclusive(&lock);
        if (room != 0) {
                size_t at = place_find(word);

                event = table[at].event;
                if (table[at].word != NULL) {
                        used--;
                        gap_close(at);
                }
        }
        ReleaseSRWLockExclusive(&lock);
        return event;
}

HANDLE
wr_signal_event_of(const wr_word32 *word, uint32_t right)
{
        HANDLE event = NULL;

        AcquireSRWLockShared(&lock);
        if (room != 0) {
                const struct bound *bound = &table[place_find(word)];

                if (bound->word != NULL && bound->right == right)
                        event = bound->event;
        }
        ReleaseSRWLockShared(&lock);
        return event;
}

/* An event, with the right that this end needs; that it has no other is the broker's care. */
static bool
is_event(wr_object object, uint32_t right)
{
        return wr_grant_kind_of(object) == WR_GRANT_EVENT && (wr_grant_rights_of(object) & right) == right;
}

enum weir_result
wr_signal_bind(wr_word32 *wake, wr_word32 *space, enum wr_signal_end end, wr_object *objects)
{
        uint32_t of_wake = end == WR_SIGNAL_PUBLISHER ? EVENT_MODIFY_STATE : SYNCHRONIZE;
        uint32_t of_space = end == WR_SIGNAL_PUBLISHER ? SYNCHRONIZE : EVENT_MODIFY_STATE;

        if (!is_event(objects[0], of_wake) || !is_event(objects[1], of_space))
                return WEIR_E_CORRUPT;
        if (!table_put(wake, objects[0], of_wake))
                return WEIR_E_NO_MEMORY;
        if (!table_put(space, objects[1], of_space)) {
                table_take(wake); /* the caller has it still */
                return WEIR_E_NO_MEMORY;
        }
        objects[0] = objects[1] = WR_NO_OBJECT;
        return WEIR_OK;
}

static void
unbind(const wr_word32 *word)
{
        HANDLE event = word != NULL ? table_take(word) : NULL;

        if (event != NULL)
                CloseHandle(event);
}

void
wr_signal_unbind(wr_word32 *wake, wr_word32 *space)
{
        unbind(wake);
        unbind(space);
}
