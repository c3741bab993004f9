/*
 *      supervisor          producer                 consumer
 *      prepare
 *      start, start -----> open ------ opened ----- open
 *      watch               frames ------------>     frames
 *        ends              finished ------------- finished
 *        Ctrl-C            close                    close
 *      discard
 *
 * The ends are children of a supervisor that never opens anything of a peer: no library's objects cross a fork, and
 * each run begins with two processes that ran nothing before. The supervisor sleeps until an end ends, so it takes no
 * time from them; when nothing moved for STALL_S it ends the run: frames that were sent and did not come are lost.
 */
#include "bench/board.h"
#include "bench/child.h"
#include "bench/system.h"
#include "bench/ticks.h"

#include <inttypes.h>
#include <stdio.h>

enum { STALL_S = 5, LOOK_MS = 1000 };

struct supervisor {
        struct bench_shared page;
        struct bench_board *board;
        struct bench_link link;
        struct bench_run *run;
        struct bench_child children[2];
};

static void
run_fail(struct bench_run *run, enum bench_verdict verdict, const char *text)
{
        if (run->verdict != BENCH_OK)
                return;
        run->verdict = verdict;
        snprintf(run->text, sizeof run->text, "%s", text);
}

static bool
supervisor_start(struct supervisor *s)
{
        for (int end = 0; end < 2; end++) {
                if (bench_child_start(&s->children[end], &bench_role_end, &s->page, end))
                        continue;
                run_fail(s->run, BENCH_FAILED, bench_system_error());
                return false;
        }
        return true;
}

/* Collects an end that has ended. True: it ended well. */
static bool
supervisor_collect(struct supervisor *s, int end)
{
        struct bench_board_end *notes = &s->board->ends[end];
        unsigned int status = bench_child_collect(&s->children[end]);
        char text[64];

        if (status == 0)
                return true;
        if (wr_load32(&notes->verdict) != BENCH_OK) {
                run_fail(s->run, (enum bench_verdict)wr_load32(&notes->verdict), notes->text);
                s->run->lost += wr_load(&notes->lost);
        } else {
                snprintf(text, sizeof text, "the %s ended with status 0x%x", end == 0 ? "producer" : "consumer",
                         status);
                run_fail(s->run, BENCH_FAILED, text);
        }
        return false;
}

/* Nothing moved. Frames on their way, and nobody failed: they are lost. */
static void
supervisor_stalled(struct supervisor *s)
{
        uint64_t sent = wr_load(&s->board->ends[BENCH_PRODUCER].frames);
        uint64_t received = wr_load(&s->board->ends[BENCH_CONSUMER].frames);
        char text[BENCH_TEXT_BYTES];

        snprintf(text, sizeof text, "nothing moved for %d s: sent %" PRIu64 ", received %" PRIu64, STALL_S, sent,
                 received);
        if (sent > 0)
                s->run->lost = sent > received ? sent - received : 1;
        run_fail(s->run, sent > 0 ? BENCH_LOST : BENCH_FAILED, text);
}

static void
supervisor_watch(struct supervisor *s)
{
        uint64_t moved_before = 0;
        int still = 0; /* looks in a row that saw nothing move */

        while (s->children[0].process != 0 || s->children[1].process != 0) {
                int end = bench_watch(s->children, LOOK_MS);
                uint64_t moved = wr_load(&s->board->ends[0].frames) + wr_load(&s->board->ends[1].frames);

                still = moved == moved_before ? still + 1 : 0;
                if (still * LOOK_MS >= STALL_S * 1000)
                        return supervisor_stalled(s);
                if (end == BENCH_WATCH_INTERRUPT)
                        return run_fail(s->run, BENCH_INTERRUPTED, "interrupted");
                if (end != BENCH_WATCH_NOBODY && !supervisor_collect(s, end))
                        return;
                moved_before = moved;
        }
}

