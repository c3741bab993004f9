/*
 * A sandbox of bubblewrap: no capabilities, no namespaces inside, a read-only root, nothing of the host but /usr.
 *
 *      bwrap ... --ro-bind /usr /usr                 programs and libraries
 *                --ro-bind EXECUTABLE /app/weir      this executable
 *                --ro-bind DIRECTORY /run/weir       the package's own socket, and with it its identity
 *                --ro-bind VIDEO /video/NAME         for the camera
 *                --remount-ro /
 */
#include "clients/demo/demo_sandbox_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const walls[] = { "bwrap",
                                     "--unshare-all",
                                     "--unshare-user",
                                     "--disable-userns",
                                     "--cap-drop",
                                     "ALL",
                                     "--uid",
                                     "1000",
                                     "--gid",
                                     "1000",
                                     "--die-with-parent",
                                     "--clearenv",
                                     "--setenv",
                                     "PATH",
                                     "/usr/bin",
                                     "--ro-bind",
                                     "/usr",
                                     "/usr",
                                     "--ro-bind-try",
                                     "/etc/alternatives",
                                     "/etc/alternatives",
                                     "--symlink",
                                     "usr/lib",
                                     "/lib",
                                     "--symlink",
                                     "usr/lib64",
                                     "/lib64",
                                     "--symlink",
                                     "usr/bin",
                                     "/bin",
                                     "--proc",
                                     "/proc",
                                     "--dev",
                                     "/dev",
                                     NULL };

/* What a test adds to a sandbox, and how it ends then: bubblewrap lets later options win. The root stays writable. */
static const char *const holes[] = { "--cap-add", "ALL", "--ro-bind", "/etc/passwd", "/etc/passwd", NULL };

/* Adds arguments up to NULL. */
static void
add_all(struct demo_line *line, const char *const *arguments)
{
        for (; *arguments != NULL && line->count < DEMO_ARGUMENTS_MAX - 1; arguments++)
                line->argv[line->count++] = *arguments;
        line->argv[line->count] = NULL;
}

/* Keeps a copy of "a" "b" in the line's own room and returns it. */
static const char *
keep(struct demo_line *line, const char *a, const char *b)
{
        char *text = line->text + line->used;
        size_t room = sizeof line->text - line->used;
        int length = snprintf(text, room, "%s%s", a, b);

        if (length < 0 || (size_t)length >= room)
                return ""; /* four paths fit; an empty argument is refused by what we start */
        line->used += (size_t)length + 1;
        return text;
}

void
demo_sandbox_video(const struct demo_plan *plan, char path[DEMO_FILE_PATH])
{
        if (plan->options.sandbox)
                snprintf(path, DEMO_FILE_PATH, "/video/%.255s", demo_plan_video_name(plan));
        else
                memcpy(path, plan->video, DEMO_FILE_PATH);
}

void
demo_sandbox_line(struct demo_line *line, const struct demo_plan *plan, const char *package, bool wants_video,
                  const char *const *arguments)
{
        char door[2 * DEMO_PATH], directory[2 * DEMO_PATH], video[DEMO_FILE_PATH];

        demo_plan_door(plan, package, door);
        snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(door, '/') - door), door);
        demo_sandbox_video(plan, video);
        line->count = 0;
        line->used = 0;
        if (plan->options.sandbox) {
                const char *identity[] = { "--ro-bind-data", "9", "/.flatpak-info", NULL };
                const char *places[] = {
                        "--ro-bind", plan->command, "/app/weir",   "--ro-bind",     keep(line, directory, ""),
                        "/run/weir", "--setenv",    "WEIR_BROKER", "/run/weir/bus", NULL
                };
                const char *clip[] = { "--ro-bind", plan->video, keep(line, video, ""), NULL };
                const char *closed[] = { "--remount-ro", "/", NULL };
                const char *end[] = { "--", "/app/weir", "demo", NULL };

                add_all(line, walls);
                add_all(line, identity);
                add_all(line, places);
                if (wants_video)
                        add_all(line, clip);
                add_all(line, plan->options.broken == DEMO_BREAK_WALL ? holes : closed);
                add_all(line, end);
        } else {
                const char *plain[] = { "/usr/bin/env", keep(line, "WEIR_BROKER=", door), plan->command, "demo", NULL };

                add_all(line, plain);
        }
        for (; *arguments != NULL; arguments++) {
                const char *kept[] = { keep(line, *arguments, ""), NULL };

                add_all(line, kept);
        }
}

