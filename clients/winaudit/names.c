/* Names and SIDs that weir derives by itself, beside what the system derives of the same names. */
#include "clients/winaudit/profile.h"
#include "clients/winaudit/token.h"
#include "named-objects/rights/object_name.h"
#include "named-objects/rights/package.h"

#include <stdio.h>
#include <string.h>

enum { WIDE_MAX = 512 };

typedef BOOL(WINAPI *capability_function)(PCWSTR, PSID **, DWORD *, PSID **, DWORD *);
typedef HRESULT(WINAPI *child_function)(PSID, PCWSTR, PSID *);
typedef BOOL(WINAPI *path_function)(HANDLE, PSID, ULONG, LPWSTR, PULONG);

/* PACKAGE_ID of appmodel.h, which mingw-w64 has not. */
struct package_id {
        UINT32 reserved, architecture;
        UINT64 version;
        PWSTR name, publisher, resource, publisher_id;
};
typedef LONG(WINAPI *family_function)(const struct package_id *, UINT32 *, PWSTR);

/* GetProcAddress gives a pointer to a function without its type. */
#define FIND(type, library, name) ((type)(void (*)(void))audit_find(library, name))

static const char *const monikers[] = {
        "Microsoft.WindowsCalculator_8wekyb3d8bbwe",
        "microsoft.microsoftedge_8wekyb3d8bbwe",
        "Microsoft.MicrosoftEdge_8wekyb3d8bbwe",
        AUDIT_PROFILE,
        "A",
        "an.other-Name_with.Letters_and.0123456789",
};

static const char *const capabilities[] = {
        "internetClient",
        "internetClientServer",
        "privateNetworkClientServer",
        "picturesLibrary",
        "videosLibrary",
        "musicLibrary",
        "documentsLibrary",
        "enterpriseAuthentication",
        "sharedUserCertificates",
        "removableStorage",
        "appointments",
        "contacts",
        "registryRead",
        "lpacCom",
        "lpacCryptoServices",
        AUDIT_CAPABILITY,
        "microsoft.hsaTestCustomCapability_q536wpkpf5cy2",
};

static void
widen(const char *text, wchar_t wide[WIDE_MAX])
{
        swprintf(wide, WIDE_MAX, L"%hs", text);
}

static void
run_monikers(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct wr_sid ours, theirs;
        wchar_t wide[WIDE_MAX];

        (void)audit;
        (void)check;
        if (audit_find("userenv", "DeriveAppContainerSidFromAppContainerName") == NULL) {
                audit_cannot(seen, "this system lacks it");
                return;
        }
        audit_saw_that(seen, ERROR_SUCCESS, "all the same");
        for (size_t i = 0; i < sizeof monikers / sizeof *monikers; i++) {
                widen(monikers[i], wide);
                if (!wr_package_sid(&ours, monikers[i], strlen(monikers[i])) || !audit_profile_sid(&theirs, wide) ||
                    !wr_sid_equal(&ours, &theirs)) {
                        audit_saw_that(seen, ERROR_SUCCESS, "another SID for %s", monikers[i]);
                        return;
                }
        }
}

/* One capability; takes the SIDs of the system over. */
static bool
same_capability(capability_function derive, const char *name)
{
        PSID *groups = NULL, *sids = NULL;
        DWORD group_count = 0, sid_count = 0;
        struct wr_sid group, sid, theirs;
        wchar_t wide[WIDE_MAX];
        bool same;

        widen(name, wide);
        same = derive(wide, &groups, &group_count, &sids, &sid_count) && group_count == 1 && sid_count == 1 &&
               wr_package_capability_sid(&sid, name, strlen(name)) && audit_token_sid(&theirs, sids[0]) &&
               wr_sid_equal(&sid, &theirs) && wr_package_capability_group(&group, name, strlen(name)) &&
               audit_token_sid(&theirs, groups[0]) && wr_sid_equal(&group, &theirs);
        for (DWORD i = 0; i < group_count; i++)
                LocalFree(groups[i]);
        for (DWORD i = 0; i < sid_count; i++)
                LocalFree(sids[i]);
        LocalFree(groups);
        LocalFree(sids);
        return same;
}

static void
run_capabilities(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        capability_function derive = FIND(capability_function, "kernelbase", "DeriveCapabilitySidsFromName");

        (void)audit;
        (void)check;
        if (derive == NULL) {
                audit_cannot(seen, "this system lacks it");
                return;
        }
        audit_saw_that(seen, ERROR_SUCCESS, "all the same");
        for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++) {
                if (!same_capability(derive, capabilities[i])) {
                        audit_saw_that(seen, GetLastError(), "another SID for %s", capabilities[i]);
                        return;
                }
        }
}

