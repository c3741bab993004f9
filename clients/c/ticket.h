/* The ticket that a bus was opened with. */
#ifndef WR_C_TICKET_H
#define WR_C_TICKET_H

#include "bus/transport/ticket.h"
#include "clients/c/control.h"
#include "named-objects/address.h"

/* id 0: it has none. */
struct wr_ticket_held {
        struct wr_ticket ticket;
        uint64_t redeemer; /* says that it is us when we come back */
};

/* WEIR_E_USAGE with a sentence: the text is no ticket. */
enum weir_result
wr_ticket_hold(struct weir *bus, const char *text);

/* Where its broker is looked for: $WEIR_BROKER, the address that the ticket names, and TCP. Those that are none on this
 * system are left out. */
size_t
wr_ticket_addresses(const struct weir *bus, char list[][WR_ADDRESS_MAX], size_t max);

/* The message that redeems it at a broker that the kernel vouches for. False only where the keyed hash fails. */
bool
wr_ticket_message(const struct weir *bus, struct wr_message *message);

/* Redeems it, in the opener's thread; nothing to do without one. */
enum weir_result
wr_ticket_present(struct weir *bus);

#endif
