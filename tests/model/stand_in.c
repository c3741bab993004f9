/*
 * What bus/ calls that is no part of a protocol: private memory, the block heap, the hash, the system's barrier.
 * All of it is small and the same in each execution. A heap has a few blocks, the one freed last is handed out first.
 */
#include "tests/model/atomic_model.h"

#include "bus/hash.h"
#include "bus/heap.h"
#include "bus/os/barrier.h"
#include "tests/model/explore.h"

#undef malloc
#undef calloc
#undef realloc
#undef free

#include <assert.h>

enum { HEAP_BLOCKS_MAX = 16, HEAP_BLOCK_BYTES = 64 };

/* ---- memory ---- */

void *
machine_malloc(size_t bytes)
{
        uint64_t *memory = explore_alloc(bytes + 8);

        memory[0] = bytes;
        return memory + 1;
}

void *
machine_calloc(size_t count, size_t bytes)
{
        return machine_malloc(count * bytes);
}

void *
machine_realloc(void *old, size_t bytes)
{
        uint64_t before = old == NULL ? 0 : ((uint64_t *)old)[-1];
        void *memory = machine_malloc(bytes);

        if (old != NULL)
                memcpy(memory, old, before < bytes ? before : bytes);
        return memory;
}

void
machine_free(void *memory)
{
        (void)memory;
}

/* ---- heap ---- */

static uint64_t heap_blocks; /* of the next heap */

struct wr_heap {
        uint64_t free_offsets[HEAP_BLOCKS_MAX];
        uint64_t blocks, free_count;
        bool out[HEAP_BLOCKS_MAX];
};

void
explore_heap(uint64_t blocks)
{
        assert(blocks <= HEAP_BLOCKS_MAX);
        heap_blocks = blocks;
}

enum weir_result
wr_heap_open(struct wr_heap **heap, uint64_t bytes)
{
        (void)bytes;
        *heap = machine_malloc(sizeof **heap);
        (*heap)->blocks = heap_blocks;
        while ((*heap)->free_count < heap_blocks) {
                (*heap)->free_offsets[(*heap)->free_count] = (*heap)->free_count * HEAP_BLOCK_BYTES;
                (*heap)->free_count += 1;
        }
        return WEIR_OK;
}

void
wr_heap_close(struct wr_heap *heap)
{
        (void)heap;
}

enum weir_result
wr_heap_lend(struct wr_heap *heap, uint64_t bytes, uint64_t align, uint64_t *offset)
{
        assert(bytes <= HEAP_BLOCK_BYTES && align <= HEAP_BLOCK_BYTES);
        if (heap->free_count == 0)
                return WEIR_FULL;
        *offset = heap->free_offsets[--heap->free_count];
        heap->out[*offset / HEAP_BLOCK_BYTES] = true;
        return WEIR_OK;
}

void
wr_heap_return(struct wr_heap *heap, uint64_t offset)
{
        explore_check(heap->out[offset / HEAP_BLOCK_BYTES], "a block is given back twice");
        heap->out[offset / HEAP_BLOCK_BYTES] = false;
        heap->free_offsets[heap->free_count++] = offset;
}

uint64_t
wr_heap_high(const struct wr_heap *heap)
{
        return heap->blocks * HEAP_BLOCK_BYTES;
}

uint64_t
wr_heap_used(const struct wr_heap *heap)
{
        return (heap->blocks - heap->free_count) * HEAP_BLOCK_BYTES;
}

/* ---- hash: any function that differs when a word does ---- */

static uint64_t
mix(uint64_t hash, const void *data, size_t size)
{
        for (size_t done = 0; done < size; done += 8) {
                uint64_t word = 0;

                memcpy(&word, (const uint8_t *)data + done, size - done < 8 ? size - done : 8);
                hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
                hash ^= hash >> 31;
        }
        return hash;
}

uint64_t
wr_hash_bytes(const void *data, size_t size)
{
        return mix(1, data, size);
}

uint64_t
wr_hash_two(const void *first, size_t first_size, const void *second, size_t second_size)
{
        return mix(mix(1, first, first_size), second, second_size);
}

uint64_t
wr_hash_copy(const void *first, size_t first_size, void *to, const void *second, size_t second_size)
{
        memcpy(to, second, second_size);
        return wr_hash_two(first, first_size, second, second_size);
}

uint64_t
wr_hash_finish(enum wr_hash_policy policy, uint64_t bytes_hash, const struct wr_hash_words *words)
{
        if (policy == WR_HASH_NONE)
                return 0;
        return (policy == WR_HASH_FULL ? bytes_hash : 0) + mix(1, words, sizeof *words);
}

uint64_t
wr_hash_bytes_back(uint64_t hash, const struct wr_hash_words *words)
{
        return hash - wr_hash_finish(WR_HASH_FULL, 0, words);
}

/* ---- system ---- */

bool
wr_barrier_available(void)
{
        return true;
}

bool
wr_barrier_all(void)
{
        machine_barrier();
        return true;
}

bool
wr_barrier_system_available(void)
{
        return machine_registered();
}

bool
wr_barrier_system(void)
{
        machine_barrier_system();
        return true;
}

/* It stands: nothing here waits for it. */
int64_t
wr_clock_ns(void)
{
        return 0;
}

void
wr_yield(void)
{
        machine_pause();
}

/* An assertion of the real sources is one of the rules. */
void __attribute__((noreturn)) __assert_fail(const char *text, const char *file, unsigned line, const char *function)
{
        (void)function;
        explore_fail("%s:%u: assertion \"%s\" fails", file, line, text);
}
