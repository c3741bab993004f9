/* getpwnam_r and getgrnam_r, with room that grows for groups of many members. */
#include "named-objects/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENTRY_BYTES = 1024, ROOM_FIRST = 4096, ROOM_MAX = 1 << 20, GROUPS_MAX = 128 };

/* A decimal number below 2^32 - 1, the id that means "no change" to chown and friends. */
static bool
number_of(const char *text, uint32_t *number)
{
        uint64_t value = 0;

        if (!*text || strlen(text) > 10)
                return false;
        for (; *text; text++) {
                if (*text < '0' || *text > '9')
                        return false;
                value = value * 10 + (uint64_t)(*text - '0');
        }
        *number = (uint32_t)value;
        return value < UINT32_MAX;
}

static int
user_look(const char *name, char *room, size_t size, uint32_t *id)
{
        struct passwd entry, *found = NULL;
        int error = getpwnam_r(name, &entry, room, size, &found);

        if (found)
                *id = entry.pw_uid;
        return found ? 0 : error ? error : ENOENT;
}

static int
group_look(const char *name, char *room, size_t size, uint32_t *id)
{
        struct group entry, *found = NULL;
        int error = getgrnam_r(name, &entry, room, size, &found);

        if (found)
                *id = entry.gr_gid;
        return found ? 0 : error ? error : ENOENT;
}

static bool
find(int (*look)(const char *, char *, size_t, uint32_t *), const char *name, uint32_t *id)
{
        int error = ERANGE;

        if (number_of(name, id))
                return true;
        for (size_t size = ROOM_FIRST; error == ERANGE && size <= ROOM_MAX; size *= 2) {
                char *room = malloc(size);

                if (!room)
                        return false;
                error = look(name, room, size, id);
                free(room);
        }
        return error == 0;
}

bool
wr_user_find(const char *name, struct wr_sid *user)
{
        uint32_t number;

        if (!find(user_look, name, &number))
                return false;
        *user = wr_sid_of_uid(number);
        return true;
}

bool
wr_group_find(const char *name, struct wr_sid *group)
{
        uint32_t number;

        if (!find(group_look, name, &number))
                return false;
        *group = wr_sid_of_gid(number);
        return true;
}

bool
wr_user_name(const struct wr_sid *user, char *name, size_t room)
{
        char entry_room[ENTRY_BYTES];
        struct passwd entry, *found;
        bool is_known = false, is_group;
        uint32_t number;
        FILE *file;

        if (!wr_sid_is_unix(user, &number, &is_group) || is_group)
                return false;
        file = fopen("/etc/passwd", "re");
        if (file == NULL)
                return false;
        while (!is_known && fgetpwent_r(file, &entry, entry_room, sizeof entry_room, &found) == 0) {
                is_known = found->pw_uid == number;
                if (is_known)
                        snprintf(name, room, "%s", found->pw_name);
        }
        fclose(file);
        return is_known;
}

void
wr_user_groups(const struct wr_sid *user, struct wr_sid_list *groups)
{
        char *room = malloc(ROOM_MAX);
        struct passwd entry, *found = NULL;
        gid_t numbers[GROUPS_MAX];
        int count = GROUPS_MAX;
        uint32_t number = 0;

        if (room && wr_sid_is_unix(user, &number, NULL) && getpwuid_r(number, &entry, room, ROOM_MAX, &found) != 0)
                found = NULL;
        if (!found || getgrouplist(entry.pw_name, entry.pw_gid, numbers, &count) < 0)
                count = found ? GROUPS_MAX : 0; /* it wrote as many as fit */
        free(room);
        for (int i = 0; i < count; i++) {
                struct wr_sid group = wr_sid_of_gid(numbers[i]);

                wr_sid_list_add(groups, &group, WR_SID_GROUP);
        }
}

struct wr_sid
wr_user_self(void)
{
        return wr_sid_of_uid(geteuid());
}

bool
wr_user_is_system(const struct wr_sid *user)
{
        uint32_t number;
        bool is_group;

        return wr_sid_is_unix(user, &number, &is_group) && !is_group && number == 0;
}

bool
wr_user_of_service(struct wr_sid *user)
{
        return wr_user_find("weir", user);
}

uint32_t
wr_user_process(void)
{
        return (uint32_t)getpid();
}
