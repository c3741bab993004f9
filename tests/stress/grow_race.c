/* A ring grows: the control thread asks for a lane and goes over to it, while one thread publishes, one takes and
 * stalls, and one looks. */
#include "tests/stress/client_race.h"

enum { FRAMES = 30000, STALLS = 3 };

struct flow {
        struct weir *bus;
        struct weir_publisher *publisher;
        struct weir_subscriber *subscriber;
        atomic_bool over;
};

static void *
play_publisher(void *argument)
{
        const struct flow *flow = argument;

        for (uint64_t number = 1; number <= FRAMES; number++)
                must(race_publish(flow->publisher, number, RACE_SOON) == WEIR_OK);
        return NULL;
}

static void *
play_looker(void *argument)
{
        struct flow *flow = argument;
        struct weir_info info = { .size = sizeof info };

        while (!atomic_load(&flow->over)) {
                must(weir_publisher_info(flow->publisher, &info) == WEIR_OK);
                must(weir_subscriber_info(flow->subscriber, &info) == WEIR_OK);
                sched_yield();
        }
        return NULL;
}

static uint32_t
lanes_now(const struct flow *flow)
{
        struct weir_broker_state state = { .size = sizeof state };

        must(weir_broker_status(flow->bus, &state) == WEIR_OK);
        return state.lanes;
}

static void
take(const struct flow *flow, uint64_t number)
{
        const struct weir_frame *frame;

        must(weir_take(flow->subscriber, RACE_SOON, &frame) == WEIR_OK);
        must(frame->sequence == number && frame->about.tag == number && frame->lost == 0 && race_whole(frame));
        weir_release(frame);
}

static bool
a_ring_grows_beside_a_publisher_a_reader_that_stalls_and_one_who_looks(void)
{
        struct weir *from = race_bus();
        struct flow flow = { .bus = race_bus() };
        pthread_t publishing, looking;
        uint64_t number = 1;

        must(weir_publisher_open(&flow.publisher, from, "g", NULL) == WEIR_OK);
        must(weir_subscriber_open(&flow.subscriber, flow.bus, "g", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)) ==
             WEIR_OK);
        publishing = race_start(play_publisher, &flow);
        looking = race_start(play_looker, &flow);
        for (int stalls = 0; stalls < STALLS; stalls++) {
                while (lanes_now(&flow) == 1)
                        sched_yield();
                while (lanes_now(&flow) > 1)
                        for (int i = 0; i < 20; i++)
                                take(&flow, number++);
        }
        while (number <= FRAMES)
                take(&flow, number++);
        pthread_join(publishing, NULL);
        atomic_store(&flow.over, true);
        pthread_join(looking, NULL);
        weir_close(flow.bus);
        weir_close(from);
        return true;
}

static const struct race_scenario scenarios[] = {
        { "a ring grows beside a publisher, a reader that stalls, and one who looks",
          a_ring_grows_beside_a_publisher_a_reader_that_stalls_and_one_who_looks },
};

int
main(void)
{
        return race_run(scenarios, sizeof scenarios / sizeof *scenarios);
}
