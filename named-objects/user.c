#include "named-objects/user.h"

#include "named-objects/sentence.h"

#include <inttypes.h>

void
wr_user_text(const struct wr_sid *sid, char *text, size_t room)
{
        char whole[WR_SID_TEXT_MAX];
        uint32_t number;

        if (wr_sid_is_unix(sid, &number, NULL)) {
                wr_sentence(text, room, "%" PRIu32, number);
                return;
        }
        wr_sid_text(sid, whole);
        wr_sentence(text, room, "%s", whole);
}