static void
run_publishers(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        static const char *const publishers[] = {
                "CN=Microsoft Corporation, O=Microsoft Corporation, L=Redmond, S=Washington, C=US",
                "CN=AppModelSamples",
                "CN=AppModelSamples, OID.2.25.311729368913984317654407730594956997722=1",
                "CN=MSFT",
        };
        family_function derive = FIND(family_function, "kernel32", "PackageFamilyNameFromId");
        char id[WR_PUBLISHER_ID_SIZE + 1];

        (void)audit;
        (void)check;
        if (derive == NULL) {
                audit_cannot(seen, "this system lacks it");
                return;
        }
        audit_saw_that(seen, ERROR_SUCCESS, "all the same");
        for (size_t i = 0; i < sizeof publishers / sizeof *publishers; i++) {
                wchar_t name[] = L"Weir.Winaudit", publisher[WIDE_MAX], theirs[WIDE_MAX] = L"", ours[WIDE_MAX];
                const struct package_id package = { .name = name, .publisher = publisher };
                UINT32 length = WIDE_MAX;
                LONG error;

                widen(publishers[i], publisher);
                error = derive(&package, &length, theirs);
                wr_package_publisher_id(id, publishers[i], strlen(publishers[i]));
                swprintf(ours, WIDE_MAX, L"Weir.Winaudit_%hs", id);
                if (error != ERROR_SUCCESS || wcscmp(ours, theirs) != 0) {
                        audit_saw_that(seen, (DWORD)error, "another id for %s", publishers[i]);
                        return;
                }
        }
}

/* with: the name of a child container. */
static void
run_child(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        child_function derive =
                FIND(child_function, "userenv", "DeriveRestrictedAppContainerSidFromAppContainerSidAndRestrictedName");
        const char *name = check->with;
        uint8_t package[WR_SID_BYTES_MAX];
        struct wr_sid ours, theirs;
        wchar_t wide[WIDE_MAX];
        PSID derived = NULL;
        HRESULT result;

        if (derive == NULL) {
                audit_cannot(seen, "this system lacks it");
                return;
        }
        widen(name, wide);
        wr_sid_write(&audit->package, package);
        result = derive(package, wide, &derived);
        if (result < 0 || !audit_token_sid(&theirs, derived) ||
            !wr_package_child_sid(&ours, &audit->package, name, strlen(name)))
                audit_saw_that(seen, (DWORD)HRESULT_CODE(result), "no SID");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "%s", wr_sid_equal(&ours, &theirs) ? "the same" : "another SID");
        if (derived != NULL)
                FreeSid(derived);
}

/* with: the name of a child, NULL for the package's own. */
static void
run_path(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        path_function path = FIND(path_function, "kernel32", "GetAppContainerNamedObjectPath");
        char ours[WR_OBJECT_TEXT_MAX], told[WR_OBJECT_TEXT_MAX];
        const char *name = check->with;
        struct wr_sid sid = audit->package;
        uint8_t bytes[WR_SID_BYTES_MAX];
        wchar_t theirs[WIDE_MAX] = L"";
        ULONG length = 0;

        if (path == NULL) {
                audit_cannot(seen, "this system lacks it");
                return;
        }
        if (name != NULL)
                wr_package_child_sid(&sid, &audit->package, name, strlen(name));
        wr_sid_write(&sid, bytes);
        wr_object_directory(&sid, ours, sizeof ours);
        if (!path(NULL, bytes, WIDE_MAX, theirs, &length)) {
                audit_saw_that(seen, GetLastError(), "no path");
                return;
        }
        snprintf(told, sizeof told, "%ls", theirs);
        if (strcmp(ours, told) == 0)
                audit_saw_that(seen, ERROR_SUCCESS, "the same");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "%.200s", told);
}

static const struct audit_check checks[] = {
        { "package SIDs follow from family names by weir's rule", "DeriveAppContainerSidFromAppContainerName",
          EXACTLY(0, "all the same"), NOT_TO_TRY, run_monikers, NULL },
        { "capabilities, and their groups, follow from their names", "DeriveCapabilitySidsFromName",
          EXACTLY(0, "all the same"), NOT_TO_TRY, run_capabilities, NULL },
        { "family names follow from publishers, the unsigned among them", "PackageFamilyNameFromId",
          EXACTLY(0, "all the same"), NOT_TO_TRY, run_publishers, NULL },
        { "a child container's SID follows from its name",
          "DeriveRestrictedAppContainerSidFromAppContainerSidAndRestrictedName(\"007\")", EXACTLY(0, "the same"),
          NOT_TO_TRY, run_child, "007" },
        { "the case of letters counts in a child container's name",
          "DeriveRestrictedAppContainerSidFromAppContainerSidAndRestrictedName(\"Child\")", EXACTLY(0, "the same"),
          NOT_TO_TRY, run_child, "Child" },
        { "a package's directory is called as weir calls it", "GetAppContainerNamedObjectPath", EXACTLY(0, "the same"),
          NOT_TO_TRY, run_path, NULL },
        { "a child container's directory is called as weir calls it", "GetAppContainerNamedObjectPath(a child's SID)",
          EXACTLY(0, "the same"), NOT_TO_TRY, run_path, "007" },
};

const struct audit_theme audit_names = { "names", checks, sizeof checks / sizeof *checks };
