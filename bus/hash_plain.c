/* The hash kernel for what every machine of this architecture has; see hash_kernel.inc. */
#include "bus/hash_kernel.h"

#include <assert.h>
#include <string.h>

#define KERNEL          wr_hash_plain
#define VECTORS_LEAVE() ((void)0)

#include "bus/hash_kernel.inc"
