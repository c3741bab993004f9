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

#endif
