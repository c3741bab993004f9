/*
 * What the machine can do: a ring of fixed slots in shared memory with nothing else in it. No header, no hash, no
 * rights, nobody who joins or leaves; the sequence word in the slot is all that the two processes say to each other,
 * and the count of consumed frames is read again only when the ring seems full.
 *
 *      producer                                     consumer
 *  P1  count - limit < slots, else                  C1  load  slot.sequence == count + 1   acquire
 *      load  consumed          acquire              C2  read the payload
 *  P2  fill the payload                             C3  store consumed                     release
 *  P3  store slot.sequence     release
 *
 *  P3 -> C1  who sees the sequence sees the payload.    C3 -> P1  who sees the count may overwrite.
 *
 * Blocking adds a word for each side to sleep on: the sleeper stores 1, fences and looks once more; the other side
 * stores its word, fences and looks whether somebody sleeps.
 */
#include "bench/peer.h"

#include "bench/system.h"
#include "bench/wake.h"
#include "bus/atomic.h"

#include <stdalign.h>
#include <stdlib.h>

enum {
        LINE_BYTES = 64,
        SLOTS_MAX = 1024,
        SLOTS_MIN = 4,
        WARM_BYTES = 4 << 20, /* as many slots as fit here: the ring stays in the caches as long as frames do */
};

/* In shared memory, one for each direction; the slots follow. */
struct ring {
        alignas(LINE_BYTES) wr_word consumed;
        alignas(LINE_BYTES) wr_word32 frame_sleeper;
        alignas(LINE_BYTES) wr_word32 room_sleeper;
};

/* One direction, seen from one process. */
struct flow {
        struct ring *ring;
        uint8_t *slots;
        intptr_t frame_wake, room_wake; /* beside the ring's two words */
        uint64_t count;                 /* frames sent or received here */
        uint64_t limit;                 /* sending: the last `consumed` seen */
};

struct ceiling {
        uint64_t segment_bytes, slot_bytes, payload_offset, slot_mask;
        bool spin;
        struct flow flows[2]; /* [0] from the producer, [1] from the consumer */
};

static struct flow *
outward(struct bench_link *link)
{
        return &((struct ceiling *)link->state)->flows[link->end == BENCH_PRODUCER ? 0 : 1];
}

static struct flow *
inward(struct bench_link *link)
{
        return &((struct ceiling *)link->state)->flows[link->end == BENCH_PRODUCER ? 1 : 0];
}

/* Small payloads share the line of their sequence word; large ones begin on a line. */
static void
plan(struct ceiling *ceiling, uint64_t size)
{
        uint64_t slots = SLOTS_MAX;

        ceiling->payload_offset = size <= LINE_BYTES - 8 ? 8 : LINE_BYTES;
        ceiling->slot_bytes = (ceiling->payload_offset + size + LINE_BYTES - 1) & ~(uint64_t)(LINE_BYTES - 1);
        while (slots > SLOTS_MIN && slots * ceiling->slot_bytes > WARM_BYTES)
                slots /= 2;
        ceiling->slot_mask = slots - 1;
        ceiling->segment_bytes = 2 * (sizeof(struct ring) + slots * ceiling->slot_bytes);
}

static bool
prepare(struct bench_link *link)
{
        struct ceiling ceiling;

        plan(&ceiling, link->terms.size);
        if (!bench_shared_create(&link->inherited.shared, ceiling.segment_bytes))
                return bench_link_fail(link, "shared memory: %s", bench_system_error());
        for (int i = 0; i < BENCH_OBJECTS_MAX; i++)
                if (!bench_wake_create(&link->inherited.objects[i]))
                        return bench_link_fail(link, "something to sleep on: %s", bench_system_error());
        return true;
}

