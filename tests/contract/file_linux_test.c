/* What file.h promises on Linux beyond what it promises everywhere: owners, links, directories. */
#include "named-objects/file.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64], path[96], sentence[512];

static void
begin(void)
{
        snprintf(directory, sizeof(directory), "/tmp/weir-file-XXXXXX");
        cr_assert(mkdtemp(directory) != NULL);
        snprintf(path, sizeof(path), "%s/file", directory);
}

static void
end(void)
{
        char command[128];

        snprintf(command, sizeof(command), "rm -rf %s", directory);
        cr_assert(eq(int, system(command), 0));
}

TestSuite(file_linux, .init = begin, .fini = end, .timeout = 30);

static void
put(const char *at, const char *text)
{
        FILE *file = fopen(at, "w");

        cr_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void
expect_text(const char *at, const char *text)
{
        char found[64] = "";
        FILE *file = fopen(at, "r");

        cr_assert(file != NULL);
        found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
        fclose(file);
        cr_assert(eq(str, found, (char *)text));
}

static struct wr_file
opened(const char *at)
{
        struct wr_file file;

        cr_assert(eq(int, wr_file_open(&file, at, 16, sentence, sizeof(sentence)), WEIR_OK), "%s", sentence);
        return file;
}

static void
replaced(struct wr_file *file, const char *text)
{
        cr_assert(eq(int, wr_file_replace(file, text, strlen(text), sentence, sizeof(sentence)), WEIR_OK), "%s",
                  sentence);
}

Test(file_linux, of_another_owner_stays_the_owners)
{
        struct stat status;
        struct wr_file file;

        if (geteuid() != 0)
                cr_skip_test("only root can give files away");
        put(path, "old");
        cr_assert(eq(int, chown(path, 4200, 4300), 0));
        file = opened(path);
        replaced(&file, "new");
        wr_file_close(&file);
        cr_assert(eq(int, stat(path, &status), 0));
        cr_assert(eq(int, (int)status.st_uid, 4200));
        cr_assert(eq(int, (int)status.st_gid, 4300));
}

Test(file_linux, behind_a_symbolic_link_is_the_one_that_is_replaced)
{
        char link[96];
        struct stat status;
        struct wr_file file;

        put(path, "old");
        snprintf(link, sizeof(link), "%s/link", directory);
        cr_assert(eq(int, symlink("file", link), 0));
        file = opened(link);
        replaced(&file, "new");
        wr_file_close(&file);
        expect_text(path, "new");
        cr_assert(eq(int, lstat(link, &status), 0));
        cr_assert(eq(int, (int)(status.st_mode & S_IFMT), S_IFLNK));
}

Test(file_linux, that_cannot_be_written_stays_what_it_was)
{
        struct wr_file file;
        char away[96];

        put(path, "old");
        file = opened(path);
        snprintf(away, sizeof(away), "%s.away", directory);
        cr_assert(eq(int, rename(directory, away), 0));
        cr_assert(eq(int, wr_file_replace(&file, "new", 3, sentence, sizeof(sentence)), WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "cannot be written") != NULL, "%s", sentence);
        wr_file_close(&file);
        cr_assert(eq(int, rename(away, directory), 0));
        expect_text(path, "old");
}
