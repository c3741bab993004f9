#include "bus/transport/ticket.h"

#include "bus/fields.h"
#include "bus/hash.h"

#include <string.h>

enum {
        VERSION = 1,
        HEAD_BYTES = 1 + 8 + WR_TICKET_KEY_BYTES + 2 + 1,
        CHECK_BYTES = 5,
        BYTES_MAX = HEAD_BYTES + WR_TICKET_ADDRESS_MAX - 1 + CHECK_BYTES,
};

static const char prefix[] = "weir-ticket:";
static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

_Static_assert(sizeof(prefix) + (BYTES_MAX * 8 + 4) / 5 <= WR_TICKET_TEXT_MAX, "the longest ticket fits");

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

static void
check_make(const uint8_t *bytes, size_t size, uint8_t check[CHECK_BYTES])
{
        wr_fields_number_put(check, CHECK_BYTES, wr_hash_bytes(bytes, size));
}

static size_t
bytes_make(const struct wr_ticket *ticket, uint8_t bytes[BYTES_MAX])
{
        size_t length = strlen(ticket->address);

        bytes[0] = VERSION;
        wr_fields_number_put(bytes + 1, 8, ticket->id);
        memcpy(bytes + 9, ticket->key, WR_TICKET_KEY_BYTES);
        wr_fields_number_put(bytes + 9 + WR_TICKET_KEY_BYTES, 2, ticket->port);
        bytes[HEAD_BYTES - 1] = (uint8_t)length;
        memcpy(bytes + HEAD_BYTES, ticket->address, length);
        check_make(bytes, HEAD_BYTES + length, bytes + HEAD_BYTES + length);
        return HEAD_BYTES + length + CHECK_BYTES;
}

static bool
is_printable(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return false;
        return true;
}

static enum weir_result
bytes_read(struct wr_ticket *ticket, const uint8_t *bytes, size_t size, const char **why)
{
        uint8_t check[CHECK_BYTES];
        size_t length;

        *why = "it is mistyped or cut: its check does not fit. Copy it once more, all of it";
        if (size < HEAD_BYTES + CHECK_BYTES)
                return WEIR_E_USAGE;
        check_make(bytes, size - CHECK_BYTES, check);
        if (memcmp(check, bytes + size - CHECK_BYTES, CHECK_BYTES) != 0)
                return WEIR_E_USAGE;
        *why = "it was made by another version of weir. Update the older";
        if (bytes[0] != VERSION)
                return WEIR_E_USAGE;
        *why = "it names no broker. Ask for another";
        length = bytes[HEAD_BYTES - 1];
        if (length != size - HEAD_BYTES - CHECK_BYTES)
                return WEIR_E_USAGE;
        ticket->id = wr_fields_number(bytes + 1, 8);
        memcpy(ticket->key, bytes + 9, WR_TICKET_KEY_BYTES);
        ticket->port = (uint16_t)wr_fields_number(bytes + 9 + WR_TICKET_KEY_BYTES, 2);
        memcpy(ticket->address, bytes + HEAD_BYTES, length);
        ticket->address[length] = 0;
        return strlen(ticket->address) == length && is_printable(ticket->address) ? WEIR_OK : WEIR_E_USAGE;
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

bool
wr_ticket_write(const struct wr_ticket *ticket, char *text, size_t room)
{
        uint8_t bytes[BYTES_MAX];
        size_t size = bytes_make(ticket, bytes), length = sizeof(prefix) - 1;
        uint32_t bits = 0, held = 0;

        if (room < sizeof(prefix) + (size * 8 + 4) / 5) {
                wr_hmac_wipe(bytes, sizeof(bytes));
                return false;
        }
        memcpy(text, prefix, length);
        for (size_t i = 0; i < size; i++) {
                bits = (bits << 8) | bytes[i];
                for (held += 8; held >= 5; held -= 5)
                        text[length++] = letters[(bits >> (held - 5)) & 31];
        }
        if (held > 0)
                text[length++] = letters[(bits << (5 - held)) & 31];
        text[length] = 0;
        wr_hmac_wipe(bytes, sizeof(bytes));
        return true;
}

static char
lower(char letter)
{
        return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static bool
is_space(char letter)
{
        return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

bool
wr_ticket_is(const char *text)
{
        for (size_t i = 0; i < sizeof(prefix) - 1; i++)
                if (lower(text[i]) != prefix[i])
                        return false;
        return true;
}

/* The bytes of the letters up to white space or the end; behind them there is nothing but white space. Bits that are
 * left over are 0, so that every ticket is written in one way only; else it has no bytes. */
static bool
letters_read(const char *text, uint8_t bytes[BYTES_MAX], size_t *size)
{
        uint32_t bits = 0, held = 0;

        for (*size = 0; *text && !is_space(*text); text++) {
                const char *found = strchr(letters, lower(*text));

                if (!found)
                        return false;
                bits = (bits << 5) | (uint32_t)(found - letters);
                held += 5;
                if (held < 8)
                        continue;
                if (*size == BYTES_MAX)
                        return false;
                held -= 8;
                bytes[(*size)++] = (uint8_t)(bits >> held);
        }
        while (is_space(*text))
                text++;
        if (held >= 5 || (bits & ((1u << held) - 1)) != 0)
                *size = 0;
        return !*text;
}

enum weir_result
wr_ticket_read(struct wr_ticket *ticket, const char *text, const char **why)
{
        uint8_t bytes[BYTES_MAX];
        enum weir_result result;
        size_t size;

        memset(ticket, 0, sizeof(*ticket));
        while (is_space(*text))
                text++;
        *why = "a ticket begins with weir-ticket:";
        if (!wr_ticket_is(text))
                return WEIR_E_USAGE;
        *why = "it is mistyped: behind weir-ticket: stand only letters and the digits 2 to 7, in one line";
        if (!letters_read(text + sizeof(prefix) - 1, bytes, &size))
                return WEIR_E_USAGE;
        result = bytes_read(ticket, bytes, size, why);
        wr_hmac_wipe(bytes, sizeof(bytes));
        if (result < 0)
                wr_hmac_wipe(ticket, sizeof(*ticket));
        return result;
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

static bool
derive(const uint8_t from[WR_HMAC_BYTES], const char *label, uint8_t to[WR_HMAC_BYTES])
{
        return wr_hmac(from, WR_HMAC_BYTES, label, strlen(label), to);
}

bool
wr_ticket_client_key(const uint8_t key[WR_TICKET_KEY_BYTES], uint8_t client[WR_HMAC_BYTES])
{
        return derive(key, "weir ticket client", client);
}

bool
wr_ticket_verifier_make(struct wr_ticket_verifier *verifier, const uint8_t key[WR_TICKET_KEY_BYTES])
{
        uint8_t client[WR_HMAC_BYTES];
        bool made = wr_ticket_client_key(key, client) && derive(key, "weir ticket server", verifier->server) &&
                    derive(client, "weir ticket stored", verifier->stored);

        wr_hmac_wipe(client, sizeof(client));
        return made;
}

bool
wr_ticket_verify(const struct wr_ticket_verifier *verifier, const uint8_t client[WR_HMAC_BYTES])
{
        uint8_t stored[WR_HMAC_BYTES];

        return derive(client, "weir ticket stored", stored) && wr_hmac_equal(stored, verifier->stored, sizeof(stored));
}
