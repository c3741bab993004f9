#include "broker/rights_system.h"

#include "named-objects/config.h"
#include "named-objects/file.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <stdlib.h>
#include <string.h>

enum { METADATA_MAX = 1 << 16, PATH_ROOM = 256 };

/* ---- other users ----------------------------------------------------------------------------------------------- */

/*
 * A broker decides only about whom it may look at, and no user may look at another's processes: rules for them are of
 * use to the system broker, whose directory others can enter.
 */
void
wr_rights_others_note(char *note, size_t room)
{
        const struct wr_sid self = wr_user_self();
        char user[WR_SID_TEXT_MAX], system[PATH_ROOM];

        wr_user_text(&self, user, sizeof(user));
        wr_config_system_path(system, sizeof(system));
        if (wr_user_is_system(&self))
                wr_sentence(note, room,
                            "Other users reach the system broker where they may enter its directory:"
                            " chmod 755 /run/weir");
        else
                wr_sentence(note, room,
                            "A broker of user:%s serves other users' processes only with CAP_SYS_PTRACE, and an"
                            " --address in a directory that they may enter. Else they need the system broker: as root,"
                            " put the rule into %s, and systemctl enable --now weir-system.socket, or"
                            " install -d -m 755 /run/weir && weir broker run",
                            user, system);
}

/* ---- Flatpaks -------------------------------------------------------------------------------------------------- */

/* "<root>/app/<id>/current/active/metadata"; false: it is not there, or says something else. */
static bool
metadata_read(const char *root, const char *id, struct wr_flatpak *flatpak)
{
        char path[WR_PACKAGE_MAX + 512], sentence[WR_PACKAGE_MAX + 768];
        size_t size = 0;
        char *text;
        bool is_sound;

        wr_sentence(path, sizeof(path), "%s/app/%s/current/active/metadata", root, id);
        is_sound = wr_file_read(path, METADATA_MAX, &text, &size, sentence, sizeof(sentence)) == WEIR_OK &&
                   wr_identity_flatpak_read(text, size, flatpak) && strcmp(flatpak->name, id) == 0;
        free(text);
        return is_sound;
}

enum weir_result
wr_rights_flatpak(const char *id, struct wr_flatpak *flatpak, char *sentence, size_t room)
{
        const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
        char root[512];

        if (data && data[0] == '/')
                wr_sentence(root, sizeof(root), "%s/flatpak", data);
        else
                wr_sentence(root, sizeof(root), "%s/.local/share/flatpak", home ? home : "");
        if (metadata_read(root, id, flatpak) || metadata_read("/var/lib/flatpak", id, flatpak))
                return WEIR_OK;
        wr_sentence(sentence, room,
                    "no Flatpak '%s' is installed for this user or this machine, so its capabilities are not known",
                    id);
        return WEIR_EMPTY;
}
