/* How much memory this process's memory cgroups still allow. Linux only; Windows has a commit limit that answers. */
#ifndef WR_HEADROOM_H
#define WR_HEADROOM_H

#include <stdint.h>

/* The least over all levels of the hierarchy, both versions; UINT64_MAX when there is no limit or none can be seen.
 * File pages that were read once count as free: the kernel drops them first. */
uint64_t
wr_headroom_bytes(void);

#endif
