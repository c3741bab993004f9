/* Included by folder.h alone. */
#ifndef WR_TEST_FOLDER_WIN32_H
#define WR_TEST_FOLDER_WIN32_H

#include <direct.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

struct folder_list {
        HANDLE list;
        WIN32_FIND_DATAA found;
        bool is_first;
};

static inline const char *
folder_temporary(void)
{
        const char *temporary = getenv("TEMP");

        return temporary ? temporary : ".";
}

static inline bool
folder_create(const char *path)
{
        return CreateDirectoryA(path, NULL);
}

static inline void
folder_delete(const char *path)
{
        _rmdir(path);
}

static inline bool
file_is_there(const char *path)
{
        return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES;
}

static inline void
folder_list_open(struct folder_list *list, const char *path)
{
        char pattern[1024];

        snprintf(pattern, sizeof pattern, "%s/*", path);
        list->list = FindFirstFileA(pattern, &list->found);
        list->is_first = true;
}

static inline const char *
folder_list_next(struct folder_list *list)
{
        bool more = list->list != INVALID_HANDLE_VALUE && (list->is_first || FindNextFileA(list->list, &list->found));

        list->is_first = false;
        return more ? list->found.cFileName : NULL;
}

static inline void
folder_list_close(struct folder_list *list)
{
        FindClose(list->list);
}

#endif
