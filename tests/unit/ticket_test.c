/* The text of a ticket, its keys, and how two ends prove that they have them. */
#include "bus/transport/handshake.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <ctype.h>
#include <string.h>

TestSuite(ticket, .timeout = 20);

static struct wr_ticket
example(void)
{
        struct wr_ticket ticket = { .id = UINT64_C(0x1122334455667788), .port = 7411 };

        for (size_t i = 0; i < sizeof(ticket.key); i++)
                ticket.key[i] = (uint8_t)(i * 7 + 3);
        strcpy(ticket.address, "/run/user/1000/weir/bus");
        return ticket;
}

static bool
is_same(const struct wr_ticket *a, const struct wr_ticket *b)
{
        return a->id == b->id && a->port == b->port && memcmp(a->key, b->key, sizeof(a->key)) == 0 &&
               strcmp(a->address, b->address) == 0;
}

static bool
reads_as(const char *text, const struct wr_ticket *wanted)
{
        struct wr_ticket read;
        const char *why;

        return wr_ticket_read(&read, text, &why) == WEIR_OK && is_same(&read, wanted);
}

static void
refused(const char *text, const char *part)
{
        struct wr_ticket read;
        const char *why = "";

        cr_assert(eq(int, wr_ticket_read(&read, text, &why), WEIR_E_USAGE), "%s", text);
        cr_assert(ne(ptr, (void *)strstr(why, part), NULL), "%s: %s", text, why);
}

Test(ticket, is_read_as_it_was_written)
{
        struct wr_ticket ticket = example();
        char text[WR_TICKET_TEXT_MAX];

        cr_assert(wr_ticket_write(&ticket, text, sizeof(text)));
        cr_assert(eq(int, strncmp(text, "weir-ticket:", 12), 0));
        cr_assert(eq(sz, strspn(text + 12, "abcdefghijklmnopqrstuvwxyz234567"), strlen(text + 12)));
        cr_assert(reads_as(text, &ticket));
}

Test(ticket, may_name_a_broker_of_any_length)
{
        struct wr_ticket ticket = example();
        char text[WR_TICKET_TEXT_MAX];

        for (size_t length = 0; length < sizeof(ticket.address); length++) {
                memset(ticket.address, 'x', length);
                ticket.address[length] = 0;
                cr_assert(wr_ticket_write(&ticket, text, sizeof(text)));
                cr_assert(reads_as(text, &ticket), "%zu bytes", length);
        }
        cr_assert(not(wr_ticket_write(&ticket, text, strlen(text))));
        cr_assert(wr_ticket_write(&ticket, text, strlen(text) + 1));
}

Test(ticket, capitals_and_white_space_around_it_do_not_matter)
{
        struct wr_ticket ticket = example();
        char text[WR_TICKET_TEXT_MAX], wrapped[WR_TICKET_TEXT_MAX + 8] = " \t";

        wr_ticket_write(&ticket, text, sizeof(text));
        strcat(wrapped, text);
        strcat(wrapped, "\r\n");
        cr_assert(reads_as(wrapped, &ticket));
        for (char *at = text; *at; at++)
                *at = (char)toupper((unsigned char)*at);
        cr_assert(reads_as(text, &ticket));
        strcat(wrapped, "x");
        refused(wrapped, "mistyped");
}

/* A flipped bit may make a capital of a letter, which reads the same; anything else is no ticket any more. */
Test(ticket, with_any_bit_flipped_is_refused_or_the_very_same)
{
        struct wr_ticket ticket = example(), read;
        char text[WR_TICKET_TEXT_MAX];
        const char *why;
        int same = 0;

        wr_ticket_write(&ticket, text, sizeof(text));
        for (size_t bit = 0; bit < strlen(text) * 8; bit++) {
                char kept = text[bit / 8];

                text[bit / 8] = (char)(kept ^ (1 << (bit % 8)));
                if (wr_ticket_read(&read, text, &why) == WEIR_OK) {
                        cr_assert(is_same(&read, &ticket), "bit %zu", bit);
                        cr_assert(eq(int, bit % 8, 5));
                        same++;
                }
                text[bit / 8] = kept;
        }
        cr_assert(gt(int, same, 0));
}

Test(ticket, cut_anywhere_is_refused)
{
        struct wr_ticket ticket = example();
        char text[WR_TICKET_TEXT_MAX], cut[WR_TICKET_TEXT_MAX];

        wr_ticket_write(&ticket, text, sizeof(text));
        for (size_t length = 0; length < strlen(text); length++) {
                memcpy(cut, text, length);
                cut[length] = 0;
                refused(cut, length < 12 ? "begins with" : "mistyped");
        }
        memmove(text + 12, text + 13, strlen(text + 12));
        refused(text, "mistyped");
}

