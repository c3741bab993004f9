/*
 * The long half of bus/hash.h, compiled once for each width of vectors from bus/hash_kernel.inc. All kernels answer
 * the same; bus/hash.c chooses one. Only bus/hash.c and its test include this.
 */
#ifndef WR_HASH_KERNEL_H
#define WR_HASH_KERNEL_H

#include "bus/hash.h"

struct wr_hash_kernel {
        uint64_t (*bytes)(const void *data, size_t size);
        void (*begin)(struct wr_hash_pieces *pieces);
        void (*add)(struct wr_hash_pieces *pieces, const void *data, size_t size);
        uint64_t (*end)(const struct wr_hash_pieces *pieces);
        uint64_t (*copy)(const void *first, size_t first_size, void *to, const void *second, size_t second_size);
};

extern const struct wr_hash_kernel wr_hash_plain; /* SSE2, NEON or scalar: what the compiler may assume anyway */

/* GCC for Windows does not keep the stack aligned for vectors wider than 16 bytes and then spills them with aligned
 * moves (GCC bug 54412): with it the plain kernel is the only one. */
#if defined(__x86_64__) && (!defined(_WIN32) || defined(__clang__))
#        define WR_HASH_WIDE 1
#else
#        define WR_HASH_WIDE 0
#endif

#if WR_HASH_WIDE
extern const struct wr_hash_kernel wr_hash_avx2;
extern const struct wr_hash_kernel wr_hash_avx512;
#endif

/* The kernel that wr_hash_bytes() and the others use on this machine. */
const struct wr_hash_kernel *
wr_hash_kernel(void);

#endif
