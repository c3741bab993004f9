/* Who a source is: one question, answered from what the kernel told the broker when that process connected. */
#include "clients/c/bus.h"
#include "clients/c/error.h"
#include "clients/c/options.h"

#include <stdio.h>

#define ANSWER_TIMEOUT_NS INT64_C(2000000000)

static bool
peer_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        struct weir_peer *peer = q->subject;

        (void)c, (void)objects;
        if (m->kind != WR_PEER_IS) {
                q->result = WEIR_E_CLOSED;
                snprintf(q->sentence, sizeof q->sentence, "source %016llx is there no more, or is not ours to see",
                         (unsigned long long)q->message.peer.source);
                return true;
        }
        peer->pid = m->peer_is.pid;
        snprintf(peer->identity, sizeof peer->identity, "%s", m->peer_is.identity);
        snprintf(peer->name, sizeof peer->name, "%s", m->peer_is.name);
        q->result = WEIR_OK;
        return true;
}

enum weir_result WEIR_CALL
weir_peer(struct weir *bus, uint64_t source, struct weir_peer *out)
{
        struct weir_peer peer = { .size = 0 };
        struct wr_question q = { .answer = peer_answer, .subject = &peer, .message.kind = WR_PEER };
        enum weir_result result = wr_bus_check(bus);

        if (result < 0)
                return result;
        q.message.peer.source = source;
        result = wr_control_ask(&bus->control, &q, ANSWER_TIMEOUT_NS);
        return result < 0 ? result : wr_options_write(out, &peer, sizeof peer, "weir_peer");
}
