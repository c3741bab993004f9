/*
 * The functions of rights.h that tell names. Of a package they are computed, so it need not be installed; object paths
 * and pipe names are told for an object called "name" in session 1, which is where a user's programs run.
 */
#include "broker/rights.h"

#include "broker/policy_rules.h"
#include "broker/rights_error.h"
#include "broker/rights_system.h"
#include "named-objects/identity_token.h"
#include "named-objects/rights/object_name.h"
#include "named-objects/rights/package_name.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <string.h>

enum { SESSION = 1 };

static const char example[] = "name";

struct teller {
        weir_fact_visit *visit;
        void *user;
};

static void
tell(const struct teller *to, const char *key, const char *value)
{
        if (value[0])
                to->visit(to->user, key, value);
}

static void
tell_sid(const struct teller *to, const char *key, const struct wr_sid *sid)
{
        char text[WR_SID_TEXT_MAX];

        wr_sid_text(sid, text);
        tell(to, key, text);
}

static void
tell_capability(const struct teller *to, const char *name)
{
        struct wr_sid sid;

        tell(to, "capability", name);
        if (wr_package_capability_sid(&sid, name, strlen(name)))
                tell_sid(to, "capability_sid", &sid);
        if (wr_package_capability_group(&sid, name, strlen(name)))
                tell_sid(to, "capability_group_sid", &sid);
}

/* Where its objects and pipes are, said by itself and by others. */
static void
tell_objects(const struct teller *to, const struct wr_sid *package)
{
        struct wr_object_place place = { .place = WR_PLACE_CONTAINER, .session = SESSION, .container = *package };
        struct wr_object_speaker itself = { .session = SESSION, .container = *package };
        struct wr_object_speaker other = { .session = SESSION }, service = { .session = 0 };
        char text[WR_OBJECT_TEXT_MAX];

        if (wr_object_path(&place, example, text, sizeof(text)))
                tell(to, "object_path", text);
        if (wr_object_name(&place, &other, example, text, sizeof(text)))
                tell(to, "object_path_session", text);
        if (wr_object_name(&place, &service, example, text, sizeof(text)))
                tell(to, "object_path_session", text);
        if (wr_object_pipe_name(&place, &itself, example, text, sizeof(text)))
                tell(to, "pipe_name", text);
        if (wr_object_pipe_name(&place, &other, example, text, sizeof(text)))
                tell(to, "pipe_name_outside", text);
}

/* Of a full name or a user model id the family is what has a SID. */
static void
tell_parts(const struct teller *to, const struct wr_package_name *name)
{
        char version[32] = "";

        tell(to, "name", name->name);
        tell(to, "publisher_id", name->publisher_id);
        if (name->architecture[0])
                wr_sentence(version, sizeof(version), "%u.%u.%u.%u", name->version[0], name->version[1],
                            name->version[2], name->version[3]);
        tell(to, "version", version);
        tell(to, "architecture", name->architecture);
}

static enum weir_result
tell_package(const struct teller *to, const char *package, const char *const *capabilities)
{
        struct wr_package_name name = { .family = "" };
        size_t size = strlen(package);
        const char *moniker = package;
        struct wr_sid sid;

        if (wr_package_family_parse(&name, package, size, NULL) || wr_package_full_parse(&name, package, size, NULL) ||
            wr_package_app_parse(&name, package, size, NULL))
                moniker = name.family;
        if (!wr_identity_package_sid(moniker, &sid)) {
                wr_sentence(wr_rights_error, sizeof(wr_rights_error),
                            "'%.200s' is no name of a package: 1 to 255 characters of UTF-8", package);
                return WEIR_E_USAGE;
        }
        tell(to, "package", moniker);
        tell_sid(to, "package_sid", &sid);
        if (name.family[0])
                tell_parts(to, &name);
        for (size_t i = 0; capabilities && capabilities[i]; i++)
                tell_capability(to, capabilities[i]);
        tell_objects(to, &sid);
        return WEIR_OK;
}

static enum weir_result
nobody_to_tell(void)
{
        wr_sentence(wr_rights_error, sizeof(wr_rights_error), "a name and somebody to tell are missing");
        return WEIR_E_USAGE;
}

enum weir_result WEIR_CALL
weir_names_of_package(const char *package, const char *const *capabilities, weir_fact_visit *visit, void *user)
{
        const struct teller to = { visit, user };

        return package && visit ? tell_package(&to, package, capabilities) : nobody_to_tell();
}

