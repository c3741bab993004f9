/* The owner's side of shared memory: address space first, memory when it is needed, paid by who uses it. */
#ifndef WR_MEMORY_H
#define WR_MEMORY_H

#include "bus/result.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Commit [address, address + bytes) of a mapping: every page is there afterwards and touching it cannot fail.
 *
 * Compares with the headroom of the process's memory cgroups first: WEIR_E_NO_MEMORY when less than
 * bytes + bytes / 16 remains (best effort: past a limit the kernel kills who touches). Else as the system says.
 */
enum weir_result
wr_memory_commit(void *address, size_t bytes);

/* Ask for huge pages in this range. A wish: no result. */
void
wr_memory_huge(void *address, size_t bytes);

size_t
wr_memory_page_bytes(void);

/* Memory of this process alone, its address a multiple of `align`, a power of two; NULL: there is none. It is given
 * back by wr_memory_aligned_free alone (NULL is fine): on Windows free() does not take it. */
void *
wr_memory_aligned(size_t align, size_t bytes);

void
wr_memory_aligned_free(void *memory);

#endif
