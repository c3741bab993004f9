/*
 * The policy file edited by whole processes: whatever they do at the same time, and wherever one of them is killed, the
 * file is a policy that one of them wrote. file.h's own promises have their tests in contract/file_test.c.
 */
#include "tests/unit/rights_edit_kit.h"

#include <sched.h>

enum { EDITORS = 8, EACH = 10, KILLS = 40, KILLED_MAX = 6 /* 256 entries are all that a list may have */ };

TestSuite(rights_edit, .init = begin, .fini = end, .timeout = 100);

/* What an editor is told: lets these users in, one after the other. */
struct task {
        char path[FOLDER_PATH_MAX + 16];
        unsigned first, count;
};

static void
play_editor(int line)
{
        struct task task;

        kit_read(line, &task, sizeof(task));
        for (unsigned i = 0; i < task.count; i++)
                kit_must(allow(task.path, task.first + i) == WEIR_OK);
}

static struct kit_child
editor(unsigned first, unsigned count)
{
        struct kit_child child = kit_start(play_editor);
        struct task task = { .first = first, .count = count };

        strcpy(task.path, path);
        kit_write(child.line, &task, sizeof(task));
        return child;
}

/* None overwrites what another wrote, and who reads meanwhile reads a whole policy. */
Test(rights_edit, editors_at_the_same_time_lose_nothing)
{
        struct kit_child editors[EDITORS];

        for (unsigned i = 0; i < EDITORS; i++)
                editors[i] = editor(100 + i * EACH, EACH);
        for (unsigned i = 0; i < EDITORS; i++) {
                while (!kit_has_ended(&editors[i]))
                        cr_assert(may(1));
                cr_assert(eq(int, kit_end(&editors[i]), 0));
        }
        for (unsigned user = 100; user < 100 + EDITORS * EACH; user++)
                cr_assert(may(user), "user:%u was let in", user);
        cr_assert(strncmp(text_now(path), before, strlen(before) - strlen("] # the first\n")) == 0, "%s",
                  text_now(path));
        cr_assert(strstr(text_now(path), "] # the first\n") != NULL);
        cr_assert(eq(sz, folder_count(directory), 1));
}

/* Killed at any instruction: each edit is there or not, and the next editor waits for nobody. */
Test(rights_edit, an_editor_that_is_killed_leaves_a_policy)
{
        uint64_t seed = wr_random();

        cr_log_info("seed %" PRIu64, seed);
        file_access_given(path);
        for (unsigned i = 0; i < KILLS; i++) {
                unsigned first = 100 + i * KILLED_MAX;
                struct kit_child child = editor(first, KILLED_MAX);
                bool was_there = true;

                seed = seed * 6364136223846793005 + 1442695040888963407;
                usleep((unsigned)(seed >> 33) % KIT_BEGINS_US);
                kit_kill(&child);
                cr_assert(may(1));
                for (unsigned user = first; user < first + KILLED_MAX; user++) {
                        cr_assert(was_there || !may(user), "one after the other");
                        was_there = may(user);
                }
        }
        cr_assert(eq(int, allow(path, 99), WEIR_OK), "%s", weir_rights_error());
        cr_assert(may(99));
        cr_assert(file_access_kept(path));
}

Test(rights_edit, what_is_refused_leaves_every_byte)
{
        char *large;

        file_put(path, "[topic.\"t\"]\nsubscribe = [\"user:1\"\n");
        cr_assert(eq(int, allow(path, 7), WEIR_E_USAGE));
        cr_assert(strstr(weir_rights_error(), "policy.conf:3:1: expected ',' or ']'") != NULL, "%s",
                  weir_rights_error());
        cr_assert(eq(str, text_now(path), "[topic.\"t\"]\nsubscribe = [\"user:1\"\n"));
        large = malloc((1 << 20) + 2);
        memset(large, '#', (1 << 20) + 1);
        large[(1 << 20) + 1] = '\0';
        file_put(path, large);
        free(large);
        cr_assert(eq(int, allow(path, 7), WEIR_E_TOO_LARGE));
        cr_assert(strstr(weir_rights_error(), "larger than 1048576 bytes") != NULL, "%s", weir_rights_error());
}
