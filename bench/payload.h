/*
 * The bytes of a benchmark's frames, and the proof that they arrived: the same functions for every peer.
 *
 * Word i of the frame with this sequence number is first + i * step, both mixed from the sequence number. The consumer
 * adds up all words it received; what they must add up to follows from the sequence number alone, without writing the
 * frame a second time. A lost, doubled, reordered or torn frame does not add up.
 */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

enum { BENCH_SIZE_MIN = 8 }; /* smaller frames could not tell their sequence number */

/* Write a whole frame. `to` needs no alignment; a last part of a word is the word's low bytes. */
void
bench_fill(void *to, uint64_t size, uint64_t sequence);

/* Add up all words of a frame; a last part of a word counts with zeros above it. */
uint64_t
bench_fold(const void *from, uint64_t size);

/* What bench_fold answers for a frame that bench_fill wrote. */
uint64_t
bench_sum(uint64_t size, uint64_t sequence);

/* For frames that stay untouched: write, and compare, the first word only. */
void
bench_mark(void *to, uint64_t sequence);

bool
bench_marked(const void *from, uint64_t sequence);

#endif
