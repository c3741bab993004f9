/*
 * Who a process is, by its token: our children in a container, packaged apps that run on this machine, and a hosted app
 * when one is given.
 */
#include "clients/winaudit/launch.h"
#include "clients/winaudit/packaged.h"
#include "clients/winaudit/peer.h"
#include "named-objects/rights/package.h"

#include <stdio.h>
#include <string.h>

typedef LONG(WINAPI *token_family_function)(HANDLE, UINT32 *, PWSTR);

/* The token of a child; NULL: `seen` says why. */
static HANDLE
token_of(struct audit *audit, enum audit_who who, struct wr_identity_token *token, struct audit_seen *seen)
{
        HANDLE process = audit_peer_process(audit, who, seen), handle = NULL;

        if (process == NULL)
                return NULL;
        if (OpenProcessToken(process, TOKEN_QUERY, &handle) && audit_token_read(handle, token))
                return handle;
        audit_saw_that(seen, GetLastError(), "its token cannot be read");
        if (handle != NULL)
                CloseHandle(handle);
        return NULL;
}

/* with: who. Package, capability, user. */
static void
run_container_token(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct wr_identity_token token;
        HANDLE handle = token_of(audit, *(const enum audit_who *)check->with, &token, seen);

        if (handle == NULL)
                return;
        if (token.container.count == 0)
                audit_saw_that(seen, ERROR_SUCCESS, "no container");
        else if (!wr_sid_equal(&token.container, &audit->package))
                audit_saw_that(seen, ERROR_SUCCESS, "another package SID");
        else if (!wr_sid_list_has(&token.sids, &audit->capability, WR_SID_CAPABILITY))
                audit_saw_that(seen, ERROR_SUCCESS, "without its capability");
        else if (!wr_sid_equal(&token.user, &audit->user))
                audit_saw_that(seen, ERROR_SUCCESS, "another user");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "its package, its capability, our user");
        CloseHandle(handle);
}

struct attribute_row {
        enum audit_who who;
        const wchar_t *attribute;
};

static void
run_attribute(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const struct attribute_row *row = check->with;
        struct wr_identity_token token;
        HANDLE handle = token_of(audit, row->who, &token, seen);

        if (handle == NULL)
                return;
        audit_saw_that(seen, ERROR_SUCCESS, "%s",
                       audit_token_attribute(handle, row->attribute, 0, NULL, 0) ? "there" : "not there");
        CloseHandle(handle);
}

static void
run_own_token(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        HANDLE own;
        struct wr_identity_token token;

        (void)audit;
        (void)check;
        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &own)) {
                audit_saw_that(seen, GetLastError(), "not opened");
                return;
        }
        if (audit_token_read(own, &token))
                audit_saw_that(seen, ERROR_SUCCESS, "%s", token.container.count != 0 ? "a container" : "full trust");
        else
                audit_saw_that(seen, GetLastError(), "not read");
        CloseHandle(own);
}

static void
run_own_family(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        token_family_function family =
                (token_family_function)(void (*)(void))audit_find("kernelbase", "GetPackageFamilyNameFromToken");
        wchar_t name[AUDIT_FAMILY_MAX];
        UINT32 length = AUDIT_FAMILY_MAX;
        HANDLE own;
        LONG error;

        (void)audit;
        (void)check;
        if (family == NULL) {
                audit_cannot(seen, "this system lacks it");
                return;
        }
        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &own)) {
                audit_saw_that(seen, GetLastError(), "not opened");
                return;
        }
        error = family(own, &length, name);
        audit_saw_that(seen, (DWORD)error, "%s", error == ERROR_SUCCESS ? "a package" : "no package");
        CloseHandle(own);
}

/* An app of the machine in an AppContainer: the name that the system tells, and the SID of its token. */
static void
run_app_sid(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_packaged app;
        struct wr_sid derived;

        (void)audit;
        (void)check;
        if (!audit_packaged_find(true, &app)) {
                audit_cannot(seen, "no app of this user runs; open the calculator");
                return;
        }
        if (wr_package_sid(&derived, app.family, strlen(app.family)) && wr_sid_equal(&derived, &app.holder.container))
                audit_saw_that(seen, ERROR_SUCCESS, "the same");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "another SID for %s", app.family);
        audit_packaged_close(&app);
}

/* A packaged program of full trust: a package is no container. */
static void
run_packaged_full(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_packaged app;
        char full_name[256];

        (void)audit;
        (void)check;
        if (!audit_packaged_find(false, &app)) {
                audit_cannot(seen, "no packaged program of full trust runs; open Windows Terminal or Notepad");
                return;
        }
        if (app.holder.container.count == 0 &&
            audit_token_attribute(app.token, L"WIN://SYSAPPID", 0, full_name, sizeof full_name))
                audit_saw_that(seen, ERROR_SUCCESS, "a package's name and no package SID");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "otherwise: %s", app.family);
        audit_packaged_close(&app);
}

