/*
 * The policy file edited by whole processes: whatever they do at the same time, and wherever one of them is killed, the
 * file is a policy that one of them wrote. file.h's own promises have their tests in contract/file_test.c.
 */
#include "broker/policy.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/rights.h>

enum { OWN = 4200, EDITORS = 8, EACH = 10, KILLS = 40, KILLED_MAX = 6 /* 256 entries are all that a list may have */ };

static const char before[] = "# mine\n\n[topic.\"t\"]   # and this\nsubscribe = [\"user:1\"] # the first\n";
static char directory[64], path[96];

static void
put(const char *at, const char *text)
{
        FILE *file = fopen(at, "w");

        cr_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void
begin(void)
{
        snprintf(directory, sizeof(directory), "/tmp/weir-edit-XXXXXX");
        cr_assert(mkdtemp(directory) != NULL);
        snprintf(path, sizeof(path), "%s/policy.conf", directory);
        put(path, before);
}

static void
end(void)
{
        char command[128];

        snprintf(command, sizeof(command), "rm -rf %s", directory);
        cr_assert(eq(int, system(command), 0));
}

TestSuite(rights_edit, .init = begin, .fini = end, .timeout = 100);

static char *
text_now(const char *at)
{
        static char text[65536];
        FILE *file = fopen(at, "r");

        cr_assert(file != NULL);
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        fclose(file);
        return text;
}

static enum weir_result
allow(const char *at, unsigned user)
{
        char principal[32];

        snprintf(principal, sizeof(principal), "user:%u", user);
        return weir_policy_edit(at, 1, "t", principal, WEIR_MAY_SUBSCRIBE, NULL);
}

static bool
may(unsigned user)
{
        struct wr_identity identity = { .trust = WR_TRUST_FULL, .user = wr_sid_of_uid(user) };
        char sentence[1024] = "";
        struct wr_policy *policy;
        bool is_granted;

        cr_assert(eq(int, wr_policy_load(&policy, path, NULL, wr_sid_of_uid(OWN), sentence, sizeof(sentence)), WEIR_OK),
                  "%s\n%s", sentence, text_now(path));
        is_granted = wr_policy_decide(policy, &identity, "t", WR_MAY_SUBSCRIBE, NULL, 0);
        wr_policy_close(policy);
        return is_granted;
}

static size_t
files_there(void)
{
        DIR *list = opendir(directory);
        size_t count = 0;

        cr_assert(list != NULL);
        for (struct dirent *each; (each = readdir(list)) != NULL;)
                count += each->d_name[0] != '.';
        closedir(list);
        return count;
}

static pid_t
editor(unsigned first, unsigned count)
{
        pid_t child = fork();

        if (child != 0)
                return child;
        for (unsigned i = 0; i < count; i++)
                if (allow(path, first + i) != WEIR_OK)
                        _exit(1);
        _exit(0);
}

/* None overwrites what another wrote, and who reads meanwhile reads a whole policy. */
Test(rights_edit, editors_at_the_same_time_lose_nothing)
{
        unsigned running = EDITORS;

        for (unsigned i = 0; i < EDITORS; i++)
                cr_assert(ne(int, editor(100 + i * EACH, EACH), -1));
        while (running > 0) {
                int status;

                cr_assert(may(1));
                while (waitpid(-1, &status, WNOHANG) > 0) {
                        cr_assert(eq(int, status, 0));
                        running--;
                }
        }
        for (unsigned user = 100; user < 100 + EDITORS * EACH; user++)
                cr_assert(may(user), "user:%u was let in", user);
        cr_assert(strncmp(text_now(path), before, strlen(before) - strlen("] # the first\n")) == 0, "%s",
                  text_now(path));
        cr_assert(strstr(text_now(path), "] # the first\n") != NULL);
        cr_assert(eq(sz, files_there(), 1));
}

/* Killed at any instruction: each edit is there or not, and the next editor waits for nobody. */
Test(rights_edit, an_editor_that_is_killed_leaves_a_policy)
{
        unsigned seed = (unsigned)getpid();
        struct stat status;

        cr_log_info("seed %u", seed);
        cr_assert(eq(int, chmod(path, 0640), 0));
        for (unsigned i = 0; i < KILLS; i++) {
                unsigned first = 100 + i * KILLED_MAX;
                pid_t child = editor(first, KILLED_MAX);
                bool was_there = true;

                usleep((useconds_t)rand_r(&seed) % 8000);
                kill(child, SIGKILL);
                waitpid(child, NULL, 0);
                cr_assert(may(1));
                for (unsigned user = first; user < first + KILLED_MAX; user++) {
                        cr_assert(was_there || !may(user), "one after the other");
                        was_there = may(user);
                }
        }
        cr_assert(eq(int, allow(path, 99), WEIR_OK), "%s", weir_rights_error());
        cr_assert(may(99));
        cr_assert(eq(int, stat(path, &status), 0));
        cr_assert(eq(int, (int)(status.st_mode & 07777), 0640));
}

Test(rights_edit, a_symbolic_link_stays_one_and_its_file_is_edited)
{
        char link[96], loop[96];
        struct stat status;

        snprintf(link, sizeof(link), "%s/link.conf", directory);
        cr_assert(eq(int, symlink("policy.conf", link), 0));
        cr_assert(eq(int, allow(link, 7), WEIR_OK), "%s", weir_rights_error());
        cr_assert(may(7));
        cr_assert(eq(int, lstat(link, &status), 0));
        cr_assert(eq(int, (int)(status.st_mode & S_IFMT), S_IFLNK));
        snprintf(loop, sizeof(loop), "%s/loop.conf", directory);
        cr_assert(eq(int, symlink("loop.conf", loop), 0));
        cr_assert(eq(int, allow(loop, 8), WEIR_E_SYSTEM));
        cr_assert(strstr(weir_rights_error(), "loop.conf: cannot be found") != NULL, "%s", weir_rights_error());
}

Test(rights_edit, a_file_of_another_owner_stays_the_owners)
{
        struct stat status;

        if (geteuid() != 0)
                cr_skip_test("only root can give files away");
        cr_assert(eq(int, chown(path, OWN, OWN), 0));
        cr_assert(eq(int, allow(path, 7), WEIR_OK), "%s", weir_rights_error());
        cr_assert(eq(int, stat(path, &status), 0));
        cr_assert(eq(uint, status.st_uid, OWN));
        cr_assert(eq(uint, status.st_gid, OWN));
        cr_assert(may(7));
}

/* Who may write the directory but not keep the owner may not edit: it would take the file over. */
Test(rights_edit, another_user_changes_nothing)
{
        if (geteuid() != 0)
                cr_skip_test("only root can become another user");
        cr_assert(eq(int, chmod(directory, 0777), 0));
        cr_assert(eq(int, chmod(path, 0644), 0));
        cr_assert(eq(int, seteuid(OWN), 0));
        cr_assert(eq(int, allow(path, 7), WEIR_E_SYSTEM));
        cr_assert(strstr(weir_rights_error(), "policy.conf: cannot be replaced: Operation not permitted") != NULL, "%s",
                  weir_rights_error());
        cr_assert(eq(int, seteuid(0), 0));
        cr_assert(eq(str, text_now(path), (char *)(uintptr_t)before));
        cr_assert(eq(sz, files_there(), 1), "nothing is left beside it");
}

Test(rights_edit, what_is_refused_leaves_every_byte)
{
        char *large;

        put(path, "[topic.\"t\"]\nsubscribe = [\"user:1\"\n");
        cr_assert(eq(int, allow(path, 7), WEIR_E_USAGE));
        cr_assert(strstr(weir_rights_error(), "policy.conf:3:1: expected ',' or ']'") != NULL, "%s",
                  weir_rights_error());
        cr_assert(eq(str, text_now(path), "[topic.\"t\"]\nsubscribe = [\"user:1\"\n"));
        large = malloc((1 << 20) + 2);
        memset(large, '#', (1 << 20) + 1);
        large[(1 << 20) + 1] = '\0';
        put(path, large);
        free(large);
        cr_assert(eq(int, allow(path, 7), WEIR_E_TOO_LARGE));
        cr_assert(strstr(weir_rights_error(), "larger than 1048576 bytes") != NULL, "%s", weir_rights_error());
}

static void
write_at(const char *folder, const char *name, const char *text)
{
        char at[128];

        snprintf(at, sizeof(at), "%s/%s", folder, name);
        put(at, text);
}

/* The system's service runs as a user of its own: what root types for it is about that user's broker. */
Test(rights_edit, the_systems_file_is_the_policy_of_its_services_user)
{
        struct weir_subject weir = { .size = sizeof(weir), .user = "weir" },
                            root = { .size = sizeof(root), .user = "0" };
        struct weir_verdict verdict = { .size = sizeof(verdict) };
        struct weir_edit edit = { .size = sizeof(edit) };

        if (geteuid() != 0)
                cr_skip_test("only root can have an /etc of its own");
        cr_assert(eq(int, unshare(CLONE_NEWNS), 0));
        cr_assert(eq(int, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0));
        cr_assert(eq(int, mount("etc", "/etc", "tmpfs", 0, "mode=755"), 0));
        cr_assert(eq(int, mkdir("/etc/weir", 0755), 0));
        write_at("/etc", "passwd", "root:x:0:0::/root:/bin/sh\nweir:x:4207:4207::/:/bin/false\n");
        write_at("/etc", "group", "root:x:0:\nweir:x:4207:\n");
        unsetenv("WEIR_CONFIG");
        unsetenv("XDG_CONFIG_HOME");
        cr_assert(eq(int, weir_policy_explain(NULL, &weir, "t", WEIR_MAY_STALL, &verdict), WEIR_OK));
        cr_assert(eq(int, weir_policy_explain(NULL, &root, "t", WEIR_MAY_STALL, &verdict), WEIR_E_DENIED));
        cr_assert(eq(int, weir_policy_edit(NULL, 1, "t", "user:4242", WEIR_MAY_SUBSCRIBE, &edit), WEIR_OK), "%s",
                  weir_rights_error());
        cr_assert(eq(str, text_now("/etc/weir/broker.conf"),
                     "[topic.\"t\"]\nsubscribe = [\"user:weir\", \"user:4242\"]\npublish = [\"user:weir\"]\n"
                     "stall = [\"user:weir\"]\n"));
        write_at("/etc", "passwd", "root:x:0:0::/root:/bin/sh\n");
        cr_assert(eq(int, weir_policy_explain(NULL, &root, "u", WEIR_MAY_STALL, &verdict), WEIR_E_USAGE),
                  "user:weir is nobody where the service is not installed");
}
