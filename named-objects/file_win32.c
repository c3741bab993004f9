/*
 * A new file beside the old one, written, flushed, renamed over it, so that the name leads to one of the two whatever
 * happens. Its list of access is a copy of the old one's, or what the directory gives to new files.
 *
 * The lock is a file NAME.lock that is opened for nobody else beside, and goes when it is closed, by a death too. Who
 * finds it open looks again each few milliseconds, since the system lets nobody wait for an open: edits are rare and
 * short.
 */
#include "named-objects/file.h"

#include "named-objects/path_win32.h"
#include "named-objects/random.h"
#include "named-objects/sentence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum {
        AGAIN_MS = 10,
        DENIED_MAX = 100, /* looks at a lock, or tries to rename, that may be refused because it is going just now */
        SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
        LIST_MAX = 65536 + 512,
        TEXT_MAX = 256
};

/* What the system says of its last error, in English where it has that, else in its own language. */
static enum weir_result
fail(const char *path, const char *what, char *sentence, size_t room)
{
        DWORD error = GetLastError(), flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
        wchar_t wide[TEXT_MAX];
        char text[3 * TEXT_MAX] = "";
        DWORD length =
                FormatMessageW(flags, NULL, error, MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), wide, TEXT_MAX, NULL);

        if (length == 0)
                length = FormatMessageW(flags, NULL, error, 0, wide, TEXT_MAX, NULL);
        while (length > 0 && (wide[length - 1] < L' ' || wide[length - 1] == L'.'))
                length--;
        if (length > 0)
                text[WideCharToMultiByte(CP_UTF8, 0, wide, (int)length, text, sizeof text - 1, NULL, NULL)] = '\0';
        wr_sentence(sentence, room, "%s: %s: %s (error %lu)", path, what, text, error);
        return WEIR_E_SYSTEM;
}

