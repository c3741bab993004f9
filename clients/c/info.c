/*
 * What is known: figures of our own endpoints from counters that only their own threads write, figures of everybody
 * else's from the broker.
 */
#include "clients/c/error.h"
#include "clients/c/options.h"
#include "clients/c/publisher.h"
#include "clients/c/relayed.h"
#include "clients/c/subscriber.h"
#include "named-objects/fork.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_TIMEOUT_NS INT64_C(2000000000)
#define SILENT_NS         INT64_C(3000000000)

/* ---- our own ---- */

static struct weir_info
publisher_info(const struct weir_publisher *p)
{
        return (struct weir_info){
                .path = WEIR_SHM,
                .peers = wr_load32(&p->link_count),
                .frames = wr_load(&p->frames),
                .bytes = wr_load(&p->bytes),
                .lost = wr_load(&p->corrupt),
                .corrupt = wr_load(&p->corrupt),
                .full = wr_load(&p->full),
                .waits = wr_load(&p->waits),
                .out = wr_load32(&p->loans_out),
                .copied_bytes = wr_load(&p->copied_bytes),
                .why = "shm: memory was granted",
        };
}

/* Two copies are the kernel's, one on either side of the stream. */
static void
info_path(struct weir_info *info, const struct wr_relayed *r)
{
        info->copies = info->bytes > 0 && info->copied_bytes >= info->bytes ? 1 : 0;
        if (!r)
                return;
        info->path = r->path;
        info->copies = 2;
        snprintf(info->why, sizeof info->why, "%s", r->why);
}

struct weir_info
wr_info_of_subscriber(struct weir_subscriber *s)
{
        struct weir_info info = {
                .path = WEIR_SHM,
                .frames = wr_load(&s->frames_taken),
                .bytes = wr_load(&s->bytes),
                .lost = wr_load(&s->lost),
                .skipped = wr_load(&s->skipped),
                .corrupt = wr_load(&s->corrupt),
                .copied_bytes = wr_load(&s->copied_bytes),
                .why = "shm: memory was granted",
        };

        wr_mutex_lock(&s->lock);
        for (uint32_t i = 0; i < s->lane_count; i++) {
                info.lost += wr_load(&s->lanes[i]->lost);
                info.skipped += wr_load(&s->lanes[i]->skipped);
                info.corrupt += wr_load(&s->lanes[i]->corrupt);
                info.peers += 1;
        }
        for (const struct wr_lane_link *lane = s->arrivals; lane; lane = lane->next)
                info.peers += 1;
        wr_mutex_unlock(&s->lock);
        for (uint32_t i = 0; wr_load32(&s->closed) == 0 && i < s->frames_max; i++)
                info.out += wr_load32(&s->frames[i].out) != WR_IN;
        return info;
}

enum weir_result WEIR_CALL
weir_publisher_info(const struct weir_publisher *p, struct weir_info *i)
{
        struct weir_info info;
        uint64_t sent;
        enum weir_result result = wr_publisher_check(p);

        if (result < 0 && result != WEIR_E_DENIED) /* what it did before that is known all the same */
                return result;
        info = publisher_info(p);
        info_path(&info, p->relayed);
        sent = p->relayed ? wr_load(&p->relayed->sent) : info.frames;
        info.unsent = info.frames > sent ? info.frames - sent : 0; /* one may be sent before it is counted */
        return wr_options_write(i, &info, sizeof info, "weir_info");
}

enum weir_result WEIR_CALL
weir_subscriber_info(const struct weir_subscriber *s, struct weir_info *i)
{
        struct weir_info info;
        enum weir_result result = wr_subscriber_check(s);

        if (result < 0)
                return result;
        info = wr_info_of_subscriber((struct weir_subscriber *)(uintptr_t)s); /* its lock is no part of what is const */
        info_path(&info, s->relayed);
        return wr_options_write(i, &info, sizeof info, "weir_info");
}

/* Behind the lanes: what an agent has taken from them, and its client has not. */
struct lag {
        uint64_t frames;
        int64_t ns;
};

static void
stats_send(struct wr_control *c, uint64_t endpoint, const struct weir_info *info, const struct lag *lag, wr_word *told)
{
        uint64_t sum = info->frames + info->lost + info->skipped + info->corrupt + info->full + info->waits +
                       info->out + (lag->frames << 32) + (uint64_t)lag->ns; /* a frame is taken: one more, one less */

        if (sum == wr_load(told))
                return; /* nothing has changed since */
        wr_store(told, sum);
        wr_control_send(c, &(struct wr_message){
                                   .kind = WR_STATS,
                                   .stats = { endpoint, info->frames, info->bytes, info->lost, info->skipped,
                                              info->corrupt, info->full, info->waits, info->out, info->copied_bytes,
                                              lag->frames, lag->ns },
                           });
}

/* A client that takes frames says so each second: what was sent since is under way, or taken, and not yet said. From
 * one that says nothing for longer nobody knows that it has taken any of it. */
static struct lag
lag_far(const struct wr_far_figures *far, uint64_t sent, int64_t now_ns)
{
        struct lag lag = { .frames = far->lag_frames };
        int64_t oldest_ns = far->oldest_ns;

        if (now_ns - far->heard_ns > SILENT_NS) {
                lag.frames += sent - far->sent;
                oldest_ns = oldest_ns > 0 ? oldest_ns : far->unheard_ns;
        }
        if (lag.frames > 0 && oldest_ns > 0 && now_ns > oldest_ns)
                lag.ns = now_ns - oldest_ns;
        return lag;
}

