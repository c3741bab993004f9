/* What file.h promises on Windows beyond what it promises everywhere: lists of access, readers, long and foreign names.
 */
#include "named-objects/file.h"

#include "named-objects/path_win32.h"
#include "named-objects/rights/descriptor.h"
#include "named-objects/user.h"
#include "tests/contract/folder.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static char directory[FOLDER_PATH_MAX], path[FOLDER_PATH_MAX + 16], sentence[1024];

static void
begin(void)
{
        folder_make(directory);
        snprintf(path, sizeof(path), "%s/file", directory);
}

static void
end(void)
{
        folder_remove(directory);
}

TestSuite(file_win32, .init = begin, .fini = end, .timeout = 30);

enum { LIST_BYTES = 4096 };

static void
edit(const char *at, const char *old, const char *new)
{
        struct wr_file file;

        cr_assert(eq(int, wr_file_open(&file, at, 64, sentence, sizeof(sentence)), WEIR_OK), "%s", sentence);
        cr_assert(eq(str, file.text, (char *)(uintptr_t)old));
        cr_assert(eq(int, wr_file_replace(&file, new, strlen(new), sentence, sizeof(sentence)), WEIR_OK), "%s",
                  sentence);
        wr_file_close(&file);
}

struct list {
        _Alignas(8) BYTE bytes[LIST_BYTES];
        struct wr_descriptor descriptor;
};

static void
list_read(const char *at, struct list *list)
{
        DWORD size;

        cr_assert(GetFileSecurityA(at, DACL_SECURITY_INFORMATION, list->bytes, sizeof list->bytes, &size));
        cr_assert(wr_descriptor_open(&list->descriptor, list->bytes, size, NULL));
}

static bool
lists_equal(const struct list *a, const struct list *b)
{
        const struct wr_acl *one = &a->descriptor.dacl, *other = &b->descriptor.dacl;

        return one->count == other->count && one->size == other->size &&
               memcmp(one->bytes, other->bytes, one->size) == 0;
}

/* For its owner alone, which new files are not: in a user's own folder they are the system's and the administrators',
 * too; under Wine they are for all to read. */
Test(file_win32, keeps_its_list_of_access)
{
        struct list made, given, before, after;
        struct wr_sid user = wr_user_self();
        const struct wr_ace entry = { .type = WR_ACE_ALLOW, .mask = 0x1f01ff, .sid = user };
        struct wr_draft draft;

        file_put(path, "old");
        list_read(path, &made);
        wr_draft_begin(&draft, given.bytes, sizeof given.bytes);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        wr_draft_ace(&draft, &entry);
        cr_assert(gt(sz, wr_draft_end(&draft), 0));
        cr_assert(SetFileSecurityA(path, DACL_SECURITY_INFORMATION, given.bytes));
        list_read(path, &before);
        cr_assert_not(lists_equal(&made, &before), "else this would show nothing");
        edit(path, "old", "new");
        list_read(path, &after);
        cr_assert(lists_equal(&before, &after));
}

/* A reader has the old text, and the next one the new. */
Test(file_win32, is_replaced_beside_a_reader_that_is_done_soon)
{
        HANDLE reader;

        file_put(path, "old");
        reader = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                             OPEN_EXISTING, 0, NULL);
        cr_assert(reader != INVALID_HANDLE_VALUE);
        CloseHandle(reader);
        edit(path, "old", "new");
        cr_assert(eq(str, (char *)file_get(path), "new"));
}

Test(file_win32, has_a_name_in_any_script_and_of_any_length)
{
        char longer[WR_FILE_PATH_MAX];
        int used = snprintf(longer, sizeof longer, "%s", directory);

        for (int i = 0; i < 8; i++)
                used += snprintf(longer + used, sizeof longer - (size_t)used,
                                 "/Gr\xc3\xbc\xc3\x9f"
                                 "e-\xe6\x97\xa5\xe6\x9c\xac-0123456789012345678901234567890");
        snprintf(longer + used, sizeof longer - (size_t)used, "/datei-\xf0\x9f\x90\x9f");
        cr_assert(gt(sz, strlen(longer), MAX_PATH));
        edit(longer, "", "first");
        edit(longer, "first", "second");
        longer[strlen(longer) - 1] = '\xff';
        cr_assert(eq(int, wr_file_open(&(struct wr_file){ 0 }, longer, 64, sentence, sizeof(sentence)), WEIR_E_USAGE));
        cr_assert(strstr(sentence, "UTF-8") != NULL, "%s", sentence);
}

Test(file_win32, is_not_somebody_s_pipe)
{
        HANDLE pipe = CreateNamedPipeA("\\\\.\\pipe\\weir-no-file", PIPE_ACCESS_DUPLEX, 0, 1, 64, 64, 0, NULL);
        char *text;
        size_t size;

        cr_assert(pipe != INVALID_HANDLE_VALUE);
        cr_assert(eq(int, wr_file_read("\\\\.\\pipe\\weir-no-file", 64, &text, &size, sentence, sizeof(sentence)),
                     WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "it is no plain file") != NULL, "%s", sentence);
        CloseHandle(pipe);
}
