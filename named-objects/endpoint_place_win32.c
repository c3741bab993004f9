/* A pipe has no directory. The lock that decides who is the broker is a file in a directory of the user's own. */
#include "named-objects/endpoint_name_win32.h"

#include "bus/os/error.h"
#include "named-objects/path_win32.h"
#include "named-objects/rights/descriptor.h"
#include "named-objects/sentence.h"

#include <inttypes.h>
#include <string.h>

enum { LIST_BYTES = 512, OWNER_BYTES = 512, FILE_ALL = 0x1f01ff };

enum weir_result
wr_endpoint_place(const char *path, char *sentence, size_t room)
{
        wchar_t name[WR_ENDPOINT_NAME_MAX];

        return wr_endpoint_name(path, 0, name, sentence, room);
}

static enum weir_result
failed(const char *path, const char *what, char *sentence, size_t room)
{
        DWORD error = GetLastError();

        wr_sentence(sentence, room, "cannot %s the directory '%s': error %lu", what, path, error);
        return wr_os_error((int)error);
}

/* Our user may do all, and what is made in it inherits that; nobody else is named. */
static enum weir_result
make(const wchar_t *wide, const char *path, char *sentence, size_t room)
{
        union {
                SECURITY_DESCRIPTOR descriptor; /* for its alignment */
                BYTE bytes[LIST_BYTES];
        } list;
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, &list, FALSE };
        struct wr_ace all = { .type = WR_ACE_ALLOW,
                              .flags = WR_ACE_OBJECT_INHERIT | WR_ACE_CONTAINER_INHERIT,
                              .mask = FILE_ALL };
        struct wr_draft draft;

        if (!wr_endpoint_name_self(&all.sid))
                return failed(path, "find out whose user's is", sentence, room);
        wr_draft_begin(&draft, &list, sizeof list);
        wr_draft_owner(&draft, &all.sid);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        wr_draft_ace(&draft, &all);
        wr_draft_end(&draft);
        if (CreateDirectoryW(wide, &attributes) || GetLastError() == ERROR_ALREADY_EXISTS)
                return WEIR_OK;
        return failed(path, "make", sentence, room);
}

static bool
owner_is_trusted(const wchar_t *wide)
{
        union {
                SECURITY_DESCRIPTOR descriptor;
                BYTE bytes[OWNER_BYTES];
        } buffer;
        struct wr_sid self, owner;
        BOOL defaulted;
        PSID sid = NULL;
        DWORD size;

        return GetFileSecurityW(wide, OWNER_SECURITY_INFORMATION, &buffer.descriptor, sizeof buffer, &size) &&
               GetSecurityDescriptorOwner(&buffer.descriptor, &sid, &defaulted) && sid != NULL &&
               wr_sid_read(&owner, sid, GetLengthSid(sid)) > 0 && wr_endpoint_name_self(&self) &&
               wr_endpoint_name_trusted(&owner, &self);
}

enum weir_result
wr_endpoint_directory(const char *path, char *sentence, size_t room)
{
        wchar_t wide[WR_PATH_WIDE_MAX];
        enum weir_result result;
        DWORD attributes;

        if (path[0] == '\0' || !wr_path_wide(path, wide, WR_PATH_WIDE_MAX)) {
                wr_sentence(sentence, room, "'%s' is no name of a directory", path);
                return WEIR_E_USAGE;
        }
        result = make(wide, path, sentence, room);
        if (result < 0)
                return result;
        attributes = GetFileAttributesW(wide);
        if (attributes == INVALID_FILE_ATTRIBUTES)
                return failed(path, "look at", sentence, room);
        if ((attributes & FILE_ATTRIBUTE_DIRECTORY) == 0 || (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
                wr_sentence(sentence, room, "'%s' is %s, not a directory: remove it", path,
                            (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? "a link" : "a file");
                return WEIR_E_DENIED;
        }
        if (owner_is_trusted(wide))
                return WEIR_OK;
        wr_sentence(sentence, room, "the directory '%s' belongs to somebody else: remove it", path);
        return WEIR_E_DENIED;
}

/* What stands behind \\.\pipe\, as a file's name: a backslash would lead into another directory. */
static void
file_name(const char *path, char *name, size_t room)
{
        const char *from = path + strlen("\\\\.\\pipe\\"); /* wr_endpoint_place has looked */

        wr_sentence(name, room, "%s", from);
        for (char *at = name; *at; at++)
                if (strchr("\\/:*?\"<>|", *at) != NULL)
                        *at = '_';
}

enum weir_result
wr_endpoint_lock_path(const char *path, uint32_t generation, char *lock, size_t lock_room, char *sentence, size_t room)
{
        char base[4 * MAX_PATH], directory[sizeof base + sizeof "\\weir"], name[4 * WR_ENDPOINT_NAME_MAX];
        wchar_t wide[MAX_PATH];
        DWORD length = GetEnvironmentVariableW(L"LOCALAPPDATA", wide, MAX_PATH);
        enum weir_result result;

        lock[0] = '\0';
        if (length == 0 || length >= MAX_PATH ||
            WideCharToMultiByte(CP_UTF8, 0, wide, -1, base, sizeof base, NULL, NULL) <= 0) {
                wr_sentence(sentence, room,
                            "there is no %%LOCALAPPDATA%%, where the broker's lock would be: set it to a"
                            " directory of this user's");
                return WEIR_E_USAGE;
        }
        wr_sentence(directory, sizeof directory, "%s\\weir", base);
        result = wr_endpoint_directory(directory, sentence, room);
        if (result < 0)
                return result;
        file_name(path, name, sizeof name);
        wr_sentence(lock, lock_room, "%s\\%s.lock", directory, name);
        if (generation != 0)
                wr_sentence(lock, lock_room, "%s\\%s.lock.%" PRIu32, directory, name, generation);
        if (strlen(lock) + 1 < lock_room)
                return WEIR_OK;
        wr_sentence(sentence, room, "the name of the lock '%s' is too long", lock);
        return WEIR_E_TOO_LARGE;
}

enum weir_result
wr_endpoint_adopt(wr_object listener, char *path, size_t path_room, char *sentence, size_t room)
{
        (void)listener;
        if (path_room > 0)
                path[0] = '\0';
        wr_sentence(sentence, room, "a pipe cannot be passed to a broker on Windows: it makes its own");
        return WEIR_E_USAGE;
}
