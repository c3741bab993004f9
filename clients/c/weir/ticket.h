/*
 * weir/ticket.h: tickets, a part of <weir/weir.h>, which includes it.
 *
 * A ticket gives whoever holds its text a right on a topic: hand the line over by any channel (an URI, a file, an app
 * service, a shell), and weir_options.ticket redeems it over whatever path the receiver can use. Who redeems one has
 * what the ticket grants beside what the rules grant it, for as long as its bus is open.
 */
#ifndef WEIR_TICKET_H
#define WEIR_TICKET_H

#include <weir/weir.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { WEIR_TICKET_TEXT = 512 }; /* room for the text of any ticket */

/* weir_ticket_row.state */
enum {
        WEIR_TICKET_VALID = 0,
        WEIR_TICKET_USED_UP = 1,
        WEIR_TICKET_EXPIRED = 2,
        WEIR_TICKET_REVOKED = 3,
};

/* A line of weir_ticket_list(). Valid inside the call back; grows at its end. */
struct weir_ticket_row {
        uint32_t size, rights;
        uint32_t uses, used; /* uses: 0: any number */
        uint32_t state, sessions;
        uint64_t id;
        int64_t age_ns, ttl_ns;       /* ttl_ns: what is left; WEIR_FOREVER: until the broker ends */
        const char *topic, *identity; /* identity: of who made it */
};

/**
 * Make a ticket for one use.
 *
 * @topic   a topic, or a pattern of topics
 * @rights  of WEIR_MAY_*; without WEIR_MAY_MAP its frames are relayed
 * @ttl_ns  how long it can be redeemed; WEIR_FOREVER: until the broker ends. What was redeemed in time goes on
 * @text    out: the ticket, one line. It is told this once; the broker keeps no key that it could be made of
 * @size    of text; WEIR_TICKET_TEXT is always enough
 *
 * Only what the rules grant to this process itself can be handed on, and it counts only as long as they do. A ticket
 * ends with its broker. Blocks, at most 2 s. Any thread.
 *
 * WEIR_OK
 * WEIR_E_DENIED     this process has not all of these rights there
 * WEIR_E_QUOTA      64 tickets of this identity can still be redeemed
 * WEIR_E_TOO_LARGE  size is too small for the text
 * WEIR_E_NO_BROKER, WEIR_E_NO_MEMORY, WEIR_E_CLOSED, WEIR_E_USAGE
 */
WEIR_API enum weir_result WEIR_CALL
weir_ticket(struct weir *bus, const char *topic, uint32_t rights, int64_t ttl_ns, char *text, uint64_t size);

/** The same for up to 64 uses, or (uses 0) any number of them. */
WEIR_API enum weir_result WEIR_CALL
weir_ticket_many(struct weir *bus, const char *topic, uint32_t rights, int64_t ttl_ns, uint32_t uses, char *text,
                 uint64_t size);

/**
 * The tickets of this identity; for full trust of the broker's own user all there are. Those that ended are told for an
 * hour. Blocks, at most 2 s. Any thread.
 *
 * @row  called for each in this thread, after the answer is complete; returns 0 to go on
 *
 * WEIR_OK, WEIR_E_NO_BROKER, WEIR_E_USAGE
 */
WEIR_API enum weir_result WEIR_CALL
weir_ticket_list(struct weir *bus, int (*row)(const struct weir_ticket_row *row, void *user), void *user);

/**
 * Nobody redeems this ticket any more, and what was opened by it ends as if the rules had changed: WEIR_REVOKED.
 * Blocks, at most 2 s. Any thread.
 *
 * WEIR_OK       also where it had ended
 * WEIR_E_USAGE  there is none of this id that this process may revoke
 * WEIR_E_NO_BROKER
 */
WEIR_API enum weir_result WEIR_CALL
weir_ticket_revoke(struct weir *bus, uint64_t id);

#ifdef __cplusplus
}
#endif
#endif
