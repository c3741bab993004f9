/* Who may take the place of a broker that is there and does nothing. */
#ifndef WR_CONTEND_H
#define WR_CONTEND_H

#include <stdbool.h>

/* Says hello there. True: somebody listens and did not answer for three seconds. Blocks for as long; any thread. */
bool
wr_contend_is_silent(const char *address);

/* Says hello there, with the lock in hand. True: somebody answers who needs no lock, being started by a service manager
 * that listens for it. Blocks at most as long. */
bool
wr_contend_is_served(const char *address);

#endif
