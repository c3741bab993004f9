/* Inside the Windows half of a region: who makes one, and who maps it. */
#ifndef WR_REGION_WIN32_H
#define WR_REGION_WIN32_H

#include "named-objects/region.h"

/* Of the whole section for a region of so many bytes, in whole pages, with the one behind its end. 0: too many, or
 * none. */
uint64_t
wr_region_view_bytes(uint64_t bytes);

#endif
