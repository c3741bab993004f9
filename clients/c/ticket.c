/*
 * Tickets: made, listed and revoked by a question each; and the one that a bus was opened with, which is redeemed
 * behind WELCOME, and again at each broker that the bus comes back to.
 */
#include "clients/c/ticket.h"

#include "clients/c/bus.h"
#include "clients/c/control_wire.h"
#include "clients/c/error.h"
#include "clients/c/list.h"
#include "named-objects/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/ticket.h>

#define ANSWER_TIMEOUT_NS INT64_C(2000000000)

_Static_assert((int)WEIR_TICKET_TEXT == (int)WR_TICKET_TEXT_MAX, "any ticket's text fits into what is promised");

/* ---- held ------------------------------------------------------------------------------------------------------ */

enum weir_result
wr_ticket_hold(struct weir *bus, const char *text)
{
        const char *why;

        if (wr_ticket_read(&bus->held.ticket, text, &why) < 0)
                return wr_error(WEIR_E_USAGE, "weir_options.ticket cannot be redeemed: %s", why);
        bus->held.redeemer = wr_random();
        return WEIR_OK;
}

size_t
wr_ticket_addresses(const struct weir *bus, char list[][WR_ADDRESS_MAX], size_t max)
{
        const struct wr_ticket *ticket = &bus->held.ticket;
        size_t count = wr_address_list(list, max < 1 ? max : 1);
        char first = count > 0 ? list[0][0] : 0; /* how addresses of this system begin */

        if (!getenv("WEIR_BROKER"))
                count = 0;
        if (count < max && ticket->address[0] == first && strlen(ticket->address) < WR_ADDRESS_MAX)
                snprintf(list[count++], WR_ADDRESS_MAX, "%.*s", WR_ADDRESS_MAX - 1, ticket->address);
        if (count < max && ticket->port != 0)
                snprintf(list[count++], WR_ADDRESS_MAX, "tcp:127.0.0.1:%u", ticket->port);
        return count;
}

bool
wr_ticket_message(const struct weir *bus, struct wr_message *message)
{
        const struct wr_ticket_held *held = &bus->held;
        uint8_t client[WR_HMAC_BYTES];

        *message = (struct wr_message){ .kind = WR_REDEEM, .redeem = { held->ticket.id, held->redeemer, "" } };
        if (!wr_ticket_client_key(held->ticket.key, client))
                return false;
        for (size_t i = 0; i < sizeof client; i++)
                snprintf(message->redeem.key + 2 * i, 3, "%02x", client[i]);
        wr_hmac_wipe(client, sizeof client);
        return true;
}

enum weir_result
wr_ticket_present(struct weir *bus)
{
        struct wr_question q = { .message.kind = WR_REDEEM };
        enum weir_result result;

        if (bus->held.ticket.id == 0 || wr_control_wire_is_tcp(bus->control.address))
                return WEIR_OK; /* over TCP it was redeemed by the handshake */
        if (!wr_ticket_message(bus, &q.message))
                return wr_error(WEIR_E_SYSTEM, "the ticket cannot be redeemed: the system's keyed hash failed");
        result = wr_control_ask(&bus->control, &q, ANSWER_TIMEOUT_NS);
        wr_hmac_wipe(&q.message, sizeof q.message);
        return result;
}

/* ---- made ------------------------------------------------------------------------------------------------------ */

static bool
made_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        (void)c, (void)objects;
        if (m->kind != WR_TICKET_IS) {
                q->result = WEIR_E_CORRUPT;
                snprintf(q->sentence, sizeof q->sentence, "the broker answered TICKET with %s",
                         wr_message_name(m->kind));
                return true;
        }
        memcpy(q->subject, m->ticket_is.text, sizeof m->ticket_is.text);
        q->result = WEIR_OK;
        return true;
}

enum weir_result WEIR_CALL
weir_ticket_many(struct weir *bus, const char *topic, uint32_t rights, int64_t ttl_ns, uint32_t uses, char *text,
                 uint64_t size)
{
        char made[WR_TICKET_TEXT_MAX];
        struct wr_question q = { .answer = made_answer, .subject = made, .message.kind = WR_TICKET };
        enum weir_result result = wr_bus_check(bus);

        if (result < 0)
                return result;
        if (!topic || strlen(topic) >= sizeof q.message.ticket.topic)
                return wr_error(WEIR_E_USAGE, "a ticket needs a topic of at most %d bytes", WR_TOPIC_MAX);
        if (!text || size == 0)
                return wr_error(WEIR_E_USAGE, "weir_ticket has nowhere to put the text");
        q.message.ticket.rights = rights;
        q.message.ticket.uses = uses;
        q.message.ticket.ttl_ns = ttl_ns;
        snprintf(q.message.ticket.topic, sizeof q.message.ticket.topic, "%s", topic);
        result = wr_control_ask(&bus->control, &q, ANSWER_TIMEOUT_NS);
        if (result == WEIR_OK && strlen(made) >= size)
                result = wr_error(WEIR_E_TOO_LARGE,
                                  "the ticket's text has %zu bytes with its end, and there is room for %llu: "
                                  "WEIR_TICKET_TEXT is always enough",
                                  strlen(made) + 1, (unsigned long long)size);
        if (result == WEIR_OK)
                memcpy(text, made, strlen(made) + 1);
        wr_hmac_wipe(made, sizeof made);
        return result;
}

enum weir_result WEIR_CALL
weir_ticket(struct weir *bus, const char *topic, uint32_t rights, int64_t ttl_ns, char *text, uint64_t size)
{
        return weir_ticket_many(bus, topic, rights, ttl_ns, 1, text, size);
}

/* ---- listed and revoked ---------------------------------------------------------------------------------------- */

struct visit {
        int (*row)(const struct weir_ticket_row *row, void *user);
        void *user;
};

static bool
row_tell(const struct wr_message *m, void *visit)
{
        const struct wr_message_ticket_row *ticket = &m->ticket_row;
        const struct visit *v = visit;
        struct weir_ticket_row row = {
                .size = sizeof row,
                .rights = ticket->rights,
                .uses = ticket->uses,
                .used = ticket->used,
                .state = ticket->state,
                .sessions = ticket->sessions,
                .id = ticket->id,
                .age_ns = ticket->age_ns,
                .ttl_ns = ticket->ttl_ns,
                .topic = ticket->topic,
                .identity = ticket->identity,
        };

        return v->row(&row, v->user) == 0;
}

enum weir_result WEIR_CALL
weir_ticket_list(struct weir *bus, int (*row)(const struct weir_ticket_row *row, void *user), void *user)
{
        struct wr_question q = { .message.kind = WR_TICKETS };
        struct visit visit = { row, user };
        enum weir_result result = wr_bus_check(bus);

        if (result == WEIR_OK && !row)
                result = wr_error(WEIR_E_USAGE, "weir_ticket_list has nobody to tell");
        return result < 0 ? result : wr_list_ask(bus, &q, row_tell, &visit);
}

enum weir_result WEIR_CALL
weir_ticket_revoke(struct weir *bus, uint64_t id)
{
        struct wr_question q = { .message.kind = WR_TICKET_REVOKE, .message.ticket_revoke = { id } };
        enum weir_result result = wr_bus_check(bus);

        return result < 0 ? result : wr_control_ask(&bus->control, &q, ANSWER_TIMEOUT_NS);
}
