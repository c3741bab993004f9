/* Messages to the broker: sent at once, or kept in their order while the connection has no room for them. */
#include "clients/c/control_wire.h"

#include <stdlib.h>
#include <string.h>

enum { LETTERS_MAX = 4096 }; /* unsent; a broker that leaves so many is none */

void
wr_control_letters_drop(struct wr_control *c)
{
        struct wr_letter *letter;

        while ((letter = c->letters)) {
                c->letters = letter->next;
                free(letter);
        }
        c->letters_end = &c->letters;
        c->letter_count = 0;
}

static void
letter_keep(struct wr_control *c, const void *bytes, size_t size)
{
        struct wr_letter *letter = c->letter_count < LETTERS_MAX ? malloc(sizeof *letter + size) : NULL;

        if (!letter) {
                wr_control_lost(c, "it does not read");
                return;
        }
        letter->next = NULL;
        letter->size = size;
        memcpy(letter->bytes, bytes, size);
        *c->letters_end = letter;
        c->letters_end = &letter->next;
        c->letter_count += 1;
}

void
wr_control_send(struct wr_control *c, const struct wr_message *message)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size;
        enum weir_result result = WEIR_FULL;

        if (c->phase == WR_PHASE_AWAY)
                return;
        size = wr_message_encode(message, bytes);
        if (!c->letters)
                result = wr_control_wire_send(c, bytes, size);
        if (result == WEIR_FULL)
                letter_keep(c, bytes, size);
        else if (result < 0)
                wr_control_lost(c, "it hung up");
}

void
wr_control_letters_send(struct wr_control *c)
{
        struct wr_letter *letter;

        wr_control_wire_flush(c);
        while (c->phase != WR_PHASE_AWAY && (letter = c->letters)) {
                enum weir_result result = wr_control_wire_send(c, letter->bytes, letter->size);

                if (result == WEIR_FULL)
                        return;
                if (result < 0) {
                        wr_control_lost(c, "it hung up");
                        return;
                }
                c->letters = letter->next;
                if (!c->letters)
                        c->letters_end = &c->letters;
                c->letter_count -= 1;
                free(letter);
        }
}
