/* What file.h promises: whole or not at all, one editor at a time. Owners and links: file_linux_test.c; long and
 * foreign names: file_win32_test.c. */
#include "named-objects/file.h"

#include "tests/contract/actor.h"
#include "tests/contract/file_access.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sched.h>

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

#ifdef _WIN32
/* Somebody has it open for himself. */
static HANDLE hinderer;

static void
reading_hinder(void)
{
        hinderer = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
        cr_assert(hinderer != INVALID_HANDLE_VALUE);
}

static void
reading_free(void)
{
        CloseHandle(hinderer);
}

/* A pipe with nobody at its other end. */
static const char *
pipe_make(void)
{
        static const char pipe[] = "\\\\.\\pipe\\weir-no-file";

        cr_assert(CreateNamedPipeA(pipe, PIPE_ACCESS_DUPLEX, 0, 1, 64, 64, 0, NULL) != INVALID_HANDLE_VALUE);
        return pipe;
}
#else
#        include <unistd.h>

/* It is root's, and we are somebody else for a while. */
static void
reading_hinder(void)
{
        if (geteuid() != 0)
                cr_skip_test("only root can become somebody who may not read it");
        cr_assert(eq(int, chmod(path, 0600), 0));
        cr_assert(eq(int, chmod(directory, 0755), 0));
        cr_assert(eq(int, seteuid(4200), 0));
}

static void
reading_free(void)
{
        char *text;
        size_t size;

        cr_assert(eq(int, seteuid(0), 0));
        cr_assert(eq(int, chmod(directory, 0700), 0));
        cr_assert(eq(int, seteuid(4200), 0));
        cr_assert(eq(int, wr_file_read(path, 16, &text, &size, sentence, sizeof(sentence)), WEIR_EMPTY),
                  "in a directory that is closed whether it is there cannot be seen");
        cr_assert(eq(int, seteuid(0), 0));
}

/* A pipe with nobody at its other end. */
static const char *
pipe_make(void)
{
        cr_assert(eq(int, mkfifo(path, 0600), 0));
        return path;
}
#endif

TestSuite(file, .init = begin, .fini = end, .timeout = 30);

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

static enum weir_result
read_of(const char *at, char **text, size_t *size)
{
        sentence[0] = '\0';
        return wr_file_read(at, 16, text, size, sentence, sizeof(sentence));
}

Test(file, is_read_and_replaced_and_nothing_is_left_beside_it)
{
        struct wr_file file;
        uint32_t before;

        file_put(path, "old");
        before = actor_objects_now();
        file = opened(path);
        cr_assert(eq(str, file.text, "old"));
        cr_assert(eq(sz, file.size, 3));
        replaced(&file, "new text");
        replaced(&file, "newer");
        wr_file_close(&file);
        cr_assert(eq(u32, actor_objects_now(), before));
        cr_assert(eq(str, (char *)file_get(path), "newer"));
        cr_assert(eq(sz, folder_count(directory), 1));
}

Test(file, that_is_not_there_is_empty_and_made_with_its_directories)
{
        char nested[FOLDER_PATH_MAX + 64];
        struct wr_file file;

        snprintf(nested, sizeof(nested), "%s/.config/weir/file", directory);
        file = opened(nested);
        cr_assert(eq(sz, file.size, 0));
        cr_assert(eq(str, file.text, ""));
        replaced(&file, "x");
        wr_file_close(&file);
        cr_assert(eq(str, (char *)file_get(nested), "x"));
        cr_assert(file_access_own(nested));
        snprintf(nested, sizeof(nested), "%s/.config/weir/file/below", directory);
        cr_assert(eq(int, wr_file_open(&file, nested, 16, sentence, sizeof(sentence)), WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "weir") != NULL, "%s", sentence);
}

Test(file, that_is_too_large_is_refused)
{
        struct wr_file file;

        file_put(path, "0123456789abcdef");
        file = opened(path);
        cr_assert(eq(sz, file.size, 16));
        wr_file_close(&file);
        file_put(path, "0123456789abcdefg");
        cr_assert(eq(int, wr_file_open(&file, path, 16, sentence, sizeof(sentence)), WEIR_E_TOO_LARGE));
        cr_assert(strstr(sentence, "larger than 16 bytes") != NULL, "%s", sentence);
        cr_assert(eq(sz, folder_count(directory), 1), "the lock is gone");
}

