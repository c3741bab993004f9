/* getpwnam_r and getgrnam_r, with room that grows for groups of many members; and the map of our user namespace. */
#include "named-objects/user.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENTRY_BYTES = 1024, ROOM_FIRST = 4096, ROOM_MAX = 1 << 20 };

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
wr_user_find(const char *name, uint32_t *user)
{
        return find(user_look, name, user);
}

bool
wr_group_find(const char *name, uint32_t *group)
{
        return find(group_look, name, group);
}

bool
wr_user_name(uint32_t user, char *name, size_t room)
{
        char entry_room[ENTRY_BYTES];
        FILE *file = fopen("/etc/passwd", "re");
        struct passwd entry, *found;
        bool is_known = false;

        if (file == NULL)
                return false;
        while (!is_known && fgetpwent_r(file, &entry, entry_room, sizeof entry_room, &found) == 0) {
                is_known = found->pw_uid == user;
                if (is_known)
                        snprintf(name, room, "%s", found->pw_name);
        }
        fclose(file);
        return is_known;
}

size_t
wr_user_groups(uint32_t user, uint32_t *groups, size_t most)
{
        char *room = malloc(ROOM_MAX);
        struct passwd entry, *found = NULL;
        int count = most < INT_MAX ? (int)most : INT_MAX;

        if (room && getpwuid_r(user, &entry, room, ROOM_MAX, &found) != 0)
                found = NULL;
        if (!found || getgrouplist(entry.pw_name, entry.pw_gid, groups, &count) < 0)
                count = found ? (int)most : 0; /* it wrote as many as fit */
        free(room);
        return (size_t)count;
}

uint32_t
wr_user_self(void)
{
        return geteuid();
}

uint32_t
wr_user_process(void)
{
        return (uint32_t)getpid();
}

/* The first numbers of a file under /proc, how many came. */
static int
numbers_read(const char *path, unsigned long numbers[3])
{
        FILE *file = fopen(path, "re");
        int count = 0;

        if (file == NULL)
                return 0;
        count = fscanf(file, "%lu %lu %lu", &numbers[0], &numbers[1], &numbers[2]);
        fclose(file);
        return count;
}

/* Where every user is mapped the number is a user like any other; so it is when we cannot find out. */
bool
wr_user_is_unmapped(uint32_t user)
{
        unsigned long map[3], overflow[3];

        return numbers_read("/proc/thread-self/uid_map", map) == 3 && map[2] < UINT32_MAX &&
               numbers_read("/proc/sys/kernel/overflowuid", overflow) >= 1 && user == overflow[0];
}
