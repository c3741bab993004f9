/*
 * weir itself, through its public interface only. One end embeds a broker at an address of this run's own; each
 * publishes on one topic and subscribes, reliably, to the other, so that a round trip is two topics.
 *
 *      producer (and broker)                        consumer
 *      bench/there  publisher  ------------------>  subscriber
 *      bench/back   subscriber <------------------  publisher        (with both_ways)
 *
 * Where frames are relayed, one end shares no memory with the broker and has all it publishes and takes carried by a
 * stream; the broker is in the other one.
 *
 * Frames that weir carries in the ring are published from memory of ours, as such a user would; larger ones, and all
 * of mode loan, are filled in place. A spinning subscriber spins for ever. A publisher that finds no room waits as the
 * library does, a short spin before a sleep: asking with WEIR_NOW in a loop would order an event each time.
 */
#include "bench/peer.h"

#include "bench/relay.h"
#include "bench/system.h"

#include <weir/broker.h>
#include <weir/weir.h>

#include <assert.h>
#include <stdlib.h>

static_assert((int)BENCH_HASH_FULL == (int)WEIR_HASH_FULL && (int)BENCH_HASH_HEADER == (int)WEIR_HASH_HEADER &&
                      (int)BENCH_HASH_NONE == (int)WEIR_HASH_NONE,
              "hash policies are passed on unchanged");

enum {
        COPIED_BYTES_MAX = 4096,     /* what weir carries in the ring by default */
        FRAMES_IN_MEMORY = 8,        /* a lane's memory, in frames, */
        MEMORY_BYTES_MIN = 16 << 20, /* and at least; both so that a stream goes round in warm memory */
        RELAYED_BYTES_MIN = 1 << 20, /* the same where a reader is behind by all of it, as one that is relayed is */
};

static const char topic_there[] = "bench/there", topic_back[] = "bench/back";

struct weir_state {
        struct weir *bus;
        struct weir_publisher *publisher;
        struct weir_subscriber *subscriber;
        bool copies; /* frames go through `copied` */
        uint8_t copied[COPIED_BYTES_MAX];
        struct weir_loan *loan;         /* out, when frames are filled in place */
        const struct weir_frame *frame; /* taken */
};

static bool
prepare(struct bench_link *link)
{
        if (!bench_system_address_make(link->inherited.address, sizeof link->inherited.address))
                return bench_link_fail(link, "an address for a broker: %s", bench_system_error());
        return link->peer->relay != BENCH_RELAY_TCP || bench_relay_prepare(link);
}

static bool
is_far(const struct bench_link *link)
{
        return link->peer->relay != BENCH_RELAY_NONE && link->end == link->peer->client;
}

/* How this end's frames are to travel. */
static uint32_t
path_of(const struct bench_link *link)
{
        static const uint32_t paths[] = {
                [BENCH_RELAY_NONE] = WEIR_SHM, [BENCH_RELAY_PIPE] = WEIR_PIPE, [BENCH_RELAY_TCP] = WEIR_TCP
        };

        return is_far(link) ? paths[link->peer->relay] : WEIR_SHM;
}

static bool
open_publisher(struct bench_link *link, const char *topic)
{
        struct weir_state *state = link->state;
        uint64_t memory = link->terms.size * FRAMES_IN_MEMORY;
        uint64_t least = link->peer->relay == BENCH_RELAY_NONE ? MEMORY_BYTES_MIN : RELAYED_BYTES_MIN;
        struct weir_publisher_options *options =
                WEIR_PUBLISHER(.hash = (uint32_t)link->terms.hash, .memory_max = memory < least ? least : memory,
                               .require = path_of(link));

        return weir_publisher_open(&state->publisher, state->bus, topic, options) == WEIR_OK;
}

static bool
open_subscriber(struct bench_link *link, const char *topic)
{
        struct weir_state *state = link->state;
        struct weir_subscriber_options *options =
                WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .require = path_of(link),
                                .spin_ns = link->terms.wait == BENCH_SPIN ? WEIR_FOREVER : -1);

        return weir_subscriber_open(&state->subscriber, state->bus, topic, options) == WEIR_OK;
}

/* Both ends open at the same time; whoever comes first waits for the broker, and a lane joins a subscriber whether it
 * was there before or comes later. */
