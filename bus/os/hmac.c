#include "bus/os/hmac.h"

bool
wr_hmac_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
        volatile uint8_t different = 0; /* so that no compiler stops at the first */

        for (size_t i = 0; i < size; i++)
                different = (uint8_t)(different | (a[i] ^ b[i]));
        return different == 0;
}
