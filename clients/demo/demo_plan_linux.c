/*
 * The places of one run.
 *
 *      /tmp/weir-demo-XXXXXX/          0700: no sandbox is given it
 *        broker/bus                    the broker's own socket, for full trust
 *        policy.conf
 *        org.weir.Camera/bus           each package's own socket: its directory alone goes into its sandbox
 *        org.weir.Stranger/bus
 *        org.weir.Viewer/bus
 */
#include "clients/demo/demo_plan.h"
#include "clients/demo/demo_sandbox_linux.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
failed(const char *what)
{
        fprintf(stderr, "weir demo: %s: %s\n", what, strerror(errno));
        return false;
}

static void
package_directory(const struct demo_plan *plan, const char *package, char path[2 * DEMO_PATH])
{
        snprintf(path, 2 * DEMO_PATH, "%s/%s", plan->directory, package);
}

void
demo_plan_door(const struct demo_plan *plan, const char *package, char door[2 * DEMO_PATH])
{
        snprintf(door, 2 * DEMO_PATH, "%s/%s/bus", plan->directory, package);
}

const char *
demo_plan_video_name(const struct demo_plan *plan)
{
        const char *slash = strrchr(plan->video, '/');

        return slash != NULL ? slash + 1 : plan->video;
}

static bool
write_policy(const struct demo_plan *plan)
{
        FILE *file = fopen(plan->policy, "we");
        char user[32];

        if (file == NULL)
                return failed(plan->policy);
        snprintf(user, sizeof user, "user:%u", getuid());
        demo_plan_policy(plan, user, "package:" DEMO_STRANGER, file);
        return fclose(file) == 0 || failed(plan->policy);
}

static bool
make_places(struct demo_plan *plan)
{
        char path[2 * DEMO_PATH];

        snprintf(path, sizeof path, "%s/broker", plan->directory);
        if (mkdir(path, 0700) < 0)
                return failed(path);
        for (int i = 0; i < DEMO_PACKAGES; i++) {
                package_directory(plan, demo_packages[i], path);
                if (mkdir(path, 0700) < 0)
                        return failed(path);
                snprintf(plan->package_sockets[i], sizeof plan->package_sockets[i], "%s=%s/%s/bus", demo_packages[i],
                         plan->directory, demo_packages[i]);
        }
        return write_policy(plan);
}

bool
demo_plan_open(struct demo_plan *plan, const struct demo_options *options)
{
        const char *temporary = getenv("TMPDIR");
        ssize_t length;

        if (options->sandbox && !demo_sandbox_possible())
                return false;
        *plan = (struct demo_plan){ .options = *options };
        length = readlink("/proc/self/exe", plan->command, sizeof plan->command - 1);
        if (length < 0)
                return failed("/proc/self/exe");
        plan->command[length] = '\0';
        if (realpath(options->video, plan->video) == NULL)
                return failed(options->video);
        /* A socket's path is short; a long TMPDIR would not fit. */
        if (temporary == NULL || temporary[0] != '/' || strlen(temporary) > DEMO_PATH - 32)
                temporary = "/tmp";
        snprintf(plan->directory, sizeof plan->directory, "%s/weir-demo-XXXXXX", temporary);
        if (mkdtemp(plan->directory) == NULL) {
                failed(plan->directory);
                plan->directory[0] = '\0';
                return false;
        }
        snprintf(plan->address, sizeof plan->address, "%s/broker/bus", plan->directory);
        snprintf(plan->policy, sizeof plan->policy, "%s/policy.conf", plan->directory);
        if (make_places(plan))
                return true;
        demo_plan_close(plan);
        return false;
}

static int
remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
        (void)status, (void)kind, (void)place;
        return remove(path);
}

void
demo_plan_close(struct demo_plan *plan)
{
        if (plan->directory[0] != '\0')
                nftw(plan->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        plan->directory[0] = '\0';
}
