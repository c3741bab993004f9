/*
 * Handing over on Windows. The kernel's list of an object decides who may have a handle with which rights, so each
 * object of ours is made with a protected list that grants nobody anything, and reaches a client in one of two ways:
 *
 *      by handle       the broker duplicates it into the client's process, with the rights that are handed, no others
 *      by name         the broker adds an entry for exactly this client to the object's list, then tells the name
 *
 * A handle that was narrowed cannot be duplicated up again: the list refuses it. The broker's own handles keep
 * READ_CONTROL and WRITE_DAC beside the rights that they stand for, so that an entry can be added later, and
 * WRITE_OWNER where a label may be needed; what is handed over never has them (wr_grant_handed).
 */
#ifndef WR_GRANT_WIN32_H
#define WR_GRANT_WIN32_H

#include "named-objects/region.h"
#include "named-objects/rights/descriptor.h"

#include <windows.h>

enum wr_grant_kind { WR_GRANT_OTHER, WR_GRANT_SECTION, WR_GRANT_EVENT, WR_GRANT_PROCESS, WR_GRANT_PIPE };

/* `Global\weir-` and 32 digits, or without `Global\`; room for longer names that tests choose. */
enum { WR_GRANT_NAME_MAX = 128 };

/* Rights of the broker's own handles that are never handed over. */
enum { WR_GRANT_KEPT = READ_CONTROL | WRITE_DAC, WR_GRANT_KEPT_TO_LABEL = WR_GRANT_KEPT | WRITE_OWNER };

/* What kind of object it is, by its type's name; needs no right on it. WR_GRANT_OTHER: none of these, or no handle. */
enum wr_grant_kind
wr_grant_kind_of(HANDLE object);

/* The rights that the handle has; 0 where there is no such handle. */
uint32_t
wr_grant_rights_of(HANDLE object);

/* Those of `rights` that a client may be handed: of a section MAP_READ and MAP_WRITE, of an event MODIFY_STATE and
 * SYNCHRONIZE, of a process SYNCHRONIZE, of a pipe all but to make an instance of it. 0: nothing of it is handed over.
 */
uint32_t
wr_grant_handed(enum wr_grant_kind kind, uint32_t rights);

/*
 * By which name another process opens it: plain for an object in the broker's session, `Global\...` for one that all
 * sessions share. WEIR_EMPTY: it has none. WEIR_E_TOO_LARGE: it does not fit. WEIR_E_CORRUPT: no name of ours.
 * WEIR_E_SYSTEM: no such handle.
 */
enum weir_result
wr_grant_name_of(HANDLE object, char *name, size_t room);

/* A second handle in this process with exactly these rights, which the first must have. */
enum weir_result
wr_grant_narrow(HANDLE object, uint32_t rights, HANDLE *narrow);

/* The other end: opens what was handed over by name, with exactly these rights. WEIR_E_DENIED, WEIR_E_SYSTEM (none of
 * this name, or of another type), WEIR_E_USAGE (neither a section nor an event; a pipe is opened by
 * wr_endpoint_name_open_stream). */
enum weir_result
wr_grant_open(enum wr_grant_kind kind, const char *name, uint32_t rights, HANDLE *object);

/*
 * Adds an entry to the list of an object for each of the SIDs: a client's user half and, of one in an AppContainer, its
 * package half too (an AppContainer needs every right from both). An entry that is there already is not added again.
 * object: with WR_GRANT_KEPT.
 *
 * WEIR_E_DENIED   the handle has not the right
 * WEIR_E_QUOTA    the list is full: some 1 400 entries
 * WEIR_E_CORRUPT  its list is not one of ours
 */
enum weir_result
wr_grant_admit(HANDLE object, const struct wr_sid *sids, size_t count, uint32_t rights);

/*
 * What has no label nobody below Medium opens to write, whatever its list says: labels the object Low if these rights
 * write it, as MAP_WRITE of a section and MODIFY_STATE of an event do. Who may come in stays the list's business. Pipes
 * have their label from the start. object: with WR_GRANT_KEPT_TO_LABEL, where they write.
 *
 * WEIR_E_DENIED   the handle has not the right
 */
enum weir_result
wr_grant_lower(HANDLE object, uint32_t rights);

/* The descriptor that every object of ours is made with, in binary form: D:P(A;;RC;;;OW). Where the list speaks of
 * OWNER RIGHTS its owner has only those, and could else change the list. bytes: aligned to four. Its size, 0: no room.
 */
size_t
wr_grant_closed_list(void *bytes, size_t room);

enum { WR_GRANT_LIST_BYTES = 64 }; /* room for it */

/* Its one entry. */
extern const struct wr_ace wr_grant_nobody;

/* The label of what programs of low integrity are to open for writing, which a list alone does not let them. Who may
 * come in is the list's business. */
extern const struct wr_ace wr_grant_any_integrity;

/* A name that nobody can guess: `weir-` and 32 digits. */
void
wr_grant_name_make(wchar_t name[WR_GRANT_NAME_MAX]);

enum { WR_GRANT_TRIES_MAX = 16 };

/*
 * After an object was to be made under such a name: true if somebody else's has it, of whatever type and with whatever
 * list. That is an attack; it is counted, what was opened instead is closed, and *object is NULL. Else *object is ours,
 * or NULL for another reason (GetLastError).
 */
bool
wr_grant_collided(HANDLE *object);

uint32_t
wr_grant_collisions(void);

#endif