static bool
open_end(struct bench_link *link)
{
        struct weir_state *state = calloc(1, sizeof *state);
        bool produces = link->end == BENCH_PRODUCER;
        struct weir_options *options =
                WEIR_OPTIONS(.name = produces ? "bench producer" : "bench consumer", .address = link->inherited.address,
                             .open_timeout_ns = INT64_C(5000000000));

        if (!state)
                return bench_link_fail(link, "no memory");
        link->state = state;
        if (link->peer->relay == BENCH_RELAY_NONE && produces)
                options->embed = weir_broker_embed;
        else if (link->peer->relay != BENCH_RELAY_NONE && !is_far(link))
                options->embed = link->peer->relay == BENCH_RELAY_TCP ? bench_relay_embed : weir_broker_embed;
        if (link->peer->relay == BENCH_RELAY_TCP && is_far(link) &&
            !bench_relay_ticket_await(link, &options->ticket, &options->address))
                return false;
        state->copies = link->terms.mode != BENCH_LOAN && link->terms.size <= COPIED_BYTES_MAX;
        if (weir_open(&state->bus, options) != WEIR_OK)
                return bench_link_fail(link, "%s", weir_error());
        if (link->peer->relay == BENCH_RELAY_TCP && !is_far(link) && !bench_relay_ticket_tell(link, state->bus))
                return false;
        if (((produces || link->both_ways) && !open_publisher(link, produces ? topic_there : topic_back)) ||
            ((!produces || link->both_ways) && !open_subscriber(link, produces ? topic_back : topic_there)))
                return bench_link_fail(link, "%s", weir_error());
        return true;
}

static void *
lend(struct bench_link *link)
{
        struct weir_state *state = link->state;

        if (state->copies)
                return state->copied;
        if (weir_lend(state->publisher, link->terms.size, WEIR_FOREVER, &state->loan) == WEIR_OK)
                return state->loan->data;
        bench_link_fail(link, "weir_lend: %s", weir_error());
        return NULL;
}

static bool
send_frame(struct bench_link *link)
{
        struct weir_state *state = link->state;
        enum weir_result result;

        if (state->copies)
                result = weir_publish(state->publisher, state->copied, link->terms.size, NULL, WEIR_FOREVER);
        else
                result = weir_loan_publish(state->loan);
        if (result == WEIR_OK)
                return true;
        return bench_link_fail(link, "%s: %s", state->copies ? "weir_publish" : "weir_loan_publish", weir_error());
}

static const void *
receive(struct bench_link *link)
{
        struct weir_state *state = link->state;
        enum weir_result result = weir_take(state->subscriber, WEIR_FOREVER, &state->frame);

        if (result != WEIR_OK) {
                bench_link_fail(link, "weir_take: %s: %s", weir_result_text(result), weir_error());
                return NULL;
        }
        if (state->frame->size == link->terms.size)
                return state->frame->data;
        bench_link_fail(link, "a frame of %llu bytes came", (unsigned long long)state->frame->size);
        return NULL;
}

static void
release(struct bench_link *link)
{
        struct weir_state *state = link->state;

        weir_release(state->frame);
}

static void
close_end(struct bench_link *link)
{
        struct weir_state *state = link->state;

        if (state->publisher)
                weir_publisher_close(state->publisher);
        if (state->subscriber)
                weir_subscriber_close(state->subscriber);
        weir_close(state->bus);
        free(state);
        link->state = NULL;
}

static void
discard(struct bench_link *link)
{
        bench_system_address_remove(link->inherited.address);
        bench_relay_discard(link);
}

/* What is the same in all of them. */
#define WEIR_PEER                                                                                               \
        .hashes = true, .blocks = true, .prepare = prepare, .open = open_end, .lend = lend, .send = send_frame, \
        .receive = receive, .release = release, .close = close_end, .discard = discard

const struct bench_peer bench_peer_weir = {
        .name = "weir",
        .about = "weir, by <weir/weir.h>, reliable",
        WEIR_PEER,
};

const struct bench_peer bench_peer_taken = {
        .name = "taken",
        .about = "weir, relayed to the subscriber",
        .relay = BENCH_RELAY_PIPE,
        .client = BENCH_CONSUMER,
        WEIR_PEER,
};

const struct bench_peer bench_peer_given = {
        .name = "given",
        .about = "weir, relayed from the publisher",
        .relay = BENCH_RELAY_PIPE,
        .client = BENCH_PRODUCER,
        WEIR_PEER,
};

const struct bench_peer bench_peer_tcp_taken = {
        .name = "taken",
        .about = "weir, relayed to the subscriber",
        .relay = BENCH_RELAY_TCP,
        .client = BENCH_CONSUMER,
        WEIR_PEER,
};

const struct bench_peer bench_peer_tcp_given = {
        .name = "given",
        .about = "weir, relayed from the publisher",
        .relay = BENCH_RELAY_TCP,
        .client = BENCH_PRODUCER,
        WEIR_PEER,
};

const struct bench_peer *const bench_tcp_peers[] = { &bench_peer_tcp_taken, &bench_peer_tcp_given, &bench_peer_tcp,
                                                     NULL };
