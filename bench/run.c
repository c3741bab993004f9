/*
 *      supervisor          producer                 consumer
 *      prepare
 *      fork, fork -------> open ------ opened ----- open
 *      poll                frames ------------>     frames
 *        ends              finished ------------- finished
 *        signals           close                    close
 *      discard
 *
 * The ends are children of a supervisor that never opens anything of a peer: no library's objects cross a fork, and
 * each run begins with two processes that ran nothing before. The supervisor sleeps until an end ends, so it takes no
 * time from them; when nothing moved for STALL_S it ends the run: frames that were sent and did not come are lost.
 */
#include "bench/board.h"
#include "bench/placement.h"
#include "bench/ticks.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STALL_S = 5, LOOK_MS = 1000 };

struct supervisor {
        struct bench_board *board;
        struct bench_link link;
        const struct bench_place *place;
        struct bench_run *run;
        pid_t pids[2]; /* 0: gone */
        int pidfds[2], signals;
        sigset_t mask_before;
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

static void
run_fail(struct bench_run *run, enum bench_verdict verdict, const char *text)
{
        if (run->verdict != BENCH_OK)
                return;
        run->verdict = verdict;
        snprintf(run->text, sizeof run->text, "%s", text);
}

/* An end's whole life. It never returns: what the supervisor registered for its own exit is not the end's. */
static _Noreturn void
end_live(struct supervisor *s, enum bench_end end)
{
        struct bench_link *link = &s->link;
        struct bench_board_end *notes = &s->board->ends[end];
        bool done;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigprocmask(SIG_SETMASK, &s->mask_before, NULL);
        signal(SIGPIPE, SIG_IGN);
        link->end = end;
        link->text = notes->text;
        done = link->peer->open(link);
        /* Only this thread: those of a library run where the system sees fit, away from what is measured. */
        if (done && !bench_placement_pin(s->place->cpus[end]))
                done = bench_link_fail(link, "pin to cpu %d: %s", s->place->cpus[end], strerror(errno));
        if (done) {
                pthread_barrier_wait(&s->board->opened);
                done = end == BENCH_PRODUCER ? bench_produce(link, s->board, s->place->run_ns)
                                             : bench_consume(link, s->board);
        }
        if (!done) {
                if (wr_load32(&notes->verdict) == BENCH_OK)
                        wr_store32(&notes->verdict, BENCH_FAILED);
                _exit(1);
        }
        pthread_barrier_wait(&s->board->finished);
        link->peer->close(link);
        _exit(0);
}

static bool
supervisor_fork(struct supervisor *s)
{
        for (int end = 0; end < 2; end++) {
                s->pids[end] = fork();
                if (s->pids[end] == 0)
                        end_live(s, (enum bench_end)end);
                s->pidfds[end] = s->pids[end] > 0 ? pidfd_open(s->pids[end], 0) : -1;
                if (s->pidfds[end] < 0) {
                        run_fail(s->run, BENCH_FAILED, strerror(errno));
                        return false;
                }
        }
        return true;
}

/* Collects an end that has ended. True: it ended well. */
static bool
supervisor_collect(struct supervisor *s, int end)
{
        struct bench_board_end *notes = &s->board->ends[end];
        char text[64];
        int status = 0;

        waitpid(s->pids[end], &status, 0);
        s->pids[end] = 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return true;
        if (wr_load32(&notes->verdict) != BENCH_OK) {
                run_fail(s->run, (enum bench_verdict)wr_load32(&notes->verdict), notes->text);
                s->run->lost += wr_load(&notes->lost);
        } else {
                snprintf(text, sizeof text, "the %s ended with status 0x%x", end == 0 ? "producer" : "consumer",
                         (unsigned int)status);
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
        struct pollfd polls[3] = { { .fd = s->pidfds[0], .events = POLLIN },
                                   { .fd = s->pidfds[1], .events = POLLIN },
                                   { .fd = s->signals, .events = POLLIN } };
        uint64_t moved_before = 0;
        int still = 0; /* looks in a row that saw nothing move */

        while (s->pids[0] != 0 || s->pids[1] != 0) {
                int ready = poll(polls, 3, LOOK_MS);
                uint64_t moved = wr_load(&s->board->ends[0].frames) + wr_load(&s->board->ends[1].frames);

                still = moved == moved_before ? still + 1 : 0;
                if (still * LOOK_MS >= STALL_S * 1000)
                        return supervisor_stalled(s);
                if (polls[2].revents != 0)
                        return run_fail(s->run, BENCH_INTERRUPTED, "interrupted");
                for (int end = 0; ready > 0 && end < 2; end++) {
                        if (polls[end].revents == 0)
                                continue;
                        polls[end].fd = -1;
                        if (!supervisor_collect(s, end))
                                return;
                }
                moved_before = moved;
        }
}

/* Ends what is left. A second end that failed by itself is heard too: of the two, loss is the news. */
static void
supervisor_end(struct supervisor *s)
{
        for (int end = 0; end < 2; end++) {
                struct bench_board_end *notes = &s->board->ends[end];

                if (s->pids[end] > 0) {
                        kill(s->pids[end], SIGKILL);
                        waitpid(s->pids[end], NULL, 0);
                }
                if (s->run->verdict == BENCH_FAILED && wr_load32(&notes->verdict) == BENCH_LOST) {
                        s->run->verdict = BENCH_OK;
                        run_fail(s->run, BENCH_LOST, notes->text);
                        s->run->lost = wr_load(&notes->lost);
                }
                if (s->pidfds[end] >= 0)
                        close(s->pidfds[end]);
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

static bool
supervisor_open(struct supervisor *s)
{
        pthread_barrierattr_t shared;
        sigset_t stops;

        s->board = mmap(NULL, sizeof *s->board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (s->board == MAP_FAILED)
                return false;
        s->board->round_trips.granule = bench_tick_granule;
        pthread_barrierattr_init(&shared);
        pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
        pthread_barrier_init(&s->board->opened, &shared, 2);
        pthread_barrier_init(&s->board->finished, &shared, 2);
        sigemptyset(&stops);
        sigaddset(&stops, SIGINT);
        sigaddset(&stops, SIGTERM);
        sigprocmask(SIG_BLOCK, &stops, &s->mask_before);
        s->signals = signalfd(-1, &stops, SFD_CLOEXEC);
        return true;
}

static void
supervisor_close(struct supervisor *s)
{
        close(s->signals);
        sigprocmask(SIG_SETMASK, &s->mask_before, NULL);
        munmap(s->board, sizeof *s->board);
}

void
bench_run(const struct bench_peer *peer, const struct bench_terms *terms, const struct bench_place *place,
          struct bench_run *run)
{
        struct supervisor s = { .place = place, .run = run, .pidfds = { -1, -1 } };
        char text[BENCH_TEXT_BYTES] = "";

        *run = (struct bench_run){ .verdict = BENCH_OK };
        s.link = (struct bench_link){
                .peer = peer, .terms = *terms, .both_ways = terms->mode != BENCH_STREAM, .text = text
        };
        if (!supervisor_open(&s))
                return run_fail(run, BENCH_FAILED, strerror(errno));
        if (peer->prepare(&s.link)) {
                if (supervisor_fork(&s))
                        supervisor_watch(&s);
                supervisor_end(&s);
                if (run->verdict == BENCH_OK)
                        run_figures(run, s.board, terms);
        } else {
                run_fail(run, BENCH_FAILED, text);
        }
        peer->discard(&s.link);
        supervisor_close(&s);
}
