/*
 *      producer                                            consumer
 *      start                                               receive
 *      lend, fill, send            --- frame n --->        fold, compare with what frame n must add up to
 *      receive                     <-- answer n ---        lend, fill, send             (not when streaming)
 *      fold, compare, stop
 *
 * A latency is half of start to stop, so each half holds one writing and one reading of the payload. The producer
 * decides by the clock which frame is the first measured one and which is the last, and notes it on the board before
 * it sends that frame: the consumer, having received a frame, can rely on it.
 */
#include "bench/board.h"
#include "bench/child.h"
#include "bench/payload.h"
#include "bench/placement.h"
#include "bench/system.h"
#include "bench/ticks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
        WARM_FRAMES = 16,     /* at least: every slot and block was touched once */
        MEASURED_FRAMES = 10, /* at least */
        LOOK_AT_CLOCK = 64,   /* a stream of small frames: every so many */
        SMALL_BYTES = 64 << 10,
        SEARCHED_FRAMES = 1 << 16, /* how far ahead a frame that does not add up is looked for */
};

/* When to begin to measure, and when to stop. */
struct pace {
        struct bench_board *board;
        uint64_t first, warm_ticks, run_ticks, open_ticks;
        double cpu_s;
};

bool
bench_link_fail(struct bench_link *link, const char *format, ...)
{
        va_list arguments;

        if (link->text[0] != '\0')
                return false; /* the first reason is the reason */
        va_start(arguments, format);
        vsnprintf(link->text, BENCH_TEXT_BYTES, format, arguments);
        va_end(arguments);
        return false;
}

/* Before frame `sequence` is sent. True: it is the last. */
static bool
pace_step(struct pace *pace, uint64_t sequence)
{
        uint64_t now = bench_ticks();

        if (pace->first == 0) {
                if (sequence <= WARM_FRAMES || now - pace->open_ticks < pace->warm_ticks)
                        return false;
                pace->first = sequence;
                pace->cpu_s = bench_system_cpu_s();
                pace->open_ticks = bench_ticks();
                wr_store_release(&pace->board->first, sequence);
                return false;
        }
        if (now - pace->open_ticks < pace->run_ticks || sequence - pace->first < MEASURED_FRAMES)
                return false;
        wr_store_release(&pace->board->total, sequence);
        return true;
}

static struct pace
pace_begin(struct bench_board *board, int64_t run_ns)
{
        double ticks = (double)run_ns / bench_tick_ns;

        return (struct pace){ .board = board,
                              .run_ticks = (uint64_t)ticks,
                              .warm_ticks = (uint64_t)(ticks / 5),
                              .open_ticks = bench_ticks() };
}

static bool
send_one(struct bench_link *link, uint64_t sequence)
{
        void *frame = link->peer->lend(link);

        if (!frame)
                return false;
        if (link->terms.mode == BENCH_LOAN)
                bench_mark(frame, sequence);
        else
                bench_fill(frame, link->terms.size, sequence);
        return link->peer->send(link);
}

static bool
adds_up(const struct bench_link *link, const void *frame, uint64_t sum, uint64_t sequence)
{
        if (link->terms.mode == BENCH_LOAN)
                return bench_marked(frame, sequence);
        return sum == bench_sum(link->terms.size, sequence);
}

/* Off the path: which frame is it, if any? */
static bool
fail_lost(struct bench_link *link, struct bench_board *board, const void *frame, uint64_t sum, uint64_t sequence)
{
        uint64_t ahead = 1;

        while (ahead < SEARCHED_FRAMES && !adds_up(link, frame, sum, sequence + ahead))
                ahead++;
        wr_store32(&board->ends[link->end].verdict, BENCH_LOST);
        if (ahead < SEARCHED_FRAMES) {
                wr_store(&board->ends[link->end].lost, ahead);
                return bench_link_fail(link, "lost %" PRIu64 " at frame %" PRIu64, ahead, sequence);
        }
        wr_store(&board->ends[link->end].lost, 1);
        return bench_link_fail(link, "frame %" PRIu64 " is not what was sent", sequence);
}

static bool
receive_one(struct bench_link *link, struct bench_board *board, uint64_t sequence)
{
        const void *frame = link->peer->receive(link);
        uint64_t sum;

        if (!frame)
                return false;
        sum = link->terms.mode == BENCH_LOAN ? 0 : bench_fold(frame, link->terms.size);
        if (!adds_up(link, frame, sum, sequence))
                return fail_lost(link, board, frame, sum, sequence);
        return true;
}

