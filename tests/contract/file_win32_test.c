/* What file.h promises on Windows beyond what it promises everywhere: readers, long and foreign names.
 */
#include "named-objects/file.h"

#include "named-objects/path_win32.h"
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
