/* What is promised to who subscribes, while processes come, go and are killed. */
#include "tests/stress/stress_kit.h"

enum { RELIABLE = 2, LOSSY = 2, NEWEST = 1, STEADY = RELIABLE + LOSSY + NEWEST };

static struct process
start_steady(uint64_t index)
{
        struct role role = { .index = index,
                             .delivery = index < RELIABLE ? WEIR_RELIABLE : WEIR_LOSSY,
                             .keep = index >= RELIABLE + LOSSY };
        struct process process = start(play_subscriber, role);

        hear(process.line);
        return process;
}

/* `at_work` is called while the frames flow. */
static int
steady(uint64_t publishers, uint64_t frames, void (*at_work)(struct process *broker))
{
        struct process broker = start(play_broker, (struct role){ 0 }), p[PROCESSES_MAX], s[STEADY];
        struct list published[PROCESSES_MAX];
        int failed = 0;

        for (uint64_t i = 0; i < publishers; i++) {
                p[i] = start(play_publisher, (struct role){ .index = i, .frames = frames });
                hear(p[i].line);
        }
        for (uint64_t i = 0; i < STEADY; i++)
                s[i] = start_steady(i);
        for (uint64_t i = 0; i < publishers; i++)
                say(p[i].line);
        if (at_work)
                at_work(&broker);
        for (uint64_t i = 0; i < publishers; i++) {
                failed += finish(&p[i]);
                published[i] = read_notes("published", i);
                failed += published[i].count != frames;
        }
        for (uint64_t i = 0; i < STEADY; i++) {
                struct check check = { published, publishers, i < RELIABLE, 1, 1 };

                failed += finish(&s[i]);
                failed += check_subscriber(&check, i);
        }
        for (uint64_t i = 0; i < publishers; i++)
                free(published[i].notes);
        if (broker.pid > 0)
                slay(&broker);
        return failed;
}

static int
every_subscriber_gets_what_it_was_promised(void)
{
        return steady(3, 15000, NULL);
}

static void
kill_broker(struct process *broker)
{
        usleep(50000);
        slay(broker);
        broker->pid = 0;
}

static int
frames_flow_on_when_the_broker_is_killed(void)
{
        return steady(2, 15000, kill_broker);
}

/* Subscribers that come, take for a while and are killed, with frames out, in the middle of anything. */
static void
come_and_go(struct process *broker)
{
        (void)broker;
        for (uint64_t i = 0; i < 40; i++) {
                struct process victim =
                        start(play_subscriber, (struct role){ .index = STEADY + i % 20, .delivery = i % 2 });

                usleep((useconds_t)(rand_r(&seed) % 60000));
                slay(&victim);
        }
}

static int
killed_subscribers_hold_nobody_up_for_long(void)
{
        struct check check;
        struct list published[2];
        int failed = steady(2, 25000, come_and_go);

        for (uint64_t p = 0; p < 2; p++)
                published[p] = read_notes("published", p);
        for (uint64_t i = 0; i < 20; i++) {
                check = (struct check){ published, 2, i % 2 == 1, 0, 0 };
                failed += check_subscriber(&check, STEADY + i);
        }
        free(published[0].notes);
        free(published[1].notes);
        return failed;
}

/* Publishers that are killed in the middle of a publish: what came of them is a beginning of what they wrote down. */
static int
killed_publishers_leave_only_whole_frames(void)
{
        enum { VICTIMS = 30, SUBSCRIBERS = 3 };
        struct process broker = start(play_broker, (struct role){ 0 }), steady_one, s[SUBSCRIBERS], p;
        struct list published[PROCESSES_MAX];
        int failed = 0;

        steady_one = start(play_publisher, (struct role){ .index = 0, .frames = 1 });
        hear(steady_one.line); /* it stays to the end, so that the subscriptions do */
        for (uint64_t i = 0; i < SUBSCRIBERS; i++)
                s[i] = start_steady(i);
        for (uint64_t i = 1; i <= VICTIMS; i++) {
                p = start(play_publisher, (struct role){ .index = i, .frames = 1000000 });
                hear(p.line);
                say(p.line);
                usleep((useconds_t)(rand_r(&seed) % 50000));
                slay(&p);
        }
        say(steady_one.line);
        failed += finish(&steady_one);
        for (uint64_t i = 0; i <= VICTIMS; i++)
                published[i] = read_notes("published", i);
        for (uint64_t i = 0; i < SUBSCRIBERS; i++) {
                struct check check = { published, VICTIMS + 1, i < RELIABLE, 1, 0 };

                failed += finish(&s[i]);
                failed += check_subscriber(&check, i);
        }
        for (uint64_t i = 0; i <= VICTIMS; i++)
                free(published[i].notes);
        slay(&broker);
        return failed;
}

static const struct scenario scenarios[] = {
        { "every subscriber gets what it was promised", every_subscriber_gets_what_it_was_promised },
        { "frames flow on when the broker is killed", frames_flow_on_when_the_broker_is_killed },
        { "killed subscribers hold nobody up for long", killed_subscribers_hold_nobody_up_for_long },
        { "killed publishers leave only whole frames", killed_publishers_leave_only_whole_frames },
};

int
main(void)
{
        return play_all(scenarios, sizeof scenarios / sizeof *scenarios);
}
