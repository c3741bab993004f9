/*
 * The places of one run.
 *
 *      %TEMP%\weir-demo-NUMBER.conf                          the policy
 *      \\.\pipe\weir-demo-NUMBER                             the broker's own pipe: full trust, and the stranger
 *      \\.\pipe\weir-demo-NUMBER-org.weir.Camera             each package's own pipe, which vouches for it
 *      \\.\pipe\weir-demo-NUMBER-org.weir.Viewer
 *
 * Neither the user nor the group that the rules are for counts in the stranger's token. So that it is let in at all,
 * and hears from the broker why it may not: there is a topic for all authenticated users, and the stranger asks for
 * another.
 */
#include "clients/demo/demo_plan.h"
#include "clients/demo/demo_text_win32.h"
#include "clients/demo/demo_token_win32.h"
#include "named-objects/path_win32.h"

#include <string.h>

#include <bcrypt.h> /* needs the types of windows.h, which come with the text */

#define AUTHENTICATED "S-1-5-11"

enum { PRINCIPAL_TEXT = 256 };

void
demo_plan_door(const struct demo_plan *plan, const char *package, char door[2 * DEMO_PATH])
{
        if (strcmp(package, DEMO_STRANGER) == 0)
                snprintf(door, 2 * DEMO_PATH, "%s", plan->address);
        else
                snprintf(door, 2 * DEMO_PATH, "%s-%s", plan->address, package);
}

const char *
demo_plan_video_name(const struct demo_plan *plan)
{
        const char *name = plan->video;

        for (const char *c = plan->video; *c != '\0'; c++)
                if (*c == '\\' || *c == '/' || *c == ':')
                        name = c + 1;
        return name;
}

/* With a number that nobody can guess, so that nobody else has it. */
static bool
draw_name(struct demo_plan *plan)
{
        unsigned long long number;

        if (BCryptGenRandom(NULL, (PUCHAR)&number, sizeof number, BCRYPT_USE_SYSTEM_PREFERRED_RNG) < 0) {
                SetLastError(ERROR_GEN_FAILURE);
                return false;
        }
        snprintf(plan->directory, sizeof plan->directory, "weir-demo-%016llx", number);
        return true;
}

static FILE *
create_policy(struct demo_plan *plan)
{
        wchar_t folder[MAX_PATH + 1], path[DEMO_FILE_PATH], name[DEMO_PATH];
        DWORD length = GetTempPathW(MAX_PATH + 1, folder);

        if (length == 0 || length > MAX_PATH || !demo_text_widen(plan->directory, name, DEMO_PATH))
                return NULL;
        _snwprintf(path, DEMO_FILE_PATH, L"%ls%ls.conf", folder, name);
        return demo_text_narrow(path, plan->policy, sizeof plan->policy) ? _wfopen(path, L"wb") : NULL;
}

static bool
write_policy(struct demo_plan *plan)
{
        FILE *file = create_policy(plan);
        char us[PRINCIPAL_TEXT];

        if (file == NULL)
                return demo_text_failed(plan->policy);
        if (!demo_token_principal(us, sizeof us)) {
                fclose(file);
                return demo_text_failed("a group of this user that a child can be kept out of");
        }
        demo_plan_policy(plan, us, "group:" AUTHENTICATED, file);
        fprintf(file, "[topic.\"camera/none\"]\nsubscribe = [\"group:" AUTHENTICATED "\"]\n");
        return fclose(file) == 0 || demo_text_failed(plan->policy);
}

static bool
find_files(struct demo_plan *plan, const char *video)
{
        wchar_t wide[WR_PATH_WIDE_MAX];
        DWORD length = GetModuleFileNameW(NULL, wide, WR_PATH_WIDE_MAX);

        if (length == 0 || length == WR_PATH_WIDE_MAX || !demo_text_narrow(wide, plan->command, sizeof plan->command))
                return demo_text_failed("weir.exe");
        if (wr_path_wide(video, wide, WR_PATH_WIDE_MAX) && demo_text_narrow(wide, plan->video, sizeof plan->video))
                return true;
        SetLastError(ERROR_INVALID_NAME);
        return demo_text_failed(video);
}

bool
demo_plan_open(struct demo_plan *plan, const struct demo_options *options)
{
        char door[2 * DEMO_PATH];
        unsigned count = 0;

        *plan = (struct demo_plan){ .options = *options };
        plan->options.sandbox = false;
        if (!find_files(plan, options->video))
                return false;
        if (!draw_name(plan))
                return demo_text_failed("random numbers");
        snprintf(plan->address, sizeof plan->address, "\\\\.\\pipe\\%s", plan->directory);
        for (unsigned i = 0; i < DEMO_PACKAGES; i++) {
                demo_plan_door(plan, demo_packages[i], door);
                if (strcmp(door, plan->address) != 0)
                        snprintf(plan->package_sockets[count++], sizeof plan->package_sockets[0], "%s=%s",
                                 demo_packages[i], door);
        }
        if (write_policy(plan))
                return true;
        demo_plan_close(plan);
        return false;
}

void
demo_plan_close(struct demo_plan *plan)
{
        wchar_t wide[DEMO_FILE_PATH];

        if (plan->policy[0] != '\0' && demo_text_widen(plan->policy, wide, DEMO_FILE_PATH))
                DeleteFileW(wide);
        plan->policy[0] = '\0';
}
