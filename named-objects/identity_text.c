/* An identity for people to read. */
#include "named-objects/identity.h"

#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <string.h>

enum { WORD_MAX = 16 + WR_LABEL_MAX, MORE_BYTES = 16 /* " and 4294967 more" */ };

/* Adds the piece if it fits whole and leaves `spare` bytes free. */
static bool
add(char *text, size_t room, size_t spare, const char *piece)
{
        size_t length = strlen(text), piece_length = strlen(piece);

        if (length + piece_length + spare >= room)
                return false;
        memcpy(text + length, piece, piece_length + 1);
        return true;
}

/* As many capabilities as fit beside what has to follow, and how many more there are. */
static void
add_capabilities(const struct wr_identity *identity, char *text, size_t room, size_t spare)
{
        char word[WORD_MAX];

        for (uint32_t i = 0; i < identity->capability_count; i++) {
                wr_sentence(word, sizeof word, " capability:%s", identity->capabilities[i]);
                if (!add(text, room, spare + MORE_BYTES, word)) {
                        wr_sentence(word, sizeof word, " and %u more", (unsigned)(identity->capability_count - i));
                        add(text, room, spare, word);
                        return;
                }
        }
}

void
wr_identity_text(const struct wr_identity *identity, char *text, size_t room)
{
        char name[64], why[sizeof identity->why + 4], label[WORD_MAX];

        if (!wr_user_name(identity->user, name, sizeof name))
                snprintf(name, sizeof name, "%u", identity->user);
        wr_sentence(why, sizeof why, " (%s)", identity->why);
        if (identity->trust == WR_TRUST_PACKAGE)
                wr_sentence(text, room, "user:%s package:%s", name, identity->package);
        else
                wr_sentence(text, room, "user:%s %s", name,
                            identity->trust == WR_TRUST_FULL ? "full trust" : "confined");
        add_capabilities(identity, text, room, strlen(why));
        add(text, room, 0, why);
        wr_sentence(label, sizeof label, " label:%s", identity->label);
        if (identity->label[0] != '\0' && strcmp(identity->label, "unconfined") != 0)
                add(text, room, 0, label);
}
