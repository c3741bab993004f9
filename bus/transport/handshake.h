/*
 * How two ends of a TCP connection prove that they have the same key, the broker first, so that whoever squats on its
 * port learns nothing. Three messages of fixed size; nothing else is understood and nothing is allocated for them:
 *
 *      client -> broker    HELLO   "WEIR-TCP" | version (4) | purpose (4) | id (8) | redeemer (8) | nonce (32)
 *      broker -> client    PROOF   nonce (32) | HMAC(server, "broker" | HELLO | nonce)
 *      client -> broker    PROOF   client key xor HMAC(stored, "client" | HELLO | nonce of the broker)
 *
 * The keys are those of ticket.h. Both nonces are in both proofs: nothing of an earlier conversation fits this one.
 * Pure: nonces come from the caller.
 */
#ifndef WR_HANDSHAKE_H
#define WR_HANDSHAKE_H

#include "bus/transport/ticket.h"

enum {
        WR_HANDSHAKE_VERSION = 1,
        WR_HANDSHAKE_NONCE_BYTES = 32,
        WR_HANDSHAKE_HELLO_BYTES = 64,
        WR_HANDSHAKE_BROKER_BYTES = 64,
        WR_HANDSHAKE_CLIENT_BYTES = 32,
};

/* CONTROL: id is a ticket's, and the control conversation follows. STREAM: id and key are those of a RELAY message, and
 * the records of that endpoint follow. */
enum wr_handshake_purpose { WR_HANDSHAKE_CONTROL = 1, WR_HANDSHAKE_STREAM = 2 };

/* What a client says first. redeemer: as of the message REDEEM. */
struct wr_handshake_hello {
        uint32_t version;
        enum wr_handshake_purpose purpose;
        uint64_t id, redeemer;
        uint8_t nonce[WR_HANDSHAKE_NONCE_BYTES];
};

void
wr_handshake_hello_write(const struct wr_handshake_hello *hello, uint8_t bytes[WR_HANDSHAKE_HELLO_BYTES]);

/* WEIR_E_CORRUPT: these `size` bytes are no HELLO, or not the beginning of one. WEIR_EMPTY: so far they are. */
enum weir_result
wr_handshake_hello_read(struct wr_handshake_hello *hello, const uint8_t *bytes, size_t size);

/* What the broker answers. hello: the bytes as they came. False: the library failed. */
bool
wr_handshake_broker(const struct wr_ticket_verifier *verifier, const uint8_t hello[WR_HANDSHAKE_HELLO_BYTES],
                    const uint8_t nonce[WR_HANDSHAKE_NONCE_BYTES], uint8_t answer[WR_HANDSHAKE_BROKER_BYTES]);

/* At the client: has it the key? Only then `proof` is made. */
bool
wr_handshake_client(const uint8_t key[WR_TICKET_KEY_BYTES], const uint8_t hello[WR_HANDSHAKE_HELLO_BYTES],
                    const uint8_t answer[WR_HANDSHAKE_BROKER_BYTES], uint8_t proof[WR_HANDSHAKE_CLIENT_BYTES]);

/* At the broker: has it? */
bool
wr_handshake_verify(const struct wr_ticket_verifier *verifier, const uint8_t hello[WR_HANDSHAKE_HELLO_BYTES],
                    const uint8_t nonce[WR_HANDSHAKE_NONCE_BYTES], const uint8_t proof[WR_HANDSHAKE_CLIENT_BYTES]);

#endif
