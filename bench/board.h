/* The page of notes that the supervisor and the two ends of a run share. Frames do not pass here. */
#ifndef BENCH_BOARD_H
#define BENCH_BOARD_H

#include "bench/histogram.h"
#include "bench/run.h"
#include "bus/atomic.h"

#include <pthread.h>
#include <stdalign.h>

/* Written by one end. */
struct bench_board_end {
        alignas(64) wr_word frames;    /* sent, or received whole: how the supervisor sees that something moves */
        alignas(64) wr_word32 verdict; /* enum bench_verdict */
        wr_word lost;
        double cpu_s;
        char text[BENCH_TEXT_BYTES];
};

struct bench_board {
        pthread_barrier_t opened, finished;
        alignas(64) wr_word first; /* sequence number of the first measured frame; 0: not decided. The producer's */
        wr_word total;             /* of the last frame; likewise, decided before that frame is sent */
        struct bench_board_end ends[2];
        alignas(64) uint64_t begin_ticks; /* of the measured time */
        uint64_t end_ticks;
        struct bench_histogram round_trips; /* in ticks */
};

/* One end of a run, in its own process: frames from the first to the last. False when link->text says why. */
bool
bench_produce(struct bench_link *link, struct bench_board *board, int64_t run_ns);

bool
bench_consume(struct bench_link *link, struct bench_board *board);

#endif
