/*
 * Endpoints come and go, and threads wait, ask, poll and look, while frames flow.
 *
 * --without-waitv: on a kernel that seems to have no futex_waitv, so that helper threads sleep for all of them.
 */
#include "tests/contract/forbid.h"
#include "tests/stress/client_race.h"

#include <errno.h>
#include <poll.h>

/* ---- subscribers come and go while frames flow ---- */

enum { VISITORS = 3, VISITS = 40, VISIT_FRAMES = 30 };

struct flow {
        struct weir *bus;
        struct weir_publisher *publisher;
        atomic_bool over;
        uint64_t joined, left;
};

struct visitor {
        struct weir *bus;
        const struct flow *flow;
        uint32_t index;
        uint64_t seen;
};

static uint64_t
times_full(const struct flow *flow)
{
        struct weir_info info = { .size = sizeof info };

        must(weir_publisher_info(flow->publisher, &info) == WEIR_OK);
        return info.full;
}

static void *
play_visitor(void *argument)
{
        struct visitor *visitor = argument;
        const struct weir_frame *frame;
        struct weir_subscriber *s;

        for (uint32_t visit = 0; visit < VISITS; visit++) {
                uint32_t kind = (visitor->index + visit) % 3;
                uint64_t before = times_full(visitor->flow);

                must(weir_subscriber_open(&s, visitor->bus, "c",
                                          WEIR_SUBSCRIBER(.delivery = kind == 0 ? WEIR_RELIABLE : WEIR_LOSSY,
                                                          .keep = kind == 1, .spin_ns = visit % 2 ? -1 : 0)) ==
                     WEIR_OK);
                while (kind == 0 && visit % 4 == 0 && times_full(visitor->flow) == before)
                        sched_yield(); /* until we are what its publisher waits for */
                for (int i = 0; i < VISIT_FRAMES; i++) {
                        must(weir_take(s, RACE_SOON, &frame) == WEIR_OK);
                        must(race_whole(frame));
                        weir_release(frame);
                        visitor->seen += 1;
                }
                weir_subscriber_close(s);
        }
        return NULL;
}

static void *
play_flow(void *argument)
{
        struct flow *flow = argument;

        for (uint64_t number = 0; !atomic_load(&flow->over); number++) {
                enum weir_result result = race_publish(flow->publisher, number, number % 3 ? WEIR_NOW : RACE_SOON);

                must(result == WEIR_OK || (result == WEIR_FULL && number % 3));
        }
        return NULL;
}

/* Asks for room, and hears who comes and goes. */
static void *
play_listener(void *argument)
{
        struct flow *flow = argument;
        const struct weir_event *event;

        while (weir_next(flow->bus, WEIR_FOREVER, &event) == WEIR_OK)
                if (event->publisher == flow->publisher) {
                        flow->joined += event->kind == WEIR_JOINED;
                        flow->left += event->kind == WEIR_LEFT;
                }
        return NULL;
}

static void *
play_onlooker(void *argument)
{
        struct flow *flow = argument;
        struct weir_info info = { .size = sizeof info };

        while (!atomic_load(&flow->over)) {
                must(weir_publisher_info(flow->publisher, &info) == WEIR_OK);
                sched_yield();
        }
        return NULL;
}

static bool
subscribers_come_and_go_while_frames_flow(void)
{
        struct weir *from = race_bus(), *to = race_bus();
        struct flow flow = { .bus = from, .publisher = race_publisher(from, "c") };
        pthread_t flowing = race_start(play_flow, &flow), looking = race_start(play_onlooker, &flow),
                  listening = race_start(play_listener, &flow), visiting[VISITORS];
        struct visitor visitors[VISITORS];
        uint64_t seen = 0;

        for (uint32_t i = 0; i < VISITORS; i++) {
                visitors[i] = (struct visitor){ i % 2 ? from : to, &flow, i, 0 };
                visiting[i] = race_start(play_visitor, &visitors[i]);
        }
        for (int i = 0; i < VISITORS; i++) {
                pthread_join(visiting[i], NULL);
                seen += visitors[i].seen;
        }
        atomic_store(&flow.over, true);
        pthread_join(flowing, NULL);
        pthread_join(looking, NULL);
        weir_interrupt(from, 1);
        pthread_join(listening, NULL);
        weir_close(to);
        weir_close(from);
        return seen == VISITORS * VISITS * VISIT_FRAMES && flow.joined > 0 && flow.left > 0;
}

