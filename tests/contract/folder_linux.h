/* Included by folder.h alone. */
#ifndef WR_TEST_FOLDER_LINUX_H
#define WR_TEST_FOLDER_LINUX_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder_list {
        DIR *list;
};

static inline const char *
folder_temporary(void)
{
        return "/tmp";
}

static inline bool
folder_create(const char *path)
{
        return mkdir(path, 0700) == 0;
}

static inline void
folder_delete(const char *path)
{
        rmdir(path);
}

static inline bool
file_is_there(const char *path)
{
        return access(path, F_OK) == 0;
}

static inline void
folder_list_open(struct folder_list *list, const char *path)
{
        list->list = opendir(path);
}

static inline const char *
folder_list_next(struct folder_list *list)
{
        const struct dirent *found = list->list ? readdir(list->list) : NULL;

        return found ? found->d_name : NULL;
}

static inline void
folder_list_close(struct folder_list *list)
{
        if (list->list)
                closedir(list->list);
}

#endif
