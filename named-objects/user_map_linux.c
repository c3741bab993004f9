#include "named-objects/user_map_linux.h"

#include <stdio.h>

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
