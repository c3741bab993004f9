/*
 * The names of a package taken apart, with a reason for every refusal.
 *
 *      full name      Contoso.Viewer_2.0.0.0_x64_split.scale-200_h91ms92gdsmmt
 *                     name, version, architecture, resource id (may be empty; ~ of a bundle), publisher id
 *      family name    Contoso.Viewer_h91ms92gdsmmt
 *      user model id  Contoso.Viewer_h91ms92gdsmmt!App
 *
 * The parts are kept as they were written; two names that differ only in case name the same package.
 * Source: Microsoft Learn, An overview of Package Identity in Windows apps. Pure: no system call, no allocation.
 */
#ifndef WR_PACKAGE_NAME_H
#define WR_PACKAGE_NAME_H

#include "named-objects/rights/package.h"

enum {
        WR_PACKAGE_NAME_MIN = 3,
        WR_PACKAGE_NAME_MAX = 50,
        WR_PACKAGE_RESOURCE_MAX = 30,
        WR_PACKAGE_APP_MAX = 64,
        WR_PACKAGE_FAMILY_MAX = WR_PACKAGE_NAME_MAX + 1 + WR_PUBLISHER_ID_SIZE
};

struct wr_package_name {
        char name[WR_PACKAGE_NAME_MAX + 1];
        uint16_t version[4];  /* of a full name */
        char architecture[8]; /* of a full name: neutral, x86, x64, arm, arm64 or x86a64, in its own case */
        char resource_id[WR_PACKAGE_RESOURCE_MAX + 1];
        char publisher_id[WR_PUBLISHER_ID_SIZE + 1];
        char family[WR_PACKAGE_FAMILY_MAX + 1]; /* name and publisher id */
        char app[WR_PACKAGE_APP_MAX + 1];       /* of a user model id */
};

/* Each takes the whole text; false: `why` (may be NULL) gets a constant sentence, and the name is empty. */
bool
wr_package_family_parse(struct wr_package_name *package, const char *text, size_t size, const char **why);

bool
wr_package_full_parse(struct wr_package_name *package, const char *text, size_t size, const char **why);

/* An application user model id: package->family is what remains without the application. */
bool
wr_package_app_parse(struct wr_package_name *package, const char *text, size_t size, const char **why);

/* The family of a package by its name and its publisher's exact string, as it stands in a manifest. */
bool
wr_package_family_of(struct wr_package_name *package, const char *name, const char *publisher, const char **why);

#endif
