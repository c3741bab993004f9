/* Who may take the place of a broker that is there and does nothing. */
#ifndef WR_CONTEND_H
#define WR_CONTEND_H

#include "named-objects/region.h"

#include <stdbool.h>

/*
 * Takes the lock of who is the broker at `address`, or finds out that its holder does nothing. Blocks for at most six
 * seconds, three until somebody listens and three until he answers; any thread.
 *
 * WEIR_OK     the lock is ours
 * WEIR_FULL   another one holds it and answers
 * WEIR_EMPTY  another one held it for three seconds and answered nothing
 * Else the lock's failure.
 */
enum weir_result
wr_contend_take(wr_object *lock, const char *path, const char *address);

/* Says hello there, with the lock in hand. True: somebody answers who needs no lock, being started by a service manager
 * that listens for it. Blocks at most as long. */
bool
wr_contend_is_served(const char *address);

/* The process of the broker that answers there; 0: it does not tell us. Blocks for at most three seconds. */
uint32_t
wr_contend_pid(const char *address);

#endif
