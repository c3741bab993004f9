/* What the tests of weir_next() and weir_wakeup() have in common. */
#ifndef EVENT_KIT_H
#define EVENT_KIT_H

#include "tests/contract/weir_kit.h"

/* The same dice on both systems. */
static KIT_UNUSED unsigned
roll(unsigned *seed)
{
        *seed = *seed * 1103515245 + 12345;
        return *seed >> 16;
}

static KIT_UNUSED void
publish(struct weir_publisher *p, uint64_t size, uint64_t sequence)
{
        void *data = malloc(size + 1);

        kit_fill(data, size, sequence);
        kit_ok(weir_publish(p, data, size, NULL, KIT_SOON));
        free(data);
}

static KIT_UNUSED void
take_all(struct weir_subscriber *s)
{
        const struct weir_frame *frame;

        while (weir_take(s, WEIR_NOW, &frame) == WEIR_OK)
                weir_release(frame);
}

static KIT_UNUSED void
drain(struct weir *bus)
{
        const struct weir_event *event;

        while (weir_next(bus, WEIR_NOW, &event) == WEIR_OK)
                if (event->kind == WEIR_FRAMES)
                        take_all(event->subscriber);
}

static KIT_UNUSED void
play_publisher(int line)
{
        struct weir *bus = kit_guest();
        struct weir_publisher *p;
        uint64_t count;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_say(line, 1);
        while ((count = kit_hear(line)) > 0)
                for (uint64_t i = 1; i <= count; i++)
                        publish(p, i % 10 ? 10 : 30000, i);
        weir_close(bus);
}

#ifdef _WIN32
#        include "tests/contract/event_win32.h"
#else
#        include "tests/contract/event_linux.h"
#endif

#endif
