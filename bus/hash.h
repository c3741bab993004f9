/*
 * The frame's hash: XXH3-64 of extension and payload in one pass, finished with a mix of the header's other words,
 * the sequence number and the lane id. It finds torn, lapped and corrupted frames. It is no MAC: that only the
 * publisher can write the lane is what protects against malice.
 */
#ifndef WR_HASH_H
#define WR_HASH_H

#include <stddef.h>
#include <stdint.h>

enum wr_hash_policy { WR_HASH_FULL = 0, WR_HASH_HEADER = 1, WR_HASH_NONE = 2 };

/* What is mixed in beside the bytes. Padding, format and END headers use the sequence of the next counted frame. */
struct wr_hash_words {
        uint64_t commit, shape, time, sequence, lane;
};

/* XXH3-64 of bytes, by the widest vectors this machine has (chosen once, at first use; any thread). */
uint64_t
wr_hash_bytes(const void *data, size_t size);

/* XXH3-64 of `first` followed by `second`, as if they were contiguous. */
uint64_t
wr_hash_two(const void *first, size_t first_size, const void *second, size_t second_size);

/* Copies second to `to` piece by piece, each piece hashed while it is in the cache; the hash is that of `first`
 * followed by `second`, read from `second` (private memory). */
uint64_t
wr_hash_copy(const void *first, size_t first_size, void *to, const void *second, size_t second_size);

/* Of what comes in pieces: XXH3-64 of all of them, as if they were contiguous. A state, of no use to anybody else. */
struct wr_hash_pieces {
        _Alignas(64) uint8_t state[576];
};

void
wr_hash_begin(struct wr_hash_pieces *pieces);

/* data: may be NULL where size is 0. */
void
wr_hash_add(struct wr_hash_pieces *pieces, const void *data, size_t size);

uint64_t
wr_hash_end(const struct wr_hash_pieces *pieces);

/* The value of the header's hash word. bytes_hash is ignored unless policy is WR_HASH_FULL; 0 under WR_HASH_NONE. */
uint64_t
wr_hash_finish(enum wr_hash_policy policy, uint64_t bytes_hash, const struct wr_hash_words *words);

/* The other way, under WR_HASH_FULL: the hash of the bytes that a header's word was finished with. Whoever hands the
 * bytes on, elsewhere and with other words, finishes it anew, and they are checked against what their publisher hashed.
 */
uint64_t
wr_hash_bytes_back(uint64_t hash, const struct wr_hash_words *words);

#endif