/* with: which of the questions about the hosted app. */
enum hosted_question { HOSTED_TRUST, HOSTED_HOST, HOSTED_IMAGE };

static void
tell_image(DWORD id, const struct audit_packaged *app, struct audit_seen *seen)
{
        HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id);
        wchar_t path[1024] = L"";
        char image[1024], name[AUDIT_FAMILY_MAX];
        DWORD length = 1024;

        if (process == NULL || !QueryFullProcessImageNameW(process, 0, path, &length)) {
                audit_saw_that(seen, GetLastError(), "its image is not told");
        } else {
                WideCharToMultiByte(CP_UTF8, 0, path, -1, image, sizeof image, NULL, NULL);
                /* The folder of a package begins with the name that its family name begins with. */
                snprintf(name, sizeof name, "\\%.*s_", (int)strcspn(app->family, "_"), app->family);
                audit_saw_that(seen, ERROR_SUCCESS, "%s",
                               strstr(image, name) != NULL ? "its own image" : "an image of another place");
        }
        if (process != NULL)
                CloseHandle(process);
}

static void
run_hosted(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_packaged app;

        if (audit->options.hosted == 0) {
                audit_cannot(seen, "no process of a hosted app was given (--hosted PID)");
                return;
        }
        if (!audit_packaged_open(audit->options.hosted, &app)) {
                audit_saw_that(seen, GetLastError(), "it cannot be looked at");
                return;
        }
        switch (*(const enum hosted_question *)check->with) {
        case HOSTED_TRUST:
                if (app.family[0] == '\0')
                        audit_saw_that(seen, ERROR_SUCCESS, "no package");
                else
                        audit_saw_that(seen, ERROR_SUCCESS, "a package, %s",
                                       app.holder.container.count != 0 ? "in a container" : "of full trust");
                break;
        case HOSTED_HOST:
                audit_saw_that(seen, ERROR_SUCCESS, "%s",
                               audit_token_attribute(app.token, L"WIN://PKGHOSTID", 0, NULL, 0) ? "there"
                                                                                                : "not there");
                break;
        case HOSTED_IMAGE: tell_image(audit->options.hosted, &app, seen); break;
        }
        audit_packaged_close(&app);
}

static const struct audit_check checks[] = {
        { "this program is full trust", "GetTokenInformation(TokenIsAppContainer)", EXACTLY(0, "full trust"),
          AS_WINDOWS, run_own_token, NULL },
        { "this program is no package", "GetPackageFamilyNameFromToken", EXACTLY(15700, "no package"), NOT_TO_TRY,
          run_own_family, NULL },
        { "a container's token says which, and what it may ask for", "GetTokenInformation of a child",
          EXACTLY(0, "its package, its capability, our user"), NOT_TO_TRY, run_container_token,
          &(const enum audit_who){ AUDIT_CONTAINER } },
        { "an LPAC's token says which, and what it may ask for", "GetTokenInformation of a child",
          EXACTLY(0, "its package, its capability, our user"), NOT_TO_TRY, run_container_token,
          &(const enum audit_who){ AUDIT_LPAC } },
        { "an LPAC's token says that it is one", "NtQueryInformationToken(WIN://NOALLAPPPKG)", EXACTLY(0, "there"),
          NOT_TO_TRY, run_attribute, &(const struct attribute_row){ AUDIT_LPAC, L"WIN://NOALLAPPPKG" } },
        { "an ordinary container's token does not say that it is an LPAC", "NtQueryInformationToken(WIN://NOALLAPPPKG)",
          EXACTLY(0, "not there"), NOT_TO_TRY, run_attribute,
          &(const struct attribute_row){ AUDIT_CONTAINER, L"WIN://NOALLAPPPKG" } },
        { "an app's package SID follows from its family name", "GetPackageFamilyName, TokenAppContainerSid",
          EXACTLY(0, "the same"), NOT_TO_TRY, run_app_sid, NULL },
        { "a packaged program of full trust has a name and no package SID", "WIN://SYSAPPID, TokenAppContainerSid",
          EXACTLY(0, "a package's name and no package SID"), NOT_TO_TRY, run_packaged_full, NULL },
        { "a hosted app is packaged and of full trust", "GetPackageFamilyName, TokenIsAppContainer",
          EXACTLY(0, "a package, of full trust"), NOT_TO_TRY, run_hosted,
          &(const enum hosted_question){ HOSTED_TRUST } },
        { "a hosted app's token tells that there is a host", "NtQueryInformationToken(WIN://PKGHOSTID)",
          EXACTLY(0, "there"), NOT_TO_TRY, run_hosted, &(const enum hosted_question){ HOSTED_HOST } },
        { "a hosted app's image is the host's, so a path is no identity", "QueryFullProcessImageName",
          EXACTLY(0, "an image of another place"), NOT_TO_TRY, run_hosted,
          &(const enum hosted_question){ HOSTED_IMAGE } },
};

const struct audit_theme audit_identity = { "identity", checks, sizeof checks / sizeof *checks };
