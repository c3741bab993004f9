/* The policy file edited where it is behind a link, or somebody else's, or the system's. What all systems have of it:
 * rights_edit_test.c. */
#include "tests/unit/rights_edit_kit.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(rights_edit_linux, .init = begin, .fini = end, .timeout = 100);

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

Test(rights_edit_linux, a_symbolic_link_stays_one_and_its_file_is_edited)
{
        char link[sizeof(path)], loop[sizeof(path)];
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

Test(rights_edit_linux, a_file_of_another_owner_stays_the_owners)
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
Test(rights_edit_linux, another_user_changes_nothing)
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

static void
write_at(const char *folder, const char *name, const char *text)
{
        char at[128];

        snprintf(at, sizeof(at), "%s/%s", folder, name);
        file_put(at, text);
}

/* The system's service runs as a user of its own: what root types for it is about that user's broker. */
Test(rights_edit_linux, the_systems_file_is_the_policy_of_its_services_user)
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
