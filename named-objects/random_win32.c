/* The system's preferred generator. */
#include "named-objects/random.h"

#include <stdlib.h>
#include <windows.h>

#include <bcrypt.h>

uint64_t
wr_random(void)
{
        uint64_t value;

        if (BCryptGenRandom(NULL, (PUCHAR)&value, sizeof(value), BCRYPT_USE_SYSTEM_PREFERRED_RNG) < 0)
                abort();
        return value;
}
