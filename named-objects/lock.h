/* A lock that its holder's death gives back: which of several processes does what only one may do. */
#ifndef WR_LOCK_H
#define WR_LOCK_H

#include "named-objects/region.h"

/*
 * Take the lock at `path` (a file in a directory that is ours: wr_endpoint_directory), for as long as *lock is open.
 *
 * WEIR_OK        ours
 * WEIR_FULL      somebody holds it
 * WEIR_E_DENIED  the file is no plain file of ours
 */
enum weir_result
wr_lock_take(wr_object *lock, const char *path);

/* Has somebody taken it, and not given it back? Its holder may be dead. */
bool
wr_lock_exists(const char *path);

/* Give it back and leave no file behind. Who waits for it meanwhile gets it all the same. WR_NO_OBJECT is fine. */
void
wr_lock_give(wr_object lock, const char *path);

#endif
