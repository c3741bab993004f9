/* S-1-22-1-UID, S-1-22-2-GID: as Samba names users and groups of Linux. */
#include "named-objects/rights/sid.h"

enum { UNIX_AUTHORITY = 22, UNIX_USER = 1, UNIX_GROUP = 2 };

struct wr_sid
wr_sid_of_uid(uint32_t number)
{
        return (struct wr_sid){ .authority = UNIX_AUTHORITY, .count = 2, .words = { UNIX_USER, number } };
}

struct wr_sid
wr_sid_of_gid(uint32_t number)
{
        return (struct wr_sid){ .authority = UNIX_AUTHORITY, .count = 2, .words = { UNIX_GROUP, number } };
}

bool
wr_sid_is_unix(const struct wr_sid *sid, uint32_t *number, bool *is_group)
{
        if (sid->authority != UNIX_AUTHORITY || sid->count != 2 ||
            (sid->words[0] != UNIX_USER && sid->words[0] != UNIX_GROUP))
                return false;
        if (number != NULL)
                *number = sid->words[1];
        if (is_group != NULL)
                *is_group = sid->words[0] == UNIX_GROUP;
        return true;
}