static bool
open_end(struct bench_link *link)
{
        struct ceiling *ceiling = calloc(1, sizeof *ceiling);

        if (!ceiling)
                return bench_link_fail(link, "no memory");
        link->state = ceiling;
        if (!bench_shared_attach(&link->inherited.shared))
                return bench_link_fail(link, "shared memory: %s", bench_system_error());
        ceiling->spin = link->terms.wait == BENCH_SPIN;
        plan(ceiling, link->terms.size);
        for (int i = 0; i < 2; i++) {
                uint8_t *half = (uint8_t *)link->inherited.shared.address + (uint64_t)i * (ceiling->segment_bytes / 2);

                ceiling->flows[i] = (struct flow){ .ring = (struct ring *)(void *)half,
                                                   .slots = half + sizeof(struct ring),
                                                   .frame_wake = link->inherited.objects[2 * i],
                                                   .room_wake = link->inherited.objects[2 * i + 1] };
        }
        return true;
}

static uint8_t *
slot_at(struct ceiling *ceiling, struct flow *flow)
{
        return flow->slots + (flow->count & ceiling->slot_mask) * ceiling->slot_bytes;
}

static wr_word *
sequence_of(uint8_t *slot)
{
        return (wr_word *)(void *)slot;
}

/* Called after a look found nothing; the caller looks again. still_nothing is that look. */
static void
wait_turn(struct bench_link *link, wr_word32 *sleeper, intptr_t object, bool (*still_nothing)(struct bench_link *))
{
        if (link->terms.wait == BENCH_SPIN) {
                wr_pause();
                return;
        }
        wr_store32(sleeper, 1);
        wr_fence();
        if (still_nothing(link))
                bench_wake_wait(sleeper, 1, object);
        wr_store32(sleeper, 0);
}

static void
wake(wr_word32 *sleeper, intptr_t object)
{
        wr_fence();
        if (wr_load32(sleeper) == 0)
                return;
        wr_store32(sleeper, 0);
        bench_wake_raise(sleeper, object);
}

static bool
is_full(struct bench_link *link)
{
        struct ceiling *ceiling = link->state;
        struct flow *flow = outward(link);

        flow->limit = wr_load_acquire(&flow->ring->consumed); /* P1 */
        return flow->count - flow->limit > ceiling->slot_mask;
}

static void *
lend(struct bench_link *link)
{
        struct ceiling *ceiling = link->state;
        struct flow *flow = outward(link);

        while (flow->count - flow->limit > ceiling->slot_mask && is_full(link))
                wait_turn(link, &flow->ring->room_sleeper, flow->room_wake, is_full);
        return slot_at(ceiling, flow) + ceiling->payload_offset;
}

static bool
send_frame(struct bench_link *link)
{
        struct ceiling *ceiling = link->state;
        struct flow *flow = outward(link);
        uint8_t *slot = slot_at(ceiling, flow);

        wr_store_release(sequence_of(slot), ++flow->count); /* P3 */
        if (!ceiling->spin)
                wake(&flow->ring->frame_sleeper, flow->frame_wake);
        return true;
}

static bool
is_empty(struct bench_link *link)
{
        struct flow *flow = inward(link);

        return wr_load_acquire(sequence_of(slot_at(link->state, flow))) != flow->count + 1; /* C1 */
}

static const void *
receive(struct bench_link *link)
{
        struct ceiling *ceiling = link->state;
        struct flow *flow = inward(link);

        while (is_empty(link))
                wait_turn(link, &flow->ring->frame_sleeper, flow->frame_wake, is_empty);
        return slot_at(ceiling, flow) + ceiling->payload_offset;
}

static void
release(struct bench_link *link)
{
        struct ceiling *ceiling = link->state;
        struct flow *flow = inward(link);

        wr_store_release(&flow->ring->consumed, ++flow->count); /* C3 */
        if (!ceiling->spin)
                wake(&flow->ring->room_sleeper, flow->room_wake);
}

static void
close_end(struct bench_link *link)
{
        free(link->state); /* the rest ends with the process, which ends next */
        link->state = NULL;
}

static void
discard(struct bench_link *link)
{
        for (int i = 0; i < BENCH_OBJECTS_MAX; i++)
                bench_wake_close(link->inherited.objects[i]);
        bench_shared_close(&link->inherited.shared);
}

const struct bench_peer bench_peer_ceiling = {
        .name = "ceiling",
        .about = "a featureless ring in shared memory",
        .blocks = true,
        .prepare = prepare,
        .open = open_end,
        .lend = lend,
        .send = send_frame,
        .receive = receive,
        .release = release,
        .close = close_end,
        .discard = discard,
};
