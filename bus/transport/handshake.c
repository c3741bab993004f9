#include "bus/transport/handshake.h"

#include "bus/fields.h"

#include <string.h>

enum { LABEL_BYTES = 8, MAGIC_BYTES = 8 };

static const uint8_t magic[MAGIC_BYTES] = { 'W', 'E', 'I', 'R', '-', 'T', 'C', 'P' };

void
wr_handshake_hello_write(const struct wr_handshake_hello *hello, uint8_t bytes[WR_HANDSHAKE_HELLO_BYTES])
{
        memcpy(bytes, magic, MAGIC_BYTES);
        wr_fields_number_put(bytes + 8, 4, hello->version);
        wr_fields_number_put(bytes + 12, 4, hello->purpose);
        wr_fields_number_put(bytes + 16, 8, hello->id);
        wr_fields_number_put(bytes + 24, 8, hello->redeemer);
        memcpy(bytes + 32, hello->nonce, WR_HANDSHAKE_NONCE_BYTES);
}

enum weir_result
wr_handshake_hello_read(struct wr_handshake_hello *hello, const uint8_t *bytes, size_t size)
{
        uint64_t purpose;

        if (memcmp(bytes, magic, size < MAGIC_BYTES ? size : MAGIC_BYTES) != 0)
                return WEIR_E_CORRUPT; /* at the first byte that is wrong: HTTP and the like go no further */
        if (size >= 12 && wr_fields_number(bytes + 8, 4) != WR_HANDSHAKE_VERSION)
                return WEIR_E_CORRUPT;
        if (size < WR_HANDSHAKE_HELLO_BYTES)
                return WEIR_EMPTY;
        purpose = wr_fields_number(bytes + 12, 4);
        if (purpose != WR_HANDSHAKE_CONTROL && purpose != WR_HANDSHAKE_STREAM)
                return WEIR_E_CORRUPT;
        hello->version = WR_HANDSHAKE_VERSION;
        hello->purpose = (enum wr_handshake_purpose)purpose;
        hello->id = wr_fields_number(bytes + 16, 8);
        hello->redeemer = wr_fields_number(bytes + 24, 8);
        memcpy(hello->nonce, bytes + 32, WR_HANDSHAKE_NONCE_BYTES);
        return WEIR_OK;
}

/* The keyed hash of one side over all that was said. */
static bool
prove(const uint8_t key[WR_HMAC_BYTES], const char *label, const uint8_t hello[WR_HANDSHAKE_HELLO_BYTES],
      const uint8_t nonce[WR_HANDSHAKE_NONCE_BYTES], uint8_t mac[WR_HMAC_BYTES])
{
        uint8_t said[LABEL_BYTES + WR_HANDSHAKE_HELLO_BYTES + WR_HANDSHAKE_NONCE_BYTES] = { 0 };

        memcpy(said, label, strlen(label));
        memcpy(said + LABEL_BYTES, hello, WR_HANDSHAKE_HELLO_BYTES);
        memcpy(said + LABEL_BYTES + WR_HANDSHAKE_HELLO_BYTES, nonce, WR_HANDSHAKE_NONCE_BYTES);
        return wr_hmac(key, WR_HMAC_BYTES, said, sizeof(said), mac);
}

bool
wr_handshake_broker(const struct wr_ticket_verifier *verifier, const uint8_t hello[WR_HANDSHAKE_HELLO_BYTES],
                    const uint8_t nonce[WR_HANDSHAKE_NONCE_BYTES], uint8_t answer[WR_HANDSHAKE_BROKER_BYTES])
{
        memcpy(answer, nonce, WR_HANDSHAKE_NONCE_BYTES);
        return prove(verifier->server, "broker", hello, nonce, answer + WR_HANDSHAKE_NONCE_BYTES);
}

bool
wr_handshake_client(const uint8_t key[WR_TICKET_KEY_BYTES], const uint8_t hello[WR_HANDSHAKE_HELLO_BYTES],
                    const uint8_t answer[WR_HANDSHAKE_BROKER_BYTES], uint8_t proof[WR_HANDSHAKE_CLIENT_BYTES])
{
        struct wr_ticket_verifier verifier;
        uint8_t client[WR_HMAC_BYTES], mac[WR_HMAC_BYTES];
        bool proven = wr_ticket_verifier_make(&verifier, key) && wr_ticket_client_key(key, client) &&
                      prove(verifier.server, "broker", hello, answer, mac) &&
                      wr_hmac_equal(mac, answer + WR_HANDSHAKE_NONCE_BYTES, sizeof(mac)) &&
                      prove(verifier.stored, "client", hello, answer, mac);

        for (size_t i = 0; proven && i < sizeof(mac); i++)
                proof[i] = client[i] ^ mac[i];
        wr_hmac_wipe(client, sizeof(client));
        wr_hmac_wipe(&verifier, sizeof(verifier));
        return proven;
}

bool
wr_handshake_verify(const struct wr_ticket_verifier *verifier, const uint8_t hello[WR_HANDSHAKE_HELLO_BYTES],
                    const uint8_t nonce[WR_HANDSHAKE_NONCE_BYTES], const uint8_t proof[WR_HANDSHAKE_CLIENT_BYTES])
{
        uint8_t client[WR_HMAC_BYTES], mac[WR_HMAC_BYTES];
        bool proven = prove(verifier->stored, "client", hello, nonce, mac);

        for (size_t i = 0; i < sizeof(mac); i++)
                client[i] = proof[i] ^ mac[i];
        proven = proven && wr_ticket_verify(verifier, client);
        wr_hmac_wipe(client, sizeof(client));
        return proven;
}