static bool
produce_round_trips(struct bench_link *link, struct bench_board *board, struct pace *pace)
{
        bool last = false;

        for (uint64_t sequence = 1; !last; sequence++) {
                uint64_t start;

                last = pace_step(pace, sequence);
                start = bench_ticks();
                if (!send_one(link, sequence))
                        return false;
                wr_store(&board->ends[BENCH_PRODUCER].frames, sequence);
                if (!receive_one(link, board, sequence))
                        return false;
                if (pace->first != 0)
                        bench_histogram_record(&board->round_trips, bench_ticks() - start);
                link->peer->release(link);
        }
        return true;
}

static bool
produce_stream(struct bench_link *link, struct bench_board *board, struct pace *pace)
{
        uint64_t look_mask = link->terms.size < SMALL_BYTES ? LOOK_AT_CLOCK - 1 : 0;
        bool last = false;

        for (uint64_t sequence = 1; !last; sequence++) {
                last = (sequence & look_mask) == 0 && pace_step(pace, sequence);
                if (!send_one(link, sequence))
                        return false;
                wr_store(&board->ends[BENCH_PRODUCER].frames, sequence);
        }
        return true;
}

static bool
produce(struct bench_link *link, struct bench_board *board, int64_t run_ns)
{
        struct pace pace = pace_begin(board, run_ns);
        bool done = link->both_ways ? produce_round_trips(link, board, &pace) : produce_stream(link, board, &pace);

        board->ends[BENCH_PRODUCER].cpu_s = bench_system_cpu_s() - pace.cpu_s;
        return done;
}

static bool
consume(struct bench_link *link, struct bench_board *board)
{
        double cpu_s = 0;

        for (uint64_t sequence = 1;; sequence++) {
                if (!receive_one(link, board, sequence))
                        return false;
                link->peer->release(link);
                if (link->both_ways && !send_one(link, sequence))
                        return false;
                wr_store(&board->ends[BENCH_CONSUMER].frames, sequence);
                if (sequence == wr_load(&board->first)) {
                        cpu_s = bench_system_cpu_s();
                        board->begin_ticks = bench_ticks();
                }
                if (sequence == wr_load(&board->total)) /* was decided before this frame was sent */
                        break;
        }
        board->end_ticks = bench_ticks();
        board->ends[BENCH_CONSUMER].cpu_s = bench_system_cpu_s() - cpu_s;
        return true;
}

static const struct bench_peer *const *known_peers;

void
bench_run_knows(const struct bench_peer *const *peers)
{
        known_peers = peers;
}

static bool
link_open(struct bench_link *link, const struct bench_task *task)
{
        for (const struct bench_peer *const *peer = known_peers; !link->peer && *peer; peer++)
                if (strcmp((*peer)->name, task->peer) == 0)
                        link->peer = *peer;
        if (!link->peer)
                return bench_link_fail(link, "this program has no peer '%s'", task->peer);
        if (!link->peer->open(link))
                return false;
        /* Only this thread: those of a library run where the system sees fit, away from what is measured. */
        if (!bench_placement_pin(task->place.cpus[link->end], NULL))
                return bench_link_fail(link, "pin to cpu %d: %s", task->place.cpus[link->end], bench_system_error());
        return true;
}

/* An end's whole life. */
static int
play(void *page, int number)
{
        struct bench_board *board = page;
        struct bench_board_end *notes = &board->ends[number];
        const struct bench_task *task = &board->task;
        struct bench_link link = { .terms = task->terms,
                                   .both_ways = task->both_ways,
                                   .end = (enum bench_end)number,
                                   .inherited = task->inherited,
                                   .text = notes->text };
        bool done;

        bench_tick_ns = task->tick_ns;
        bench_ticks_are_cycles = task->ticks_are_cycles;
        done = link_open(&link, task);
        if (done) {
                bench_meeting_wait(&board->opened, number);
                done = link.end == BENCH_PRODUCER ? produce(&link, board, task->place.run_ns) : consume(&link, board);
        }
        if (!done) {
                if (wr_load32(&notes->verdict) == BENCH_OK)
                        wr_store32(&notes->verdict, BENCH_FAILED);
                return 1;
        }
        bench_meeting_wait(&board->finished, number);
        link.peer->close(&link);
        return 0;
}

const struct bench_role bench_role_end = { "end", play };
