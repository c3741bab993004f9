/*
 * A ticket as text, and what is derived from its key. The text is one line that any channel carries, an URI too:
 *
 *      weir-ticket:BASE32      RFC 4648's letters without padding, in either case
 *      version (1) | id (8) | key (32) | TCP port (2) | length of the address (1) | address | check (5)
 *
 * Numbers are little-endian. The check is of everything before it and tells a ticket that was mistyped or cut from one
 * that the broker does not know.
 *
 * The key itself is in the text alone. After RFC 5802 each side keeps what it needs:
 *
 *      client = HMAC(key, "weir ticket client")        server = HMAC(key, "weir ticket server")
 *      stored = HMAC(client, "weir ticket stored")     the broker keeps `server` and `stored`
 *
 * Who proves the key shows `client`, so what a broker keeps is not enough to redeem a ticket with.
 */
#ifndef WR_TICKET_H
#define WR_TICKET_H

#include "bus/os/hmac.h"
#include "bus/result.h"

enum {
        WR_TICKET_KEY_BYTES = 32,
        WR_TICKET_ADDRESS_MAX = 256, /* with its zero byte */
        WR_TICKET_TEXT_MAX = 512,    /* so long at most, with its zero byte */
};

struct wr_ticket {
        uint64_t id;
        uint8_t key[WR_TICKET_KEY_BYTES];
        uint16_t port; /* of 127.0.0.1, where the broker listens for who has nothing better; 0: it does not */
        char address[WR_TICKET_ADDRESS_MAX]; /* the broker's */
};

/* What the broker keeps of a key. */
struct wr_ticket_verifier {
        uint8_t server[WR_HMAC_BYTES], stored[WR_HMAC_BYTES];
};

/* False: the text does not fit into room. */
bool
wr_ticket_write(const struct wr_ticket *ticket, char *text, size_t room);

/* White space around the text is passed over. WEIR_E_USAGE: it is no ticket; *why is a sentence that says how it is
 * wrong. */
enum weir_result
wr_ticket_read(struct wr_ticket *ticket, const char *text, const char **why);

/* Does the text begin like a ticket? */
bool
wr_ticket_is(const char *text);

/* False only where wr_hmac fails. */
bool
wr_ticket_client_key(const uint8_t key[WR_TICKET_KEY_BYTES], uint8_t client[WR_HMAC_BYTES]);

bool
wr_ticket_verifier_make(struct wr_ticket_verifier *verifier, const uint8_t key[WR_TICKET_KEY_BYTES]);

/* Is this the client key of the ticket that the verifier was made for? */
bool
wr_ticket_verify(const struct wr_ticket_verifier *verifier, const uint8_t client[WR_HMAC_BYTES]);

#endif
