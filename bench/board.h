/* The page of notes that the supervisor and the two ends of a run share. Frames do not pass here. */
#ifndef BENCH_BOARD_H
#define BENCH_BOARD_H

#include "bench/histogram.h"
#include "bench/meeting.h"
#include "bench/run.h"
#include "bus/atomic.h"

#include <stdalign.h>

/* What the ends are to do: all that they are told. */
struct bench_task {
        char peer[32]; /* its name */
        struct bench_terms terms;
        bool both_ways;
        struct bench_inherited inherited;
        struct bench_place place;
        double tick_ns;       /* as the supervisor found it, */
        int ticks_are_cycles; /* and this */
};

/* Written by one end. */
struct bench_board_end {
        alignas(64) wr_word frames;    /* sent, or received whole: how the supervisor sees that something moves */
        alignas(64) wr_word32 verdict; /* enum bench_verdict */
        wr_word lost;
        double cpu_s;
        char text[BENCH_TEXT_BYTES];
};

struct bench_board {
        struct bench_task task;
        struct bench_meeting opened, finished;
        alignas(64) wr_word first; /* sequence number of the first measured frame; 0: not decided. The producer's */
        wr_word total;             /* of the last frame; likewise, decided before that frame is sent */
        struct bench_board_end ends[2];
        alignas(64) uint64_t begin_ticks; /* of the measured time */
        uint64_t end_ticks;
        struct bench_histogram round_trips; /* in ticks */
};

#endif
