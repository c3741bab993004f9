#include "broker/rights_system.h"

#include "named-objects/config.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

enum { PATH_ROOM = 512 };

/* A user's broker and all that it hands over are in one session, which another user is rarely in. */
void
wr_rights_others_note(char *note, size_t room)
{
        const struct wr_sid self = wr_user_self();
        char user[WR_SID_TEXT_MAX], system[PATH_ROOM];

        if (wr_user_is_system(&self))
                return;
        wr_user_text(&self, user, sizeof(user));
        wr_config_system_path(system, sizeof(system));
        wr_sentence(note, room,
                    "A broker of user:%s serves other users only in its own session (runas). For those who log on by"
                    " themselves install the machine's: as an administrator, put the rule into %s, and weir broker"
                    " install",
                    user, system);
}

enum weir_result
wr_rights_flatpak(const char *id, struct wr_flatpak *flatpak, char *sentence, size_t room)
{
        (void)flatpak;
        wr_sentence(sentence, room,
                    "'%s' is not installed: Flatpaks are of Linux. A package of Windows is told by its family name:"
                    " weir id --package NAME_PUBLISHERID",
                    id);
        return WEIR_EMPTY;
}
