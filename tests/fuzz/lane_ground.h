/*
 * The ground on which frame_fuzz.c and pair_fuzz.c play: a lane segment mapped twice, as a publisher has it and as a
 * subscriber has it, with nothing mapped before, between and behind its parts, so that a step outside is a SIGSEGV
 * with or without sanitizers.
 *
 *      ··· control ··· ring ··· heap ···      one page each, the heap more
 */
#ifndef TESTS_FUZZ_LANE_GROUND_H
#define TESTS_FUZZ_LANE_GROUND_H

#include "bus/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
        GROUND_PAGE = 4096,
        GROUND_RING = 1 * GROUND_PAGE,
        GROUND_HEAP = 4 * GROUND_PAGE,
        GROUND_RING_AT = 2 * GROUND_PAGE, /* in the segment: behind the control page and a gap */
        GROUND_HEAP_AT = 4 * GROUND_PAGE,
        GROUND_SEGMENT = GROUND_HEAP_AT + GROUND_HEAP,
        GROUND_INLINE_MAX = 200,
        GROUND_LANE = 7,
        GROUND_STEPS_MAX = 400, /* of one input */
};

/* The input, read byte by byte; behind its end there are zero bytes. */
struct input {
        const uint8_t *bytes;
        size_t size;
};

static inline uint64_t
input_number(struct input *input, size_t bytes)
{
        uint64_t value = 0;
        size_t there = bytes < input->size ? bytes : input->size;

        memcpy(&value, input->bytes, there);
        input->bytes += there;
        input->size -= there;
        return value;
}

static inline uint8_t
input_byte(struct input *input)
{
        return (uint8_t)input_number(input, 1);
}

/* What must hold, whatever the input: else the fuzzer has found something. */
#define expect(held) ((held) ? (void)0 : expect_failed(__FILE__, __LINE__, #held))

static inline _Noreturn void
expect_failed(const char *file, int line, const char *what)
{
        fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
        abort();
}

/* A run of pages of the segment at the same place in a mapping. */
static inline void
ground_map(uint8_t *base, int fd, int protection, long at, size_t bytes)
{
        expect(mmap(base + at, bytes, protection, MAP_SHARED | MAP_FIXED, fd, at) == base + at);
}

static inline uint8_t *
ground_view(int fd, int protection)
{
        uint8_t *base = mmap(NULL, GROUND_SEGMENT + 2 * GROUND_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        expect(base != MAP_FAILED);
        base += GROUND_PAGE;
        ground_map(base, fd, protection, 0, GROUND_PAGE);
        ground_map(base, fd, protection, GROUND_RING_AT, GROUND_RING);
        ground_map(base, fd, protection, GROUND_HEAP_AT, GROUND_HEAP);
        return base;
}

/* The publisher's view and the subscribers', made once and cleared for each input. */
static inline void
ground_open(uint8_t **writable, const uint8_t **readable)
{
        static uint8_t *views[2];
        int fd;

        if (!views[0]) {
                fd = memfd_create("lane", MFD_CLOEXEC);
                expect(fd >= 0 && ftruncate(fd, GROUND_SEGMENT) == 0);
                views[0] = ground_view(fd, PROT_READ | PROT_WRITE);
                views[1] = ground_view(fd, PROT_READ);
                close(fd);
        }
        memset(views[0], 0, GROUND_PAGE);
        memset(views[0] + GROUND_RING_AT, 0, GROUND_RING);
        memset(views[0] + GROUND_HEAP_AT, 0, GROUND_HEAP);
        *writable = views[0];
        *readable = views[1];
}

static inline struct wr_lane_geometry
ground_geometry(struct input *input)
{
        /* Where counters turn over; the lane begins so many bytes before it. */
        static const uint64_t turns[] = { 1 << 20, UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(1) << 63, 0 };
        uint8_t choice = input_byte(input);

        return (struct wr_lane_geometry){
                .lane = GROUND_LANE,
                .epoch = 1,
                .segment_bytes = GROUND_SEGMENT,
                .ring_offset = GROUND_RING_AT,
                .ring_bytes = GROUND_RING,
                .heap_offset = GROUND_HEAP_AT,
                .heap_bytes = GROUND_HEAP,
                .start = turns[choice % 5] - (uint64_t)(choice / 16) * 160,
                .inline_max = GROUND_INLINE_MAX,
                .hash = choice / 5 % 3,
        };
}

/* Reads every byte: outside what is mapped this ends the process. */
static inline void
expect_readable(const void *data, uint64_t size)
{
        const volatile uint8_t *bytes = data;

        for (uint64_t i = 0; i < size; i++)
                (void)bytes[i];
}

#endif
