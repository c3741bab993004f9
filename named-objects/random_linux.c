/* getrandom: blocks only before the kernel's pool is first seeded, early at boot. */
#include "named-objects/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

uint64_t
wr_random(void)
{
        uint64_t value;

        /* Up to 256 bytes are never cut short; a signal can only interrupt the wait for the first seed. */
        while (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value))
                if (errno != EINTR)
                        abort();
        return value;
}
