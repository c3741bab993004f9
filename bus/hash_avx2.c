/* The hash kernel for machines with AVX2; see hash_kernel.inc. The compiler is told here and not by an option of the
 * build, so that nothing outside this file can be compiled for a machine that may not be there: the system's headers
 * come first, then the switch. gcc and clang spell it differently, each ignores the other's. */
#include "bus/hash_kernel.h"

#include <assert.h>
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define XXH_VECTOR      2 /* XXH_AVX2: under clang's attribute __AVX2__ stays undefined */
#define KERNEL          wr_hash_avx2
#define VECTORS_LEAVE() _mm256_zeroupper()

#if defined(__clang__)
#        pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#        pragma GCC push_options
#        pragma GCC target("avx2")
#endif

#include "bus/hash_kernel.inc"

#if defined(__clang__)
#        pragma clang attribute pop
#else
#        pragma GCC pop_options
#endif