static bool
wide_of(const char *path, wchar_t *wide, char *sentence, size_t room)
{
        if (path[0] != '\0' && wr_path_wide(path, wide, WR_PATH_WIDE_MAX))
                return true;
        wr_sentence(sentence, room, "'%.300s' is no path: it is empty, too long or no UTF-8", path);
        return false;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* ANONYMOUS: what hides behind the name may be somebody's pipe, which is not to act for us. */
static HANDLE
plain_file(const wchar_t *wide)
{
        return CreateFileW(wide, GENERIC_READ, SHARE_ALL, NULL, OPEN_EXISTING,
                           FILE_FLAG_BACKUP_SEMANTICS | SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
}

static bool
is_plain(HANDLE file)
{
        BY_HANDLE_FILE_INFORMATION status;

        return GetFileType(file) == FILE_TYPE_DISK && GetFileInformationByHandle(file, &status) &&
               (status.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

/* WEIR_EMPTY: there is none. A file that is there and cannot be read is another thing than none. */
static enum weir_result
plain_open(const char *path, HANDLE *file, char *sentence, size_t room)
{
        wchar_t wide[WR_PATH_WIDE_MAX];

        if (!wide_of(path, wide, sentence, room))
                return WEIR_E_SYSTEM;
        *file = plain_file(wide);
        if (*file == INVALID_HANDLE_VALUE) {
                DWORD error = GetLastError();

                fail(path, "cannot be read", sentence, room);
                if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
                        return WEIR_EMPTY;
                return error == ERROR_ACCESS_DENIED && GetFileAttributesW(wide) == INVALID_FILE_ATTRIBUTES
                               ? WEIR_EMPTY
                               : WEIR_E_SYSTEM;
        }
        if (is_plain(*file))
                return WEIR_OK;
        wr_sentence(sentence, room, "%s: cannot be read: it is no plain file", path);
        CloseHandle(*file);
        return WEIR_E_SYSTEM;
}

/* Reads one byte more than there may be, to see that there is none. */
static bool
read_all(HANDLE file, char *text, size_t most, size_t *size)
{
        DWORD got = 1;

        *size = 0;
        while (got != 0 && *size <= most) {
                size_t left = most + 1 - *size;

                if (!ReadFile(file, text + *size, left < INT32_MAX ? (DWORD)left : INT32_MAX, &got, NULL))
                        return false;
                *size += got;
        }
        return true;
}

enum weir_result
wr_file_read(const char *path, size_t most, char **text, size_t *size, char *sentence, size_t room)
{
        enum weir_result result;
        HANDLE file;

        *text = NULL;
        result = plain_open(path, &file, sentence, room);
        if (result != WEIR_OK)
                return result;
        *text = malloc(most + 2);
        if (*text == NULL) {
                wr_sentence(sentence, room, "%s: no memory", path);
                result = WEIR_E_NO_MEMORY;
        } else if (!read_all(file, *text, most, size)) {
                result = fail(path, "cannot be read", sentence, room);
        } else if (*size > most) {
                wr_sentence(sentence, room, "%s: larger than %zu bytes", path, most);
                result = WEIR_E_TOO_LARGE;
        }
        CloseHandle(file);
        if (result == WEIR_OK) {
                (*text)[*size] = '\0';
                return WEIR_OK;
        }
        free(*text);
        *text = NULL;
        return result;
}

/* ---- the place of the file, and its lock ----------------------------------------------------------------------- */

/* As people write it: without the prefix of long paths. */
static bool
path_utf8(const wchar_t *wide, char *path, size_t room)
{
        static const wchar_t prefix[] = L"\\\\?\\", share[] = L"\\\\?\\UNC\\";

        if (wcsncmp(wide, share, wcslen(share)) == 0) {
                path[0] = '\\'; /* \\server\share */
                return WideCharToMultiByte(CP_UTF8, 0, wide + wcslen(share) - 1, -1, path + 1, (int)room - 1, NULL,
                                           NULL) > 0;
        }
        if (wcsncmp(wide, prefix, wcslen(prefix)) == 0)
                wide += wcslen(prefix);
        return WideCharToMultiByte(CP_UTF8, 0, wide, -1, path, (int)room, NULL, NULL) > 0;
}

/* Where an open file is in truth. Not every file system can tell; then it is where it was found. */
static enum weir_result
place_of(HANDLE found, const char *path, wchar_t *wide, char *sentence, size_t room)
{
        wchar_t real[WR_PATH_WIDE_MAX];
        DWORD length;

        if (GetFileType(found) != FILE_TYPE_DISK) {
                wr_sentence(sentence, room, "%s: cannot be found: it is no plain file", path);
                return WEIR_E_SYSTEM;
        }
        length = GetFinalPathNameByHandleW(found, real, WR_PATH_WIDE_MAX, FILE_NAME_NORMALIZED);
        if (length > 0 && length < WR_PATH_WIDE_MAX)
                wcscpy(wide, real);
        return WEIR_OK;
}

/* Links resolved; of one that is not there yet, where it will be. */
static enum weir_result
path_resolve(struct wr_file *file, const char *path, char *sentence, size_t room)
{
        wchar_t wide[WR_PATH_WIDE_MAX];
        enum weir_result result = WEIR_OK;
        HANDLE found;

        if (!wide_of(path, wide, sentence, room))
                return WEIR_E_USAGE;
        found = CreateFileW(wide, FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
                            FILE_FLAG_BACKUP_SEMANTICS | SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
        if (found != INVALID_HANDLE_VALUE) {
                result = place_of(found, path, wide, sentence, room);
                CloseHandle(found);
        } else if (GetLastError() != ERROR_FILE_NOT_FOUND && GetLastError() != ERROR_PATH_NOT_FOUND) {
                result = fail(path, "cannot be found", sentence, room);
        }
        if (result == WEIR_OK && !path_utf8(wide, file->path, sizeof file->path - 32)) {
                wr_sentence(sentence, room, "the file's path is too long");
                result = WEIR_E_USAGE;
        }
        return result;
}

/* All directories on the way to it. */
static enum weir_result
directories_make(const char *path, char *sentence, size_t room)
{
        char directory[WR_FILE_PATH_MAX];
        wchar_t wide[WR_PATH_WIDE_MAX];
        size_t length = strlen(path);

        for (size_t at = strlen("C:\\"); at < length; at++) {
                bool is_last = strpbrk(path + at + 1, "\\/") == NULL;

                if (path[at] != '\\' && path[at] != '/')
                        continue;
                memcpy(directory, path, at);
                directory[at] = '\0';
                if (!wide_of(directory, wide, sentence, room))
                        return WEIR_E_USAGE;
                /* Those above may not be ours to make, and be there. */
                if (!CreateDirectoryW(wide, NULL) && is_last && GetLastError() != ERROR_ALREADY_EXISTS)
                        return fail(directory, "the directory cannot be made", sentence, room);
        }
        return WEIR_OK;
}

static enum weir_result
lock_take(struct wr_file *file, char *sentence, size_t room)
{
        char lock[WR_FILE_PATH_MAX + 8];
        wchar_t wide[WR_PATH_WIDE_MAX];
        HANDLE taken;

        wr_sentence(lock, sizeof lock, "%s.lock", file->path);
        if (!wide_of(lock, wide, sentence, room))
                return WEIR_E_USAGE;
        for (int denied = 0;;) {
                taken = CreateFileW(wide, GENERIC_WRITE | DELETE, 0, NULL, OPEN_ALWAYS,
                                    FILE_ATTRIBUTE_HIDDEN | FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_OPEN_REPARSE_POINT,
                                    NULL);
                if (taken != INVALID_HANDLE_VALUE) {
                        file->directory = taken;
                        return WEIR_OK;
                }
                if (GetLastError() == ERROR_ACCESS_DENIED ? ++denied > DENIED_MAX
                                                          : GetLastError() != ERROR_SHARING_VIOLATION)
                        return fail(lock, "the lock cannot be taken", sentence, room);
                Sleep(AGAIN_MS);
        }
}

enum weir_result
wr_file_open(struct wr_file *file, const char *path, size_t most, char *sentence, size_t room)
{
        enum weir_result result;

        *file = (struct wr_file){ .directory = WR_NO_OBJECT };
        if (strlen(path) + 32 > sizeof file->path) {
                wr_sentence(sentence, room, "the file's path is too long");
                return WEIR_E_USAGE;
        }
        result = path_resolve(file, path, sentence, room);
        if (result == WEIR_OK)
                result = directories_make(file->path, sentence, room);
        if (result == WEIR_OK)
                result = lock_take(file, sentence, room);
        if (result == WEIR_OK)
                result = wr_file_read(file->path, most, &file->text, &file->size, sentence, room);
        if (result == WEIR_EMPTY) {
                file->text = calloc(1, 1);
                wr_sentence(sentence, room, "%s: no memory", file->path);
                result = file->text != NULL ? WEIR_OK : WEIR_E_NO_MEMORY;
        }
        if (result < 0)
                wr_file_close(file);
        return result;
}

/* ---- replacing ------------------------------------------------------------------------------------------------- */

static bool
write_all(HANDLE file, const char *text, size_t size)
{
        while (size > 0) {
                DWORD done;

                if (!WriteFile(file, text, size < INT32_MAX ? (DWORD)size : INT32_MAX, &done, NULL))
                        return false;
                text += done;
                size -= done;
        }
        return FlushFileBuffers(file);
}

/* Dressed as the file that it replaces. NULL: there is none, or the system does not tell. */
static SECURITY_DESCRIPTOR *
list_of(const wchar_t *path)
{
        SECURITY_DESCRIPTOR *list = malloc(LIST_MAX);
        DWORD needed;

        if (list != NULL && GetFileSecurityW(path, DACL_SECURITY_INFORMATION, list, LIST_MAX, &needed))
                return list;
        free(list);
        return NULL;
}

/* A reader that has it open at this moment is gone in the next one. */
static bool
rename_over(const wchar_t *made, const wchar_t *path)
{
        for (int tries = 0; !MoveFileExW(made, path, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH); tries++) {
                DWORD error = GetLastError();

                if ((error != ERROR_ACCESS_DENIED && error != ERROR_SHARING_VIOLATION) || tries == DENIED_MAX ||
                    (GetFileAttributesW(path) & FILE_ATTRIBUTE_DIRECTORY) != 0) {
                        SetLastError(error);
                        return false;
                }
                Sleep(AGAIN_MS);
        }
        return true;
}

static enum weir_result
replace(const char *path, const wchar_t *wide, const char *made, const char *text, size_t size, char *sentence,
        size_t room)
{
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, NULL, FALSE };
        DWORD old = GetFileAttributesW(wide), error;
        wchar_t made_wide[WR_PATH_WIDE_MAX];
        HANDLE file;
        bool is_done;

        if (!wide_of(made, made_wide, sentence, room))
                return WEIR_E_SYSTEM;
        attributes.lpSecurityDescriptor = list_of(wide);
        file = CreateFileW(made_wide, GENERIC_WRITE, 0, &attributes, CREATE_NEW,
                           old == INVALID_FILE_ATTRIBUTES ? FILE_ATTRIBUTE_NORMAL : old, NULL);
        error = GetLastError();
        free(attributes.lpSecurityDescriptor);
        SetLastError(error);
        if (file == INVALID_HANDLE_VALUE)
                return fail(made, "cannot be written", sentence, room);
        is_done = write_all(file, text, size);
        error = GetLastError();
        CloseHandle(file);
        SetLastError(error);
        if (is_done && rename_over(made_wide, wide))
                return WEIR_OK;
        fail(path, "cannot be replaced", sentence, room);
        DeleteFileW(made_wide);
        return WEIR_E_SYSTEM;
}

enum weir_result
wr_file_replace(struct wr_file *file, const char *text, size_t size, char *sentence, size_t room)
{
        char made[WR_FILE_PATH_MAX + 32];
        wchar_t wide[WR_PATH_WIDE_MAX];

        wr_sentence(made, sizeof made, "%s.%016" PRIx64, file->path, wr_random());
        if (!wide_of(file->path, wide, sentence, room))
                return WEIR_E_SYSTEM;
        return replace(file->path, wide, made, text, size, sentence, room);
}

void
wr_file_close(struct wr_file *file)
{
        if (file->directory != WR_NO_OBJECT)
                CloseHandle(file->directory);
        free(file->text);
        *file = (struct wr_file){ .directory = WR_NO_OBJECT };
}
