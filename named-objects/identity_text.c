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

/* The capabilities one after the other: those with names, and those of which only the SID is known. False behind the
 * last. */
static bool
next_capability(const struct wr_identity *identity, uint32_t *named, size_t *at, char name[WR_SID_TEXT_MAX])
{
        enum wr_sid_use use;
        struct wr_sid sid;

        if (*named < identity->capability_count) {
                wr_sentence(name, WR_SID_TEXT_MAX, "%s", identity->capabilities[(*named)++]);
                return true;
        }
        while (wr_sid_list_next(&identity->sids, at, &sid, &use))
                if (use == WR_SID_CAPABILITY) {
                        wr_sid_text(&sid, name);
                        return true;
                }
        return false;
}

/* As many capabilities as fit beside what has to follow, and how many more there are. */
static void
add_capabilities(const struct wr_identity *identity, char *text, size_t room, size_t spare)
{
        char name[WR_SID_TEXT_MAX], word[WORD_MAX];
        unsigned more = 0;
        uint32_t named = 0;
        size_t at = 0;

        while (next_capability(identity, &named, &at, name)) {
                wr_sentence(word, sizeof word, " capability:%s", name);
                if (more > 0 || !add(text, room, spare + MORE_BYTES, word))
                        more++;
        }
        if (more > 0) {
                wr_sentence(word, sizeof word, " and %u more", more);
                add(text, room, spare, word);
        }
}

void
wr_identity_text(const struct wr_identity *identity, char *text, size_t room)
{
        const char *trust = identity->trust == WR_TRUST_FULL       ? " full trust"
                            : identity->trust == WR_TRUST_CONFINED ? " confined"
                                                                   : "";
        char name[WR_SID_TEXT_MAX], why[sizeof identity->why + 4], label[WORD_MAX];

        if (!wr_user_name(&identity->user, name, sizeof name))
                wr_user_text(&identity->user, name, sizeof name);
        wr_sentence(why, sizeof why, " (%s)", identity->why);
        wr_sentence(text, room, "user:%s%s%s%s", name, trust, identity->package[0] ? " package:" : "",
                    identity->package);
        add_capabilities(identity, text, room, strlen(why));
        add(text, room, 0, why);
        wr_sentence(label, sizeof label, " label:%s", identity->label);
        if (identity->label[0] != '\0' && strcmp(identity->label, "unconfined") != 0)
                add(text, room, 0, label);
}
