/*
 * Who may do what with a file, as its system writes it down:
 *
 *      file_access_given(path)     gives it an access that no new file has, and remembers it
 *      file_access_kept(path)      whether it still has that
 *      file_access_own(path)       whether a file that we made is for nobody whom its folder would not let in anyway
 */
#ifndef WR_TEST_FILE_ACCESS_H
#define WR_TEST_FILE_ACCESS_H

#include "tests/contract/folder.h"

#ifdef _WIN32
#        include "named-objects/rights/descriptor.h"
#        include "named-objects/user.h"

struct file_list {
        _Alignas(8) BYTE bytes[4096];
        struct wr_descriptor descriptor;
};

static inline void
file_list_read(const char *path, struct file_list *list)
{
        DWORD size;

        if (!GetFileSecurityA(path, DACL_SECURITY_INFORMATION, list->bytes, sizeof list->bytes, &size) ||
            !wr_descriptor_open(&list->descriptor, list->bytes, size, NULL))
                abort();
}

static inline bool
file_lists_equal(const struct file_list *a, const struct file_list *b)
{
        const struct wr_acl *one = &a->descriptor.dacl, *other = &b->descriptor.dacl;

        return one->count == other->count && one->size == other->size &&
               memcmp(one->bytes, other->bytes, one->size) == 0;
}

static struct file_list file_access;

/* For its owner alone, which new files are not: in a user's own folder they are the system's and the administrators',
 * too; under Wine they are for all to read. */
static inline void
file_access_given(const char *path)
{
        struct wr_sid user = wr_user_self();
        const struct wr_ace entry = { .type = WR_ACE_ALLOW, .mask = 0x1f01ff, .sid = user };
        static struct file_list made, given;
        struct wr_draft draft;

        file_list_read(path, &made);
        wr_draft_begin(&draft, given.bytes, sizeof given.bytes);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        wr_draft_ace(&draft, &entry);
        if (wr_draft_end(&draft) == 0 || !SetFileSecurityA(path, DACL_SECURITY_INFORMATION, given.bytes))
                abort();
        file_list_read(path, &file_access);
        if (file_lists_equal(&made, &file_access))
                abort(); /* this would show nothing */
}

static inline bool
file_access_kept(const char *path)
{
        static struct file_list now;

        file_list_read(path, &now);
        return file_lists_equal(&file_access, &now);
}

static inline bool
file_access_own(const char *path)
{
        static struct file_list now, plain;
        char beside[2 * FOLDER_PATH_MAX];

        snprintf(beside, sizeof beside, "%s-plain", path);
        file_put(beside, "");
        file_list_read(beside, &plain);
        file_list_read(path, &now);
        remove(beside);
        return file_lists_equal(&plain, &now);
}
#else
#        include <sys/stat.h>

enum { FILE_ACCESS_MODE = 0640 };

static inline mode_t
file_mode(const char *path)
{
        struct stat status;

        if (stat(path, &status) != 0)
                abort();
        return status.st_mode & 07777;
}

static inline void
file_access_given(const char *path)
{
        if (chmod(path, FILE_ACCESS_MODE) != 0)
                abort();
}

static inline bool
file_access_kept(const char *path)
{
        return file_mode(path) == FILE_ACCESS_MODE;
}

static inline bool
file_access_own(const char *path)
{
        return file_mode(path) == 0600;
}
#endif

#endif
