/* The hash kernel for machines with AVX-512; see hash_avx2.c for the order of what follows. */
#include "bus/hash_kernel.h"

#include <assert.h>
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define XXH_VECTOR      3 /* XXH_AVX512 */
#define KERNEL          wr_hash_avx512
#define VECTORS_LEAVE() _mm256_zeroupper()

#if defined(__clang__)
#        pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#        pragma GCC push_options
#        pragma GCC target("avx512f")
#endif

#include "bus/hash_kernel.inc"

#if defined(__clang__)
#        pragma clang attribute pop
#else
#        pragma GCC pop_options
#endif