int
demo_sandbox_identity(const char *package)
{
        char text[256];
        int length = snprintf(text, sizeof text, "[Application]\nname=%s\n\n[Instance]\ninstance-id=1\n", package);
        int fd = memfd_create("flatpak-info", MFD_CLOEXEC);

        if (fd >= 0 && (write(fd, text, (size_t)length) != length || lseek(fd, 0, SEEK_SET) != 0)) {
                close(fd);
                fd = -1;
        }
        return fd;
}

/* The number in a file of /proc/sys, or -1 when it is not there. */
static long
setting(const char *path)
{
        char text[32] = "";
        FILE *file = fopen(path, "re");
        bool read = file != NULL && fgets(text, sizeof text, file) != NULL;

        if (file != NULL)
                fclose(file);
        return read ? strtol(text, NULL, 10) : -1;
}

static void
explain(void)
{
        if (setting("/proc/sys/user/max_user_namespaces") == 0)
                fprintf(stderr,
                        "  User namespaces are switched off. Allow them: sysctl user.max_user_namespaces=10000\n");
        else if (setting("/proc/sys/kernel/unprivileged_userns_clone") == 0 && geteuid() != 0)
                fprintf(stderr, "  User namespaces are kept from users. Allow them: "
                                "sysctl kernel.unprivileged_userns_clone=1\n");
        else if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
                fprintf(stderr, "  AppArmor keeps user namespaces from users. Allow them: "
                                "sysctl kernel.apparmor_restrict_unprivileged_userns=0\n");
        else
                fprintf(stderr,
                        "  It needs user namespaces and bubblewrap 0.8 or newer; a container may forbid them.\n");
        fprintf(stderr, "  Or show all but the sandbox: weir demo --no-sandbox ...\n");
}

bool
demo_sandbox_possible(void)
{
        const char *end[] = { "--remount-ro", "/", "--", "/usr/bin/true", NULL };
        struct demo_line line = { .count = 0 };
        int status = -1, error;
        pid_t pid;

        add_all(&line, walls);
        add_all(&line, end);
        error = posix_spawnp(&pid, line.argv[0], NULL, NULL, (char *const *)line.argv, environ);
        if (error != 0) {
                fprintf(stderr,
                        "weir demo: bwrap cannot be started: %s. Install the package bubblewrap, "
                        "or show all but the sandbox: weir demo --no-sandbox ...\n",
                        strerror(error));
                return false;
        }
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return true;
        fprintf(stderr, "weir demo: the sandbox cannot be made here.\n");
        explain();
        return false;
}

static void
note(json_t *facts, const char *name, bool failed)
{
        json_object_set_new(facts, name, json_string(failed ? strerrorname_np(errno) : ""));
}

/* Tries to leave a file in the root directory. */
static int
write_root(void)
{
        static const char path[] = "/weir-was-here";
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0)
                return -1;
        unlink(path);
        return close(fd);
}

json_t *
demo_sandbox_facts(void)
{
        json_t *facts = json_object();
        unsigned long long capabilities = ~0ULL;
        char line[256];
        FILE *status = fopen("/proc/self/status", "re");

        while (status != NULL && fgets(line, sizeof line, status) != NULL)
                if (sscanf(line, "CapEff: %llx", &capabilities) == 1)
                        break;
        if (status != NULL)
                fclose(status);
        json_object_set_new(facts, "capabilities", json_integer((json_int_t)capabilities));
        note(facts, "write_root", write_root() < 0);
        note(facts, "new_namespace", unshare(CLONE_NEWUSER) < 0);
        note(facts, "host_passwords", access("/etc/passwd", F_OK) < 0);
        return facts;
}
