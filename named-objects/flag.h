/*
 * A flag: an object of this process that is readable while it is raised. Linux: an eventfd; Windows: a manual-reset
 * event. Raising and lowering work from any thread, also from one that has a descriptor table of its own, as long as
 * it was made before that.
 */
#ifndef WR_FLAG_H
#define WR_FLAG_H

#include "named-objects/region.h"

/* Lowered. WEIR_E_QUOTA: no descriptors left. Closed with wr_object_close. */
enum weir_result
wr_flag_create(wr_object *flag);

void
wr_flag_raise(wr_object flag);

void
wr_flag_lower(wr_object flag);

#endif
