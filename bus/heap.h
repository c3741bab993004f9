/*
 * The block heap of a lane: hands out offsets into [0, bytes). All metadata is private to the publisher's process;
 * nothing of it lies in the shared pages. One thread at a time.
 *
 * Sizes from 1 byte to the whole heap; every offset is a multiple of 64 (or of the alignment asked for). Warm blocks
 * first: what was freed last is handed out first, and never-touched space last, so that `high` (the end of what was
 * ever handed out) grows only when nothing below it fits.
 */
#ifndef WR_HEAP_H
#define WR_HEAP_H

#include "bus/result.h"

#include <stdint.h>

struct wr_heap;

/* WEIR_E_NO_MEMORY when the metadata cannot be had. bytes: a multiple of 4096. */
enum weir_result
wr_heap_open(struct wr_heap **heap, uint64_t bytes);

void
wr_heap_close(struct wr_heap *heap);

/* WEIR_OK, WEIR_FULL (no hole of this size), WEIR_E_TOO_LARGE (larger than the heap), WEIR_E_NO_MEMORY (metadata).
 * align: a power of two, 64 to 2 MiB. `bytes` is what the caller will use; what is reserved may be more. */
enum weir_result
wr_heap_lend(struct wr_heap *heap, uint64_t bytes, uint64_t align, uint64_t *offset);

/* offset: from wr_heap_lend and not given back since; anything else is a mistake of ours and asserted. */
void
wr_heap_return(struct wr_heap *heap, uint64_t offset);

/* End of the space ever handed out: only below it has memory been touched. */
uint64_t
wr_heap_high(const struct wr_heap *heap);

/* Bytes reserved for the block lent at this offset; 0: none is. Any offset may be asked for. */
uint64_t
wr_heap_lent_bytes(const struct wr_heap *heap, uint64_t offset);

/* Bytes now handed out (as reserved). */
uint64_t
wr_heap_used(const struct wr_heap *heap);

#endif
