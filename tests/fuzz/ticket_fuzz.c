/*
 * The text of a ticket, and the first message of a handshake, from anybody: read within their bounds, and what is taken
 * for good is what would have been written. The check of a ticket is more than a fuzzer guesses, so it gets one that
 * fits, too.
 */
#include "bus/hash.h"
#include "bus/transport/handshake.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_BYTES = 5, TEXT_ROOM = 4096 };

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
expect(int held)
{
        if (!held)
                abort();
}

/* Without the white space around it, all in small letters. */
static void
plain(const char *text, char *to)
{
        while (isspace((unsigned char)*text))
                text++;
        while (*text && !isspace((unsigned char)*text))
                *to++ = (char)tolower((unsigned char)*text++);
        *to = 0;
}

static void
text_read(const char *text)
{
        char written[WR_TICKET_TEXT_MAX], wanted[TEXT_ROOM];
        struct wr_ticket ticket;
        const char *why = NULL;
        enum weir_result result = wr_ticket_read(&ticket, text, &why);

        expect(result == WEIR_OK || (result == WEIR_E_USAGE && why != NULL));
        if (result != WEIR_OK)
                return;
        expect(strlen(ticket.address) < WR_TICKET_ADDRESS_MAX);
        expect(wr_ticket_write(&ticket, written, sizeof written));
        plain(text, wanted);
        expect(strcmp(written, wanted) == 0);
        expect(!wr_ticket_write(&ticket, written, strlen(wanted)));
}

/* The bytes, with a check that fits, as letters. */
static void
bytes_read(const uint8_t *bytes, size_t size)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
        char text[TEXT_ROOM] = "weir-ticket:";
        size_t length = strlen(text);
        uint8_t whole[512 + CHECK_BYTES];
        uint64_t check;
        unsigned bits = 0, held = 0;

        if (size > sizeof whole - CHECK_BYTES)
                return;
        check = wr_hash_bytes(bytes, size);
        memcpy(whole, bytes, size);
        for (int i = 0; i < CHECK_BYTES; i++)
                whole[size + (size_t)i] = (uint8_t)(check >> (8 * i));
        for (size_t i = 0; i < size + CHECK_BYTES; i++) {
                bits = bits << 8 | whole[i];
                for (held += 8; held >= 5; held -= 5)
                        text[length++] = letters[bits >> (held - 5) & 31];
        }
        if (held > 0)
                text[length++] = letters[bits << (5 - held) & 31];
        text[length] = 0;
        text_read(text);
}

static void
hello_read(const uint8_t *bytes, size_t size)
{
        uint8_t *exact = malloc(size + 1), written[WR_HANDSHAKE_HELLO_BYTES]; /* a byte too far is seen */
        struct wr_handshake_hello hello;
        enum weir_result result;

        expect(exact != NULL);
        if (size > sizeof written)
                size = sizeof written;
        memcpy(exact, bytes, size);
        result = wr_handshake_hello_read(&hello, exact, size);
        expect(result == WEIR_OK ? size == sizeof written : result == WEIR_EMPTY || result == WEIR_E_CORRUPT);
        if (result == WEIR_OK) {
                wr_handshake_hello_write(&hello, written);
                expect(memcmp(written, exact, size) == 0);
        }
        free(exact);
}

/* A key of these bytes opens what was made for it, and its neighbour does not. */
static void
key_use(const uint8_t *bytes, size_t size)
{
        uint8_t key[WR_TICKET_KEY_BYTES] = { 0 }, hello[WR_HANDSHAKE_HELLO_BYTES] = { 1 }, nonce[32] = { 2 };
        uint8_t answer[WR_HANDSHAKE_BROKER_BYTES], proof[WR_HANDSHAKE_CLIENT_BYTES];
        struct wr_ticket_verifier verifier;

        memcpy(key, bytes, size < sizeof key ? size : sizeof key);
        expect(wr_ticket_verifier_make(&verifier, key));
        expect(wr_handshake_broker(&verifier, hello, nonce, answer));
        expect(wr_handshake_client(key, hello, answer, proof));
        expect(wr_handshake_verify(&verifier, hello, nonce, proof));
        key[size % sizeof key] ^= 1;
        expect(!wr_handshake_client(key, hello, answer, proof));
        proof[size % sizeof proof] ^= 1;
        expect(!wr_handshake_verify(&verifier, hello, nonce, proof));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        char text[TEXT_ROOM];

        bytes_read(bytes, size);
        hello_read(bytes, size);
        key_use(bytes, size);
        if (size < sizeof text) {
                memcpy(text, bytes, size);
                text[size] = 0;
                text_read(text);
        }
        return 0;
}
