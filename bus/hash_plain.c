/* The hash kernel for what every machine of this architecture has; see hash_kernel.inc. */
#include "bus/hash_kernel.h"

#include <string.h>

#define KERNEL wr_hash_plain

#if defined(__SSE2__)
#        include <emmintrin.h>
static inline void
line_stream(void *to, const void *from)
{
        for (int i = 0; i < 4; i++)
                _mm_stream_si128((__m128i *)to + i, _mm_loadu_si128((const __m128i *)from + i));
}
#else
static inline void
line_stream(void *to, const void *from)
{
        memcpy(to, from, 64);
}
#endif
#define LINE_STREAM     line_stream
#define VECTORS_LEAVE() ((void)0)

#include "bus/hash_kernel.inc"