Test(file, is_read_as_a_whole_or_not_at_all)
{
        char *text = NULL;
        size_t size = 0;

        file_put(path, "0123456789abcdef");
        cr_assert(eq(int, read_of(path, &text, &size), WEIR_OK), "%s", sentence);
        cr_assert(eq(sz, size, 16));
        cr_assert(eq(str, text, "0123456789abcdef"));
        free(text);
        file_put(path, "0123456789abcdefg");
        cr_assert(eq(int, read_of(path, &text, &size), WEIR_E_TOO_LARGE));
        cr_assert(text == NULL);
        cr_assert(strstr(sentence, "larger than 16 bytes") != NULL, "%s", sentence);
}

Test(file, that_is_not_there_or_a_directory_is_told_apart)
{
        char *text, below[FOLDER_PATH_MAX + 32];
        size_t size;

        cr_assert(eq(int, read_of(path, &text, &size), WEIR_EMPTY));
        file_put(path, "x");
        snprintf(below, sizeof(below), "%s/below", path);
        cr_assert(eq(int, read_of(below, &text, &size), WEIR_EMPTY));
        cr_assert(eq(int, read_of(directory, &text, &size), WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "it is no plain file") != NULL, "%s", sentence);
}

/* What takes its place meanwhile cannot be renamed over. */
Test(file, that_cannot_be_replaced_is_left_alone)
{
        struct wr_file file = opened(path);

        cr_assert(folder_create(path));
        cr_assert(eq(int, wr_file_replace(&file, "new", 3, sentence, sizeof(sentence)), WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "cannot be replaced") != NULL, "%s", sentence);
        wr_file_close(&file);
        cr_assert(eq(sz, folder_count(directory), 1), "what was half made is gone");
}

/* The second editor sees what the first wrote, because it waited. */
Test(file, is_edited_by_one_at_a_time)
{
        struct actor_page *page;
        struct wr_file file;
        struct actor actor;
        wr_object region;
        void *address;

        cr_assert(eq(int, wr_region_create(&region, "page", sizeof *page), WEIR_OK));
        cr_assert(eq(int, wr_region_allocate(region, sizeof *page), WEIR_OK));
        cr_assert(eq(int, wr_region_map(region, sizeof *page, true, &address), WEIR_OK));
        page = address;
        file_put(path, "0");
        file = opened(path);
        actor = actor_start("edit", path, &region, 1);
        while (wr_load32(&page->ready) == 0)
                sched_yield();
        replaced(&file, "1");
        wr_file_close(&file);
        cr_assert(eq(int, actor_wait(&actor), 0));
}

Test(file, keeps_the_access_that_it_had)
{
        struct wr_file file;

        file_put(path, "old");
        file_access_given(path);
        cr_assert(file_access_kept(path));
        file = opened(path);
        replaced(&file, "new");
        wr_file_close(&file);
        cr_assert(eq(str, (char *)file_get(path), "new"));
        cr_assert(file_access_kept(path));
}

Test(file, that_cannot_be_read_is_another_thing_than_none)
{
        char *text;
        size_t size;

        file_put(path, "x");
        reading_hinder();
        cr_assert(eq(int, read_of(path, &text, &size), WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "cannot be read") != NULL, "%s", sentence);
        reading_free();
        cr_assert(eq(int, read_of(path, &text, &size), WEIR_OK));
        free(text);
}

/* A pipe with nobody at its other end would not answer: the suite's deadline is what fails then. */
Test(file, that_is_no_plain_file_is_refused_without_waiting)
{
        const char *pipe = pipe_make();
        struct wr_file file;
        size_t size;
        char *text;

        cr_assert(eq(int, read_of(pipe, &text, &size), WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "it is no plain file") != NULL, "%s", sentence);
        cr_assert(eq(int, wr_file_open(&file, pipe, 16, sentence, sizeof(sentence)), WEIR_E_SYSTEM));
        cr_assert(eq(int, read_of(directory, &text, &size), WEIR_E_SYSTEM));
        cr_assert(strstr(sentence, "it is no plain file") != NULL, "%s", sentence);
}
