/* A folder of a test's own, and the little about files that both systems have under other names. */
#ifndef WR_TEST_FOLDER_H
#define WR_TEST_FOLDER_H

#include "named-objects/random.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#        include "tests/contract/folder_win32.h"
#else
#        include "tests/contract/folder_linux.h"
#endif

enum { FOLDER_PATH_MAX = 512 };

static inline void
folder_make(char path[FOLDER_PATH_MAX])
{
        snprintf(path, FOLDER_PATH_MAX, "%.400s/weir-test-%016" PRIx64, folder_temporary(), wr_random());
        if (!folder_create(path)) {
                fprintf(stderr, "%s cannot be made\n", path);
                abort();
        }
}

static inline void
file_put(const char *path, const char *text)
{
        FILE *file = fopen(path, "wb");

        if (!file || fputs(text, file) < 0 || fclose(file) != 0)
                abort();
}

/* "?" where there is none. Short ones only. */
static inline const char *
file_get(const char *path)
{
        static char found[64];
        FILE *file = fopen(path, "rb");

        strcpy(found, "?");
        if (!file)
                return found;
        found[fread(found, 1, sizeof found - 1, file)] = '\0';
        fclose(file);
        return found;
}

/* How many names are in it. */
static inline size_t
folder_count(const char *path)
{
        struct folder_list list;
        const char *name;
        size_t count = 0;

        folder_list_open(&list, path);
        while ((name = folder_list_next(&list)) != NULL)
                count += strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
        folder_list_close(&list);
        return count;
}

/* With all that is in it. */
static inline void
folder_remove(const char *path)
{
        struct folder_list list;
        const char *name;
        char below[2 * FOLDER_PATH_MAX];

        folder_list_open(&list, path);
        while ((name = folder_list_next(&list)) != NULL) {
                if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                        continue;
                snprintf(below, sizeof below, "%.500s/%.500s", path, name);
                if (remove(below) != 0)
                        folder_remove(below);
        }
        folder_list_close(&list);
        folder_delete(path);
}

#endif