/* Ends what is left. A second end that failed by itself is heard too: of the two, loss is the news. */
static void
supervisor_end(struct supervisor *s)
{
        for (int end = 0; end < 2; end++) {
                struct bench_board_end *notes = &s->board->ends[end];

                bench_child_kill(&s->children[end]);
                if (s->run->verdict == BENCH_FAILED && wr_load32(&notes->verdict) == BENCH_LOST) {
                        s->run->verdict = BENCH_OK;
                        run_fail(s->run, BENCH_LOST, notes->text);
                        s->run->lost = wr_load(&notes->lost);
                }
        }
}

static void
run_figures(struct bench_run *run, const struct bench_board *board, const struct bench_terms *terms)
{
        static const double shares[] = { [BENCH_P50] = 0.5, [BENCH_P99] = 0.99, [BENCH_P999] = 0.999, [BENCH_MAX] = 1 };
        double seconds = (double)(board->end_ticks - board->begin_ticks) * bench_tick_ns / 1e9;
        double frames = (double)(wr_load(&board->total) - wr_load(&board->first));

        run->figures[BENCH_SECONDS] = seconds;
        run->figures[BENCH_FRAMES] = frames;
        run->figures[BENCH_CPU_PRODUCER] = board->ends[BENCH_PRODUCER].cpu_s;
        run->figures[BENCH_CPU_CONSUMER] = board->ends[BENCH_CONSUMER].cpu_s;
        if (terms->mode == BENCH_STREAM) {
                run->figures[BENCH_FRAMES_PER_S] = frames / seconds;
                run->figures[BENCH_GB_PER_S] = frames * (double)terms->size / seconds / 1e9;
                return;
        }
        for (int i = BENCH_P50; i <= BENCH_MAX; i++)
                run->figures[i] = bench_histogram_value(&board->round_trips, shares[i]) * bench_tick_ns / 2;
}

/* False: bench_system_error() says why; supervisor_close takes back what there is. */
static bool
supervisor_open(struct supervisor *s)
{
        if (!bench_shared_create(&s->page, sizeof *s->board))
                return false;
        s->board = s->page.address;
        s->board->round_trips.granule = bench_tick_granule;
        return bench_meeting_create(&s->board->opened) && bench_meeting_create(&s->board->finished) &&
               bench_watch_begin();
}

static void
supervisor_close(struct supervisor *s)
{
        bench_watch_end();
        if (s->board) {
                bench_meeting_close(&s->board->opened);
                bench_meeting_close(&s->board->finished);
        }
        bench_shared_close(&s->page);
}

/* What the ends are to know. */
static void
supervisor_tell(struct supervisor *s, const struct bench_place *place)
{
        struct bench_task *task = &s->board->task;

        *task = (struct bench_task){ .terms = s->link.terms,
                                     .both_ways = s->link.both_ways,
                                     .inherited = s->link.inherited,
                                     .place = *place,
                                     .tick_ns = bench_tick_ns,
                                     .ticks_are_cycles = bench_ticks_are_cycles };
        snprintf(task->peer, sizeof task->peer, "%s", s->link.peer->name);
}

static void
supervisor_run(struct supervisor *s, const struct bench_place *place)
{
        supervisor_tell(s, place);
        if (supervisor_start(s))
                supervisor_watch(s);
        supervisor_end(s);
        if (s->run->verdict == BENCH_OK)
                run_figures(s->run, s->board, &s->link.terms);
}

void
bench_run(const struct bench_peer *peer, const struct bench_terms *terms, const struct bench_place *place,
          struct bench_run *run)
{
        struct supervisor s = { .run = run };
        char text[BENCH_TEXT_BYTES] = "";

        *run = (struct bench_run){ .verdict = BENCH_OK };
        s.link = (struct bench_link){
                .peer = peer, .terms = *terms, .both_ways = terms->mode != BENCH_STREAM, .text = text
        };
        for (int i = 0; i < BENCH_OBJECTS_MAX; i++)
                s.link.inherited.objects[i] = BENCH_NO_OBJECT;
        if (!supervisor_open(&s)) {
                run_fail(run, BENCH_FAILED, bench_system_error());
        } else {
                if (peer->prepare(&s.link))
                        supervisor_run(&s, place);
                else
                        run_fail(run, BENCH_FAILED, text);
                peer->discard(&s.link);
        }
        supervisor_close(&s);
}
