/*
 * Reads what a process is told about its memory cgroups, from its own one up to the mount point, where the limit
 * above it may be the smaller one:
 *
 *      /proc/self/cgroup     "4:memory:/a/b"  or  "0::/a/b"      which group, one line for each hierarchy
 *      /proc/self/mountinfo  where that hierarchy is mounted, and which of its groups is the mount's root
 *      MOUNT/a/b/memory.max, memory.current, memory.stat         (version 2)
 *      MOUNT/a/b/memory.limit_in_bytes, memory.usage_in_bytes    (version 1)
 *
 * A group without these files has no memory controller. What cannot be read limits nothing here: the answer is
 * advice, the kernel decides. The two mounts are looked up once; the group every time, since a process may be moved.
 */
#include "bus/os/headroom.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, TEXT_BYTES = 8192 };

struct hierarchy {
        const char *kind, *option;         /* in mountinfo: file system, and an option it must have */
        const char *line;                  /* in /proc/self/cgroup: what stands between the two colons */
        const char *limit, *usage, *cache; /* the files, and the line of memory.stat */
        char mount[PATH_BYTES];            /* empty: not mounted, or not to be seen */
        char root[PATH_BYTES];             /* the group that is the mount's root */
};

static struct hierarchy hierarchies[] = {
        { .kind = "cgroup2",
          .option = "",
          .line = "",
          .limit = "memory.max",
          .usage = "memory.current",
          .cache = "inactive_file " },
        { .kind = "cgroup",
          .option = "memory",
          .line = "memory",
          .limit = "memory.limit_in_bytes",
          .usage = "memory.usage_in_bytes",
          .cache = "total_inactive_file " },
};
enum { HIERARCHY_COUNT = sizeof(hierarchies) / sizeof(hierarchies[0]) };

/* Is `word` one of the words of the comma-separated list? The empty word is in every list. */
static bool
list_has(const char *list, const char *word)
{
        size_t length = strlen(word);

        for (const char *at = list; at != NULL; at = strchr(at, ',')) {
                at += *at == ',';
                if (length == 0 || (strncmp(at, word, length) == 0 && strchr(",\n", at[length]) != NULL))
                        return true;
        }
        return false;
}

/* One line: "35 31 0:32 ROOT MOUNT OPTIONS [tags...] - KIND SOURCE OPTIONS". A path too long for us is no mount. */
static void
mount_line(const char *line)
{
        const char *tail = strstr(line, " - ");
        char root[PATH_BYTES], mount[PATH_BYTES], kind[32], options[PATH_BYTES];

        if (tail == NULL || sscanf(line, "%*s %*s %*s %1023s %1023s", root, mount) != 2 ||
            sscanf(tail, " - %31s %*s %1023s", kind, options) != 2)
                return;
        for (size_t i = 0; i < HIERARCHY_COUNT; i++) {
                struct hierarchy *h = &hierarchies[i];

                if (h->mount[0] != '\0' || strcmp(kind, h->kind) != 0 || !list_has(options, h->option))
                        continue;
                strcpy(h->mount, mount);
                strcpy(h->root, strcmp(root, "/") == 0 ? "" : root);
        }
}

static void
mounts_find(void)
{
        FILE *file = fopen("/proc/self/mountinfo", "re");
        char *line = NULL;
        size_t room = 0;

        if (file == NULL)
                return;
        while (getline(&line, &room, file) > 0)
                mount_line(line);
        free(line);
        fclose(file);
}

/* The first part of a small file as text; false when there is none. */
static bool
text_read(const char *path, char *text, size_t room)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        size_t size = 0;
        ssize_t got = 0;

        if (fd < 0)
                return false;
        while (size < room - 1 && (got = read(fd, text + size, room - 1 - size)) > 0)
                size += (size_t)got; /* files under /proc come in pieces of a page */
        close(fd);
        text[size] = '\0';
        return got >= 0 && size != 0;
}