/* ---- one bus, and in it a thread each that takes, that asks what is new, that polls, that looks ---- */

struct crowd {
        struct weir *bus;
        struct weir_subscriber *subscriber;
        atomic_bool over;
        atomic_uint taken, events, woken, told;
};

static void *
play_taker(void *argument)
{
        struct crowd *crowd = argument;
        const struct weir_frame *frame;
        enum weir_result result;

        while ((result = weir_take(crowd->subscriber, WEIR_FOREVER, &frame)) == WEIR_OK) {
                must(race_whole(frame));
                weir_release(frame);
                atomic_fetch_add(&crowd->taken, 1);
        }
        must(result == WEIR_INTERRUPTED);
        return NULL;
}

static void *
play_asker(void *argument)
{
        struct crowd *crowd = argument;
        const struct weir_event *event;
        enum weir_result result;

        while ((result = weir_next(crowd->bus, WEIR_FOREVER, &event)) == WEIR_OK)
                if (event->kind != WEIR_FRAMES) {
                        must(event->subscriber == crowd->subscriber && event->text[0]);
                        atomic_fetch_add(&crowd->events, 1);
                }
        must(result == WEIR_INTERRUPTED);
        return NULL;
}

static void *
play_poller(void *argument)
{
        struct crowd *crowd = argument;
        struct pollfd handle = { .fd = weir_wakeup(crowd->bus), .events = POLLIN };

        must(handle.fd >= 0);
        while (!atomic_load(&crowd->over)) {
                if (poll(&handle, 1, 10) == 1)
                        atomic_fetch_add(&crowd->woken, 1);
                sched_yield(); /* it stays up until another thread takes */
        }
        return NULL;
}

static int
count_row(const struct weir_row *row, void *user)
{
        *(unsigned *)user += row->topic[0] != '\0';
        return 0;
}

static void *
play_looker(void *argument)
{
        struct crowd *crowd = argument;
        struct weir_info info = { .size = sizeof info };
        struct weir_broker_state state = { .size = sizeof state };
        unsigned rows = 0;

        while (!atomic_load(&crowd->over)) {
                must(weir_subscriber_info(crowd->subscriber, &info) == WEIR_OK);
                must(weir_broker_status(crowd->bus, &state) == WEIR_OK);
                must(weir_list(crowd->bus, NULL, 1, count_row, &rows) == WEIR_OK);
        }
        atomic_fetch_add(&crowd->told, rows);
        return NULL;
}

/* Publishers that come, say something and go. */
static void *
play_guest(void *argument)
{
        enum { VISITS = 25, FRAMES = 40 };
        struct weir *bus = argument;

        for (int visit = 0; visit < VISITS; visit++) {
                struct weir_publisher *p = race_publisher(bus, "d");

                for (uint64_t number = 0; number < FRAMES; number++)
                        must(race_publish(p, number, RACE_SOON) == WEIR_OK);
                weir_publisher_close(p);
        }
        return NULL;
}

static bool
one_bus_serves_threads_that_take_ask_poll_and_look(void)
{
        enum { GUESTS = 2, FRAMES = GUESTS * 25 * 40 };
        struct weir *from = race_bus();
        struct crowd crowd = { .bus = race_bus() };
        pthread_t taking, asking, polling, looking, guests[GUESTS];

        must(weir_subscriber_open(&crowd.subscriber, crowd.bus, "d", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)) ==
             WEIR_OK);
        taking = race_start(play_taker, &crowd);
        asking = race_start(play_asker, &crowd);
        polling = race_start(play_poller, &crowd);
        looking = race_start(play_looker, &crowd);
        for (int i = 0; i < GUESTS; i++)
                guests[i] = race_start(play_guest, from);
        for (int i = 0; i < GUESTS; i++)
                pthread_join(guests[i], NULL);
        while (atomic_load(&crowd.taken) < FRAMES)
                sched_yield();
        atomic_store(&crowd.over, true);
        pthread_join(polling, NULL);
        pthread_join(looking, NULL);
        weir_interrupt(crowd.bus, 1);
        pthread_join(taking, NULL);
        pthread_join(asking, NULL);
        weir_close(crowd.bus);
        weir_close(from);
        return crowd.taken == FRAMES && crowd.events > 0;
}