/* What an agent's subscriber is told of as: what was taken at the other end of its stream. */
static struct lag
info_far(struct weir_subscriber *s, struct weir_info *info)
{
        struct lag lag = { .frames = 0 };

        wr_mutex_lock(&s->lock);
        if (s->far.is_there) {
                lag = lag_far(&s->far, wr_load(&s->sent), wr_clock_ns());
                info->frames = s->far.frames;
                info->bytes = s->far.bytes;
                info->lost = s->far.lost;
                info->skipped = s->far.skipped;
                info->corrupt = s->far.corrupt;
                info->out = s->far.out;
                info->copied_bytes = s->far.copied_bytes;
        }
        wr_mutex_unlock(&s->lock);
        return lag;
}

void
wr_info_send(struct wr_control *c)
{
        const struct lag none = { .frames = 0 };
        struct weir_info info;
        struct lag lag;

        for (struct weir_publisher *p = c->publishers; p; p = p->control_next) {
                if (p->relayed)
                        continue; /* its agent tells */
                info = publisher_info(p);
                stats_send(c, p->lane, &info, &none, &p->told);
        }
        for (struct weir_subscriber *s = c->subscribers; s; s = s->control_next) {
                if (s->relayed)
                        continue;
                info = wr_info_of_subscriber(s);
                lag = info_far(s, &info);
                stats_send(c, s->id, &info, &lag, &s->told);
        }
}

/* ---- the broker's ---- */

static bool
state_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        (void)c, (void)objects;
        *(struct wr_message *)q->subject = *m;
        q->result = WEIR_OK;
        return true;
}

enum weir_result WEIR_CALL
weir_broker_status(struct weir *bus, struct weir_broker_state *out)
{
        struct wr_message answer = { .kind = WR_DONE };
        const struct wr_message_state *m = &answer.state;
        struct wr_question q = { .answer = state_answer, .subject = &answer, .message.kind = WR_STATUS };
        struct weir_broker_state state;
        enum weir_result result = wr_bus_check(bus);

        if (result == WEIR_OK)
                result = wr_control_ask(&bus->control, &q, ANSWER_TIMEOUT_NS);
        if (result < 0)
                return result;
        if (answer.kind != WR_STATE)
                return wr_error(WEIR_E_CORRUPT, "the broker answered STATUS with %s", wr_message_name(answer.kind));
        state = (struct weir_broker_state){
                .pid = m->pid,
                .scope = m->scope,
                .sessions = m->sessions,
                .topics = m->topics,
                .lanes = m->lanes,
                .pairs = m->pairs,
                .subscriptions = m->subscriptions,
                .refusals = m->refusals,
                .tcp_port = m->tcp_port,
                .package_sockets = m->package_sockets,
                .uptime_ns = m->uptime_ns,
                .reserve_bytes = m->reserve_bytes,
        };
        snprintf(state.version, sizeof state.version, "%s", m->version);
        snprintf(state.address, sizeof state.address, "%s", m->address);
        snprintf(state.policy, sizeof state.policy, "%s", m->policy);
        return wr_options_write(out, &state, sizeof state, "weir_broker_state");
}

static bool
done_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        (void)c, (void)objects;
        q->result = m->kind == WR_DONE && m->done.result >= 0 ? WEIR_OK : WEIR_E_SYSTEM;
        snprintf(q->sentence, sizeof q->sentence, "the broker could not do it");
        return true;
}

enum weir_result WEIR_CALL
weir_broker_stop(struct weir *bus)
{
        struct wr_question q = { .answer = done_answer, .message.kind = WR_STOP };
        enum weir_result result = wr_bus_check(bus);

        return result < 0 ? result : wr_control_ask(&bus->control, &q, ANSWER_TIMEOUT_NS);
}

enum weir_result WEIR_CALL
weir_broker_reload(struct weir *bus)
{
        struct wr_question q = { .answer = done_answer, .message.kind = WR_RELOAD };
        enum weir_result result = wr_bus_check(bus);

        return result < 0 ? result : wr_control_ask(&bus->control, &q, ANSWER_TIMEOUT_NS);
}

enum weir_result WEIR_CALL
weir_package_socket(struct weir *bus, const char *package, const char *path)
{
        struct wr_question q = { .answer = done_answer, .message.kind = WR_PACKAGE_SOCKET };
        struct wr_message_package_socket *m = &q.message.package_socket;
        enum weir_result result = wr_bus_check(bus);

        if (result < 0)
                return result;
        if (!package || !path)
                return wr_error(WEIR_E_USAGE, "weir_package_socket needs a package and a path");
        if ((size_t)snprintf(m->package, sizeof m->package, "%s", package) >= sizeof m->package ||
            (size_t)snprintf(m->path, sizeof m->path, "%s", path) >= sizeof m->path)
                return wr_error(WEIR_E_USAGE, "the package's name or the path of its socket is longer than 255 bytes");
        return wr_control_ask(&bus->control, &q, ANSWER_TIMEOUT_NS);
}