/* Our group in this hierarchy: the third field of the line whose second field names it. */
static bool
group_find(const struct hierarchy *h, const char *groups, char *path)
{
        for (const char *line = groups; *line != '\0'; line = strchrnul(line, '\n'), line += *line == '\n') {
                const char *controllers = strchr(line, ':');
                const char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
                const char *end = strchrnul(line, '\n');
                char names[256];
                size_t length;

                if (group == NULL || group > end || (size_t)(group - controllers) > sizeof names)
                        continue;
                length = (size_t)(group - controllers - 1);
                memcpy(names, controllers + 1, length);
                names[length] = '\0';
                if (h->line[0] == '\0' ? names[0] != '\0' : !list_has(names, h->line))
                        continue;
                if (end - group - 1 >= PATH_BYTES)
                        return false;
                memcpy(path, group + 1, (size_t)(end - group - 1));
                path[end - group - 1] = '\0';
                return true;
        }
        return false;
}

/* A number, or "max", which reads as no limit. */
static uint64_t
number_read(const char *directory, const char *name, uint64_t otherwise)
{
        char path[3 * PATH_BYTES], text[64];

        snprintf(path, sizeof path, "%s/%s", directory, name);
        if (!text_read(path, text, sizeof text) || text[0] < '0' || text[0] > '9')
                return otherwise;
        return strtoull(text, NULL, 10);
}

static uint64_t
cache_read(const struct hierarchy *h, const char *directory)
{
        char path[3 * PATH_BYTES], text[TEXT_BYTES];
        const char *line;

        snprintf(path, sizeof path, "%s/memory.stat", directory);
        if (!text_read(path, text, sizeof text))
                return 0;
        for (line = text; *line != '\0'; line = strchrnul(line, '\n'), line += *line == '\n') {
                if (strncmp(line, h->cache, strlen(h->cache)) == 0)
                        return strtoull(line + strlen(h->cache), NULL, 10);
        }
        return 0;
}

static uint64_t
level_headroom(const struct hierarchy *h, const char *directory)
{
        uint64_t limit = number_read(directory, h->limit, UINT64_MAX);
        uint64_t usage, cache;

        if (limit >= INT64_MAX / 4096 * 4096 - 4096) /* how version 1 says "max", give or take a page */
                return UINT64_MAX;
        usage = number_read(directory, h->usage, 0);
        cache = cache_read(h, directory);
        usage -= cache < usage ? cache : usage;
        return limit > usage ? limit - usage : 0;
}

static uint64_t
hierarchy_headroom(const struct hierarchy *h, const char *groups)
{
        char group[PATH_BYTES], directory[2 * PATH_BYTES];
        size_t root_length = strlen(h->root), mount_length = strlen(h->mount);
        uint64_t least = UINT64_MAX;
        const char *below = group;

        if (h->mount[0] == '\0' || !group_find(h, groups, group))
                return UINT64_MAX;
        /* In a container without a cgroup namespace the group is named from the host's root, the mount begins at
         * the container's: what they have in common goes. */
        if (strncmp(group, h->root, root_length) == 0)
                below += root_length;
        else
                below = "";
        snprintf(directory, sizeof directory, "%s%s", h->mount, below);
        for (;;) {
                uint64_t here = level_headroom(h, directory);
                char *slash = strrchr(directory, '/');

                least = here < least ? here : least;
                if (strlen(directory) <= mount_length || slash == NULL)
                        return least;
                *slash = '\0';
        }
}

uint64_t
wr_headroom_bytes(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        char groups[TEXT_BYTES];
        uint64_t least = UINT64_MAX;

        pthread_once(&once, mounts_find);
        if (!text_read("/proc/self/cgroup", groups, sizeof groups))
                return UINT64_MAX;
        for (size_t i = 0; i < HIERARCHY_COUNT; i++) {
                uint64_t here = hierarchy_headroom(&hierarchies[i], groups);

                least = here < least ? here : least;
        }
        return least;
}
