/* What tools tell of rights that is each system's own. */
#ifndef WR_RIGHTS_SYSTEM_H
#define WR_RIGHTS_SYSTEM_H

#include "named-objects/identity.h"

/* What a rule for another user takes besides, of a broker of this process's user whose file is no system's. */
void
wr_rights_others_note(char *note, size_t room);

/* An installed Flatpak: its name, and the capabilities of its metadata. WEIR_EMPTY: none of this id is installed, as
 * the sentence says; on Windows it says that there are none. */
enum weir_result
wr_rights_flatpak(const char *id, struct wr_flatpak *flatpak, char *sentence, size_t room);

#endif
