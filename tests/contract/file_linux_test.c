/* What file.h promises on Linux beyond what it promises everywhere: owners, modes, links, pipes. */
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

static size_t
files_there(void)
{
        char command[128];
        size_t count = 0;
        FILE *list;

        snprintf(command, sizeof(command), "ls -A %s", directory);
        list = popen(command, "r");
        for (int c; (c = fgetc(list)) != EOF;)
                count += c == '\n';
        pclose(list);
        return count;
}

Test(file_linux, is_read_and_replaced_with_the_mode_that_it_had)
{
        struct stat status;
        struct wr_file file;

        put(path, "old");
        cr_assert(eq(int, chmod(path, 0640), 0));
        file = opened(path);
        cr_assert(eq(str, file.text, "old"));
        cr_assert(eq(sz, file.size, 3));
        replaced(&file, "new text");
        wr_file_close(&file);
        expect_text(path, "new text");
        cr_assert(eq(int, stat(path, &status), 0));
        cr_assert(eq(int, (int)(status.st_mode & 07777), 0640));
        cr_assert(eq(sz, files_there(), 1), "nothing is left beside it");
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

Test(file_linux, that_is_not_there_is_empty_and_made_for_its_owner_alone)
{
        char nested[128];
        struct stat status;
        struct wr_file file;

        snprintf(nested, sizeof(nested), "%s/.config/weir/file", directory);
        file = opened(nested);
        cr_assert(eq(sz, file.size, 0));
        cr_assert(eq(str, file.text, ""));
        replaced(&file, "x");
        wr_file_close(&file);
        expect_text(nested, "x");
        cr_assert(eq(int, stat(nested, &status), 0));
        cr_assert(eq(int, (int)(status.st_mode & 0777), 0600));
        snprintf(nested, sizeof(nested), "%s/.config/weir/file/below", directory);
        cr_assert(eq(int, wr_file_open(&file, nested, 16, sentence, sizeof(sentence)), WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "weir/file/below: cannot be found") != NULL, "%s", sentence);
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

static enum weir_result
read_of(const char *at, char **text, size_t *size)
{
        sentence[0] = '\0';
        return wr_file_read(at, 16, text, size, sentence, sizeof(sentence));
}

Test(file_linux, that_is_not_there_is_another_thing_than_one_that_cannot_be_read)
{
        char *text, below[128];
        size_t size;

        cr_assert(eq(int, read_of(path, &text, &size), WEIR_EMPTY));
        put(path, "x");
        snprintf(below, sizeof(below), "%s/below", path);
        cr_assert(eq(int, read_of(below, &text, &size), WEIR_EMPTY));
        if (geteuid() != 0)
                cr_skip_test("only root can become somebody who may not read it");
        cr_assert(eq(int, chmod(path, 0600), 0));
        cr_assert(eq(int, chmod(directory, 0755), 0));
        cr_assert(eq(int, seteuid(4200), 0));
        cr_assert(eq(int, read_of(path, &text, &size), WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "cannot be read: Permission denied") != NULL, "%s", sentence);
        cr_assert(eq(int, seteuid(0), 0));
        cr_assert(eq(int, chmod(directory, 0700), 0));
        cr_assert(eq(int, seteuid(4200), 0));
        cr_assert(eq(int, read_of(path, &text, &size), WEIR_EMPTY), "whether it is there cannot be seen");
        cr_assert(eq(int, seteuid(0), 0));
}

/* A pipe with nobody at its other end would not answer: the suite's deadline is what fails then. */
Test(file_linux, that_is_no_plain_file_is_refused_without_waiting)
{
        struct wr_file file;
        size_t size;
        char *text;

        cr_assert(eq(int, mkfifo(path, 0600), 0));
        cr_assert(eq(int, read_of(path, &text, &size), WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "it is no plain file") != NULL, "%s", sentence);
        cr_assert(eq(int, wr_file_open(&file, path, 16, sentence, sizeof(sentence)), WEIR_E_SYSTEM));
        cr_assert(eq(int, read_of(directory, &text, &size), WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "it is no plain file") != NULL, "%s", sentence);
}
