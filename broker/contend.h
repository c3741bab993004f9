/* Who may take the place of a broker that is there and does nothing. */
#ifndef WR_CONTEND_H
#define WR_CONTEND_H

#include "named-objects/region.h"

#include <stdbool.h>
#include <stdint.h>

/* Who answers nothing for so long is stopped. Who asks with less patience, having clients of its own that would take it
 * for stopped, takes the place of nobody who may be there. */
#define WR_CONTEND_NS INT64_C(3000000000)

/*
 * Takes the lock of who is the broker at `address`, or finds out that its holder does nothing. Blocks for at most twice
 * patience_ns, until somebody listens and until he answers; any thread.
 *
 * WEIR_OK     the lock is ours
 * WEIR_FULL   another one holds it and answers, or may yet
 * WEIR_EMPTY  another one held it for WR_CONTEND_NS and answered nothing
 * Else the lock's failure.
 */
enum weir_result
wr_contend_take(wr_object *lock, const char *path, const char *address, int64_t patience_ns);

/* Says hello there, with the lock in hand. True: somebody answers who needs no lock, being started by a service manager
 * that listens for it, or may yet. Blocks for at most patience_ns. */
bool
wr_contend_is_served(const char *address, int64_t patience_ns);

/* The process of the broker that answers there; 0: it does not tell us so soon. */
uint32_t
wr_contend_pid(const char *address, int64_t patience_ns);

#endif