Test(ticket, two_letters_that_changed_places_are_noticed)
{
        struct wr_ticket ticket = example();
        char text[WR_TICKET_TEXT_MAX];

        wr_ticket_write(&ticket, text, sizeof(text));
        for (size_t i = 12; text[i + 1]; i++) {
                char kept = text[i];

                if (text[i] == text[i + 1])
                        continue;
                text[i] = text[i + 1];
                text[i + 1] = kept;
                refused(text, "mistyped");
                text[i + 1] = text[i];
                text[i] = kept;
        }
}

Test(ticket, that_is_none_says_how_it_is_wrong)
{
        refused("", "begins with");
        refused("/run/weir/bus", "begins with");
        refused("weir-ticket:", "mistyped");
        refused("weir-ticket:abc1", "letters");
        refused("weir-ticket:abc def", "letters");
        refused("weir-ticket:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "mistyped");
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

Test(ticket, its_verifier_knows_the_client_key_and_no_other)
{
        struct wr_ticket ticket = example();
        struct wr_ticket_verifier verifier;
        uint8_t client[WR_HMAC_BYTES];

        cr_assert(wr_ticket_verifier_make(&verifier, ticket.key));
        cr_assert(wr_ticket_client_key(ticket.key, client));
        cr_assert(wr_ticket_verify(&verifier, client));
        cr_assert(not(wr_ticket_verify(&verifier, ticket.key)));
        cr_assert(not(wr_ticket_verify(&verifier, verifier.stored)));
        cr_assert(not(wr_ticket_verify(&verifier, verifier.server)));
        for (size_t bit = 0; bit < sizeof(client) * 8; bit++) {
                client[bit / 8] ^= (uint8_t)(1u << (bit % 8));
                cr_assert(not(wr_ticket_verify(&verifier, client)), "bit %zu", bit);
                client[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
}

/* ---- handshake ------------------------------------------------------------------------------------------------- */

struct talk {
        struct wr_ticket ticket;
        struct wr_ticket_verifier verifier;
        uint8_t hello[WR_HANDSHAKE_HELLO_BYTES], nonce[WR_HANDSHAKE_NONCE_BYTES];
        uint8_t answer[WR_HANDSHAKE_BROKER_BYTES], proof[WR_HANDSHAKE_CLIENT_BYTES];
};

/* Both ends up to the broker's answer. */
static struct talk
begun(uint8_t client_nonce, uint8_t broker_nonce)
{
        struct talk talk = { .ticket = example() };
        struct wr_handshake_hello hello = {
                .version = WR_HANDSHAKE_VERSION, .purpose = WR_HANDSHAKE_CONTROL, .id = talk.ticket.id, .redeemer = 5
        };

        memset(hello.nonce, client_nonce, sizeof(hello.nonce));
        memset(talk.nonce, broker_nonce, sizeof(talk.nonce));
        wr_handshake_hello_write(&hello, talk.hello);
        cr_assert(wr_ticket_verifier_make(&talk.verifier, talk.ticket.key));
        cr_assert(wr_handshake_broker(&talk.verifier, talk.hello, talk.nonce, talk.answer));
        return talk;
}

Test(ticket, both_ends_prove_the_key)
{
        struct talk talk = begun(1, 2);

        cr_assert(wr_handshake_client(talk.ticket.key, talk.hello, talk.answer, talk.proof));
        cr_assert(wr_handshake_verify(&talk.verifier, talk.hello, talk.nonce, talk.proof));
}

Test(ticket, a_hello_is_read_as_it_was_written)
{
        struct talk talk = begun(9, 2);
        struct wr_handshake_hello hello;

        cr_assert(eq(int, wr_handshake_hello_read(&hello, talk.hello, sizeof(talk.hello)), WEIR_OK));
        cr_assert(eq(u64, hello.id, talk.ticket.id));
        cr_assert(eq(u64, hello.redeemer, 5));
        cr_assert(eq(int, hello.purpose, WR_HANDSHAKE_CONTROL));
        cr_assert(eq(u8, hello.nonce[31], 9));
        for (size_t size = 0; size < sizeof(talk.hello); size++)
                cr_assert(eq(int, wr_handshake_hello_read(&hello, talk.hello, size), WEIR_EMPTY), "%zu", size);
}

Test(ticket, garbage_is_known_at_its_first_byte)
{
        struct wr_handshake_hello hello;
        uint8_t bytes[WR_HANDSHAKE_HELLO_BYTES];

        cr_assert(eq(int, wr_handshake_hello_read(&hello, (const uint8_t *)"GET / HTTP/1.1\r\n", 1), WEIR_E_CORRUPT));
        for (size_t bit = 0; bit < 16 * 8; bit++) {
                memcpy(bytes, begun(1, 2).hello, sizeof(bytes));
                bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
                if (bit == 96 || bit == 97) /* CONTROL 1 becomes 0 or 3 */
                        cr_assert(eq(int, wr_handshake_hello_read(&hello, bytes, sizeof(bytes)), WEIR_E_CORRUPT));
                cr_assert(eq(int, wr_handshake_hello_read(&hello, bytes, sizeof(bytes)), WEIR_E_CORRUPT), "bit %zu",
                          bit);
        }
}

Test(ticket, whoever_squats_on_the_port_learns_nothing_and_proves_nothing)
{
        struct talk talk = begun(1, 2);
        struct wr_ticket_verifier other;
        uint8_t key[WR_TICKET_KEY_BYTES] = { 1 }, untouched[WR_HANDSHAKE_CLIENT_BYTES] = { 0 };

        /* It knows the id, and all that was ever said, but no key. */
        cr_assert(wr_ticket_verifier_make(&other, key));
        cr_assert(wr_handshake_broker(&other, talk.hello, talk.nonce, talk.answer));
        cr_assert(not(wr_handshake_client(talk.ticket.key, talk.hello, talk.answer, talk.proof)));
        cr_assert(eq(int, memcmp(talk.proof, untouched, sizeof(untouched)), 0));
}

Test(ticket, every_bit_of_the_answer_and_of_the_proof_counts)
{
        struct talk talk = begun(1, 2);
        uint8_t proof[WR_HANDSHAKE_CLIENT_BYTES];

        cr_assert(wr_handshake_client(talk.ticket.key, talk.hello, talk.answer, talk.proof));
        for (size_t bit = 0; bit < sizeof(talk.answer) * 8; bit++) {
                talk.answer[bit / 8] ^= (uint8_t)(1u << (bit % 8));
                cr_assert(not(wr_handshake_client(talk.ticket.key, talk.hello, talk.answer, proof)), "bit %zu", bit);
                talk.answer[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        for (size_t bit = 0; bit < sizeof(talk.proof) * 8; bit++) {
                talk.proof[bit / 8] ^= (uint8_t)(1u << (bit % 8));
                cr_assert(not(wr_handshake_verify(&talk.verifier, talk.hello, talk.nonce, talk.proof)), "bit %zu", bit);
                talk.proof[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
}

Test(ticket, a_key_that_is_wrong_by_one_bit_proves_nothing)
{
        struct talk talk = begun(1, 2);

        for (size_t bit = 0; bit < sizeof(talk.ticket.key) * 8; bit++) {
                struct wr_ticket_verifier verifier;
                uint8_t key[WR_TICKET_KEY_BYTES], answer[WR_HANDSHAKE_BROKER_BYTES];

                memcpy(key, talk.ticket.key, sizeof(key));
                key[bit / 8] ^= (uint8_t)(1u << (bit % 8));
                cr_assert(not(wr_handshake_client(key, talk.hello, talk.answer, talk.proof)), "bit %zu", bit);
                /* Should it go on although the broker proved nothing to it, it proves nothing to the broker. */
                wr_ticket_verifier_make(&verifier, key);
                wr_handshake_broker(&verifier, talk.hello, talk.nonce, answer);
                cr_assert(wr_handshake_client(key, talk.hello, answer, talk.proof));
                cr_assert(not(wr_handshake_verify(&talk.verifier, talk.hello, talk.nonce, talk.proof)));
        }
}

Test(ticket, what_was_said_before_does_not_fit_another_conversation)
{
        struct talk before = begun(1, 2), now = begun(1, 3);

        cr_assert(wr_handshake_client(before.ticket.key, before.hello, before.answer, before.proof));
        cr_assert(not(wr_handshake_verify(&now.verifier, now.hello, now.nonce, before.proof)));
        now = begun(4, 2);
        cr_assert(not(wr_handshake_client(now.ticket.key, now.hello, before.answer, now.proof)));
        cr_assert(not(wr_handshake_verify(&now.verifier, now.hello, now.nonce, before.proof)));
}
