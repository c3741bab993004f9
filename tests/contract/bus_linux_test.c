/* What weir.h promises on Linux beyond what it promises everywhere: forked children, few descriptors. */
#include "tests/contract/weir_kit.h"

#include <sys/resource.h>

TestSuite(bus_linux, .fini = kit_clean, .timeout = 60);

static struct weir *inherited_bus;
static struct weir_publisher *inherited_publisher;
static struct weir_subscriber *inherited_subscriber;
static const struct weir_frame *inherited_frame;

static void
play_forked_child(int line)
{
        const struct weir_frame *frame;
        const struct weir_event *event;
        struct weir *own;
        struct weir_loan *loan;

        kit_must(weir_publish(inherited_publisher, "x", 1, NULL, WEIR_NOW) == WEIR_E_USAGE);
        kit_must(strstr(weir_error(), "forked"));
        kit_must(weir_lend(inherited_publisher, 1, WEIR_NOW, &loan) == WEIR_E_USAGE);
        kit_must(weir_take(inherited_subscriber, WEIR_FOREVER, &frame) == WEIR_E_USAGE);
        kit_must(weir_next(inherited_bus, WEIR_FOREVER, &event) == WEIR_E_USAGE);
        kit_must(weir_wakeup(inherited_bus) < 0);
        weir_release(inherited_frame);
        weir_publisher_close(inherited_publisher);
        weir_subscriber_close(inherited_subscriber);
        weir_close(inherited_bus);
        own = kit_guest(); /* but one of its own it may have */
        weir_close(own);
        kit_say(line, 1);
}

Test(bus_linux, a_forked_child_is_refused_and_leaves_the_parents_objects_alone)
{
        static char large[65536];
        struct kit_child child;
        const struct weir_frame *frame;

        inherited_bus = kit_host();
        kit_ok(weir_publisher_open(&inherited_publisher, inherited_bus, "a", NULL));
        kit_ok(weir_subscriber_open(&inherited_subscriber, inherited_bus, "a", WEIR_SUBSCRIBER(.frames_max = 1)));
        kit_fill(large, sizeof large, 1);
        kit_ok(weir_publish(inherited_publisher, large, sizeof large, NULL, WEIR_NOW));
        inherited_frame = kit_take(inherited_subscriber);
        child = kit_start(play_forked_child);
        kit_hear(child.line);
        cr_assert(eq(int, kit_end(&child), 0));
        kit_ok(weir_publish(inherited_publisher, "x", 1, NULL, WEIR_NOW));
        cr_assert(eq(int, weir_take(inherited_subscriber, WEIR_NOW, &frame), WEIR_E_HELD));
        cr_assert(kit_filled(inherited_frame->data, sizeof large, 1));
        weir_release(inherited_frame);
        weir_release(kit_take(inherited_subscriber));
        weir_close(inherited_bus);
}

static void
limit_objects(rlim_t count)
{
        kit_must(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ count, count }) == 0);
}

static void
play_poor_client(int line)
{
        struct weir *bus;
        struct weir_publisher *p;
        struct weir_subscriber *s;
        int result, used[16], count = 0;

        limit_objects(16);
        kit_ok(weir_open(&bus, WEIR_OPTIONS(.address = kit_address()))); /* a bus and a few endpoints fit */
        kit_ok(weir_publisher_open(&p, bus, "poor", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "poor", NULL));
        kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        weir_release(kit_take(s));
        result = weir_subscriber_open(&s, bus, "rich", NULL); /* twelve lanes do not */
        if (result == WEIR_OK) {
                const struct weir_event *event;

                do
                        kit_must(weir_next(bus, KIT_SOON, &event) == WEIR_OK);
                while (event->kind != WEIR_LEFT || event->reason != WEIR_E_QUOTA);
                kit_must(strstr(event->text, "RLIMIT_NOFILE"));
        }
        weir_close(bus);
        while ((used[count] = dup(line)) >= 0) /* no descriptor left at all */
                count++;
        kit_must(weir_open(&bus, WEIR_OPTIONS(.address = kit_address())) == WEIR_E_QUOTA);
        kit_must(strstr(weir_error(), "RLIMIT_NOFILE"));
        kit_must(strstr(weir_error(), "18")); /* the number needed */
        while (count-- > 0)
                close(used[count]);
        limit_objects(5);
        kit_must(weir_open(&bus, WEIR_OPTIONS(.address = kit_address())) == WEIR_E_QUOTA);
        kit_must(strstr(weir_error(), "ulimit -n 11"));
}

Test(bus_linux, few_descriptors_give_a_clear_error_with_the_number_needed)
{
        struct weir *bus = kit_host();
        struct weir_publisher *rich;
        struct kit_child child;

        for (int i = 0; i < 12; i++)
                kit_ok(weir_publisher_open(&rich, bus, "rich", NULL));
        child = kit_start(play_poor_client);
        cr_assert(eq(int, kit_end(&child), 0));
        weir_close(bus);
}