/* ---- a Flatpak ------------------------------------------------------------------------------------------------- */

enum weir_result WEIR_CALL
weir_names_of_flatpak(const char *id, weir_fact_visit *visit, void *user)
{
        const char *capabilities[WR_CAPABILITIES_MAX + 1] = { NULL };
        const struct teller to = { visit, user };
        struct wr_flatpak flatpak = { .name = "" };
        char sentence[WR_BROKER_ERROR_MAX];
        enum weir_result result, found;

        if (!id || !visit)
                return nobody_to_tell();
        if (!wr_identity_package_valid(id)) {
                wr_sentence(wr_rights_error, sizeof(wr_rights_error), "'%.200s' is no application id", id);
                return WEIR_E_USAGE;
        }
        found = wr_rights_flatpak(id, &flatpak, sentence, sizeof(sentence));
        for (uint32_t i = 0; found == WEIR_OK && i < flatpak.capability_count; i++)
                capabilities[i] = flatpak.capabilities[i];
        result = tell_package(&to, id, capabilities);
        if (result < 0 || found == WEIR_OK)
                return result;
        wr_sentence(wr_rights_error, sizeof(wr_rights_error), "%s", sentence);
        return found;
}

/* ---- a process ------------------------------------------------------------------------------------------------- */

/* A group by its name where this machine knows it at once; of Linux by its number. */
static void
tell_group(const struct teller *to, const struct wr_sid *sid)
{
        char text[WR_SID_TEXT_MAX];

        if (wr_sid_is_unix(sid, NULL, NULL) || !wr_user_name(sid, text, sizeof(text)))
                wr_user_text(sid, text, sizeof(text));
        tell(to, "group", text);
        tell_sid(to, "group_sid", sid);
}

/* All SIDs that are there for this use. */
static void
tell_sids(const struct teller *to, const struct wr_identity *identity, enum wr_sid_use wanted, const char *key)
{
        enum wr_sid_use use;
        struct wr_sid sid;
        size_t at = 0;

        while (wr_sid_list_next(&identity->sids, &at, &sid, &use)) {
                if (use == wanted && wanted == WR_SID_GROUP)
                        tell_group(to, &sid);
                else if (use == wanted)
                        tell_sid(to, key, &sid);
        }
}

static void
tell_user(const struct teller *to, const struct wr_identity *identity)
{
        char name[WR_SID_TEXT_MAX], text[512];

        wr_identity_text(identity, text, sizeof(text));
        tell(to, "identity", text);
        if (!wr_user_name(&identity->user, name, sizeof(name)))
                wr_user_text(&identity->user, name, sizeof(name));
        tell(to, "user", name);
        tell_sid(to, "user_sid", &identity->user);
        tell_sids(to, identity, WR_SID_GROUP, "group_sid");
        tell_sids(to, identity, WR_SID_DENY_ONLY, "deny_only_sid");
        tell_sids(to, identity, WR_SID_RESTRICTING, "restricting_sid");
}

static enum weir_result
tell_process(const struct teller *to, const struct wr_identity *identity)
{
        static const char *const trusts[] = {
                [WR_TRUST_FULL] = "full", [WR_TRUST_PACKAGE] = "package", [WR_TRUST_CONFINED] = "confined"
        };
        const char *capabilities[WR_CAPABILITIES_MAX + 1] = { NULL };
        enum weir_result result = WEIR_OK;

        tell_user(to, identity);
        for (uint32_t i = 0; i < identity->capability_count; i++)
                capabilities[i] = identity->capabilities[i];
        if (identity->trust == WR_TRUST_PACKAGE)
                result = tell_package(to, identity->package, capabilities);
        else
                tell(to, "package", identity->package);
        tell_sids(to, identity, WR_SID_CAPABILITY, "capability_sid");
        if (identity->has_token)
                tell(to, "integrity", wr_identity_integrity_text(identity->integrity));
        tell(to, "trust", trusts[identity->trust]);
        return result;
}

enum weir_result WEIR_CALL
weir_names_of_process(uint32_t pid, weir_fact_visit *visit, void *user)
{
        const struct teller to = { visit, user };
        struct wr_identity identity;
        enum weir_result result;

        if (!visit)
                return nobody_to_tell();
        result = wr_identity_of_process(pid ? pid : wr_user_process(), &identity, wr_rights_error,
                                        sizeof(wr_rights_error));
        return result < 0 ? result : tell_process(&to, &identity);
}
