/*
 * Objects go from the broker to a client, never the other way. The sender's handles were narrowed before they came
 * here; the kernel is asked what each of them can do, and the client gets that and nothing else.
 *
 *      client's process can be opened    DuplicateHandle into it: the number is good in its table and nowhere else
 *      it cannot                         the object's list gets an entry for this client, the object a label where
 *                                        the client is to write it from below Medium, and the name is told
 */
#include "named-objects/endpoint_objects_win32.h"

#include "bus/os/error.h"
#include "named-objects/endpoint_name_win32.h"
#include "named-objects/grant_win32.h"

#include <string.h>

static const enum wr_trailer_kind kinds[] = {
        [WR_GRANT_OTHER] = WR_TRAILER_NONE,  [WR_GRANT_SECTION] = WR_TRAILER_SECTION,
        [WR_GRANT_EVENT] = WR_TRAILER_EVENT, [WR_GRANT_PROCESS] = WR_TRAILER_PROCESS,
        [WR_GRANT_PIPE] = WR_TRAILER_PIPE,
};

static enum wr_grant_kind
grant_kind(enum wr_trailer_kind kind)
{
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
                if (kinds[i] == kind)
                        return (enum wr_grant_kind)i;
        return WR_GRANT_OTHER;
}

static enum weir_result
give_handle(const struct wr_endpoint_peer *peer, HANDLE object, struct wr_trailer_entry *entry)
{
        HANDLE given;

        if (DuplicateHandle(GetCurrentProcess(), object, peer->process, &given, entry->rights, FALSE, 0)) {
                entry->handle = (uintptr_t)given;
                return WEIR_OK;
        }
        if (WaitForSingleObject(peer->process, 0) == WAIT_OBJECT_0)
                return WEIR_E_CLOSED;
        return wr_os_error((int)GetLastError());
}

static enum weir_result
give_name(const struct wr_endpoint_peer *peer, HANDLE object, struct wr_trailer_entry *entry)
{
        enum weir_result result;

        if (entry->kind == WR_TRAILER_PROCESS) { /* it has no name, and the client could not open it by its number */
                *entry = (struct wr_trailer_entry){ .kind = WR_TRAILER_NONE };
                return WEIR_OK;
        }
        if (peer->sid_count == 0)
                return WEIR_E_DENIED;
        result = wr_grant_name_of(object, entry->name, sizeof entry->name);
        if (result != WEIR_OK)
                return WEIR_E_DENIED;
        result = wr_grant_admit(object, peer->sids, peer->sid_count, entry->rights);
        if (result == WEIR_OK && peer->is_low)
                result = wr_grant_lower(object, entry->rights);
        return result;
}

static enum weir_result
give(const struct wr_endpoint_peer *peer, wr_object object, struct wr_trailer_entry *entry)
{
        enum wr_grant_kind kind;

        *entry = (struct wr_trailer_entry){ .kind = WR_TRAILER_NONE };
        if (object == WR_NO_OBJECT)
                return WEIR_OK;
        kind = wr_grant_kind_of(object);
        entry->kind = kinds[kind];
        entry->rights = wr_grant_handed(kind, wr_grant_rights_of(object));
        if (entry->rights == 0)
                return WEIR_E_USAGE;
        return peer->process != NULL ? give_handle(peer, object, entry) : give_name(peer, object, entry);
}

enum weir_result
wr_endpoint_objects_give(const struct wr_endpoint_peer *peer, const wr_object *objects, size_t count,
                         struct wr_trailer_entry *entries)
{
        for (size_t i = 0; i < count; i++) {
                enum weir_result result = give(peer, objects[i], &entries[i]);

                if (result != WEIR_OK) {
                        wr_endpoint_objects_withdraw(peer, entries, i);
                        return result;
                }
        }
        return WEIR_OK;
}

void
wr_endpoint_objects_withdraw(const struct wr_endpoint_peer *peer, const struct wr_trailer_entry *entries, size_t count)
{
        HANDLE self = GetCurrentProcess(), ours;

        for (size_t i = 0; i < count; i++) {
                HANDLE given = (HANDLE)(uintptr_t)entries[i].handle;

                /* Fetched and closed there in one step. A process that has ended has nothing left to close. */
                if (given != NULL && DuplicateHandle(peer->process, given, self, &ours, 0, FALSE,
                                                     DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE))
                        CloseHandle(ours);
        }
}

static bool
take(const struct wr_trailer_entry *entry, wr_object *object)
{
        HANDLE given = (HANDLE)(uintptr_t)entry->handle;

        *object = WR_NO_OBJECT;
        if (entry->kind == WR_TRAILER_NONE)
                return true;
        if (given == NULL && entry->kind == WR_TRAILER_PIPE)
                return wr_endpoint_name_open_stream(entry->name, entry->rights, object) == WEIR_OK;
        if (given == NULL)
                return wr_grant_open(grant_kind(entry->kind), entry->name, entry->rights, object) == WEIR_OK;
        /* A number that is not what was said may be any handle of this process: it is not ours to close. */
        if (kinds[wr_grant_kind_of(given)] != entry->kind || wr_grant_rights_of(given) != entry->rights)
                return false;
        *object = given;
        return true;
}

enum weir_result
wr_endpoint_objects_take(const struct wr_trailer_entry *entries, size_t count, wr_object *objects)
{
        for (size_t i = 0; i < count; i++) {
                if (take(&entries[i], &objects[i]))
                        continue;
                while (i-- > 0)
                        wr_object_close(objects[i]);
                return WEIR_E_CORRUPT;
        }
        return WEIR_OK;
}