/* ---- room is told to one thread and used by another ---- */

enum { ROOM_FRAMES = 3000, ROOM_OUT = 24 };

struct room {
        struct weir *bus;
        struct weir_publisher *publisher;
        atomic_bool is_there;
        atomic_uint refused;
};

static void *
play_room(void *argument)
{
        struct room *room = argument;
        const struct weir_event *event;

        while (weir_next(room->bus, WEIR_FOREVER, &event) == WEIR_OK)
                if (event->kind == WEIR_ROOM)
                        atomic_store(&room->is_there, true);
        return NULL;
}

/* Never waits inside a call. */
static void *
play_impatient(void *argument)
{
        struct room *room = argument;

        for (uint64_t number = 0; number < ROOM_FRAMES;) {
                enum weir_result result;

                atomic_store(&room->is_there, false);
                result = race_publish(room->publisher, number, WEIR_NOW);
                must(result == WEIR_OK || result == WEIR_FULL);
                if (result == WEIR_OK) {
                        number += 1;
                        continue;
                }
                atomic_fetch_add(&room->refused, 1);
                while (!atomic_load(&room->is_there))
                        sched_yield();
        }
        weir_publisher_close(room->publisher);
        return NULL;
}

static bool
room_is_told_to_one_thread_and_used_by_another(void)
{
        struct room room = { .bus = race_bus() };
        struct weir *to = race_bus();
        struct weir_subscriber *s;
        const struct weir_frame *frame;
        struct race_queue queue;
        pthread_t telling, publishing, releasing;
        uint64_t taken = 0;
        enum weir_result result;

        race_queue_open(&queue);
        must(weir_publisher_open(&room.publisher, room.bus, "e",
                                 WEIR_PUBLISHER(.memory_max = 1 << 20, .loans_max = 2)) == WEIR_OK);
        must(weir_subscriber_open(&s, to, "e",
                                  WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .frames_max = ROOM_OUT, .until_end = 1)) ==
             WEIR_OK);
        telling = race_start(play_room, &room);
        publishing = race_start(play_impatient, &room);
        releasing = race_start(race_releaser, &queue);
        while (atomic_load(&room.refused) == 0)
                sched_yield();
        while ((result = weir_take(s, RACE_SOON, &frame)) == WEIR_OK || result == WEIR_E_HELD) {
                if (result == WEIR_OK) {
                        taken += 1;
                        race_queue_push(&queue, frame);
                } else {
                        sched_yield();
                }
        }
        race_queue_end(&queue);
        pthread_join(publishing, NULL);
        pthread_join(releasing, NULL);
        weir_interrupt(room.bus, 1);
        pthread_join(telling, NULL);
        weir_close(to);
        weir_close(room.bus);
        return result == WEIR_ENDED && taken == ROOM_FRAMES;
}

static const struct race_scenario scenarios[] = {
        { "subscribers come and go while frames flow", subscribers_come_and_go_while_frames_flow },
        { "one bus serves threads that take ask poll and look", one_bus_serves_threads_that_take_ask_poll_and_look },
        { "room is told to one thread and used by another", room_is_told_to_one_thread_and_used_by_another },
};

int
main(int argc, char **argv)
{
        must(argc == 1 || (strcmp(argv[1], "--without-waitv") == 0 && forbid_waitv(ENOSYS)));
        return race_run(scenarios, sizeof scenarios / sizeof *scenarios);
}
