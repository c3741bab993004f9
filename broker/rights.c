/*
 * The functions of rights.h that read and edit the policy file. Each loads the file anew: what it says is what a broker
 * that starts now would do.
 */
#include "broker/rights.h"

#include "broker/policy_edit.h"
#include "broker/policy_explain.h"
#include "broker/policy_file.h"
#include "broker/rights_error.h"
#include "broker/rights_system.h"
#include "broker/settings.h"
#include "bus/topic.h"
#include "named-objects/config.h"
#include "named-objects/file.h"
#include "named-objects/rights/sddl.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_ROOM = WR_POLICY_PATH_MAX, ROOM = WR_BROKER_ERROR_MAX };

_Thread_local char wr_rights_error[WR_BROKER_ERROR_MAX];

static_assert((int)WEIR_MAY_SUBSCRIBE == (int)WR_MAY_SUBSCRIBE && (int)WEIR_MAY_PUBLISH == (int)WR_MAY_PUBLISH &&
                      (int)WEIR_MAY_MAP == (int)WR_MAY_MAP && (int)WEIR_MAY_OBSERVE == (int)WR_MAY_OBSERVE &&
                      (int)WEIR_MAY_STALL == (int)WR_MAY_STALL,
              "rights are the same numbers inside and outside");

const char *WEIR_CALL
weir_rights_error(void)
{
        return wr_rights_error;
}

static enum weir_result
wrong(const char *what)
{
        wr_sentence(wr_rights_error, ROOM, "%s", what);
        return WEIR_E_USAGE;
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

enum weir_result WEIR_CALL
weir_policy_path(const char *given, char *path, size_t room)
{
        char chosen[2 * PATH_ROOM];

        if (!path || room == 0)
                return wrong("weir_policy_path has nowhere to put the path");
        wr_settings_config(chosen, sizeof(chosen), given);
        if (strlen(chosen) >= room || strlen(chosen) >= PATH_ROOM)
                return wrong("the policy file's path is too long");
        wr_sentence(path, room, "%s", chosen);
        return WEIR_OK;
}

/* The user of the broker whose policy this is: of the system's file the one that its service runs as, where that is
 * installed; else we ourselves. */
static struct wr_sid
own_user(const char *path)
{
        char system[PATH_ROOM];
        struct wr_sid user;

        wr_config_system_path(system, sizeof(system));
        return strcmp(path, system) == 0 && wr_user_of_service(&user) ? user : wr_user_self();
}

/* A policy, and the text that it was made of; NULL where there is no file. */
struct loaded {
        struct wr_policy *policy;
        char *text;
        size_t size;
        char path[PATH_ROOM];
};

static void
unload(struct loaded *loaded)
{
        wr_policy_close(loaded->policy);
        free(loaded->text);
}

static enum weir_result
load(const char *given, struct loaded *loaded)
{
        char path[2 * PATH_ROOM];
        bool is_named = wr_settings_config(path, sizeof(path), given);
        enum weir_result result;

        *loaded = (struct loaded){ 0 };
        result = weir_policy_path(given, loaded->path, sizeof(loaded->path));
        if (result < 0)
                return result;
        result = wr_file_read(path, WR_POLICY_FILE_MAX, &loaded->text, &loaded->size, wr_rights_error, ROOM);
        if (result == WEIR_OK)
                result = wr_policy_parse(&loaded->policy, loaded->text, loaded->size, path, own_user(path),
                                         wr_rights_error, ROOM);
        else if (result == WEIR_EMPTY && !is_named)
                result = wr_policy_load(&loaded->policy, NULL, path, own_user(path), wr_rights_error, ROOM);
        else if (result == WEIR_EMPTY)
                result = wr_policy_missing(path, wr_rights_error, ROOM);
        else
                result = WEIR_E_USAGE;
        if (result == WEIR_OK && !is_named)
                wr_policy_set_default(loaded->policy);
        if (result < 0)
                unload(loaded);
        return result;
}

enum weir_result WEIR_CALL
weir_policy_check(const char *path)
{
        struct loaded loaded;
        enum weir_result result = load(path, &loaded);

        if (result == WEIR_OK)
                unload(&loaded);
        return result;
}

/* ---- other users ----------------------------------------------------------------------------------------------- */

/* Does the rule let in others than the broker's own user? */
static bool
names_others(const char *path, const char *principal)
{
        const struct wr_sid own = own_user(path);
        struct principal read;
        char what[256];

        if (wr_policy_principal_read(principal, &read, what, sizeof(what)))
                return false;
        return read.kind == PRINCIPAL_GROUP || (read.kind == PRINCIPAL_USER && !wr_sid_equal(&read.sid, &own));
}

/* ---- explain --------------------------------------------------------------------------------------------------- */

static enum weir_result
groups_fill(const struct weir_subject *subject, struct wr_identity *identity)
{
        struct wr_sid group;

        if (!subject->groups) {
                wr_user_groups(&identity->user, &identity->sids);
                return WEIR_OK;
        }
        for (size_t i = 0; subject->groups[i]; i++) {
                if (i == WR_GROUPS_MAX)
                        return wrong("at most 128 groups");
                if (!wr_policy_group_find(subject->groups[i], &group)) {
                        wr_sentence(wr_rights_error, ROOM, "there is no group '%.100s' on this machine",
                                    subject->groups[i]);
                        return WEIR_E_USAGE;
                }
                wr_sid_list_add(&identity->sids, &group, WR_SID_GROUP);
        }
        return WEIR_OK;
}

static enum weir_result
package_fill(const struct weir_subject *subject, struct wr_identity *identity)
{
        if (!wr_identity_package_valid(subject->package))
                return wrong("this is no name of a package: letters, digits, '.', '-' and '_'");
        identity->trust = WR_TRUST_PACKAGE;
        wr_sentence(identity->package, sizeof(identity->package), "%s", subject->package);
        for (size_t i = 0; subject->capabilities && subject->capabilities[i]; i++) {
                if (i == WR_CAPABILITIES_MAX)
                        return wrong("a package has at most 32 capabilities");
                if (!wr_identity_capability_valid(subject->capabilities[i]))
                        return wrong("this is no name of a capability: letters, digits, '.', '-' and '_', at most 64");
                wr_sentence(identity->capabilities[identity->capability_count++], sizeof(identity->capabilities[0]),
                            "%s", subject->capabilities[i]);
        }
        return WEIR_OK;
}

static enum weir_result
identity_make(const struct weir_subject *subject, struct wr_identity *identity)
{
        enum weir_result result;

        memset(identity, 0, sizeof(*identity));
        if (subject && subject->size != sizeof(*subject))
                return wrong("subject->size is not that of this version's struct weir_subject");
        if (subject && subject->pid != 0)
                return wr_identity_of_process(subject->pid, identity, wr_rights_error, ROOM);
        wr_sentence(identity->why, sizeof(identity->why), "as asked");
        identity->trust = WR_TRUST_FULL;
        identity->user = wr_user_self();
        if (!subject) {
                wr_user_groups(&identity->user, &identity->sids);
                return WEIR_OK;
        }
        if (subject->user && !wr_policy_user_find(subject->user, &identity->user)) {
                wr_sentence(wr_rights_error, ROOM, "there is no user '%.100s' on this machine", subject->user);
                return WEIR_E_USAGE;
        }
        result = groups_fill(subject, identity);
        if (result == WEIR_OK && subject->package)
                return package_fill(subject, identity);
        if (subject->confined)
                identity->trust = WR_TRUST_CONFINED;
        return result;
}

/* What the file would say if the command were typed: the proof that it helps. */
static void
mend_tell(const struct loaded *loaded, const struct wr_policy_lack *lack, const char *topic, uint32_t rights,
          struct weir_verdict *verdict)
{
        const char *text = loaded->text;
        size_t size = loaded->size;
        char *made = NULL, sentence[512];
        struct wr_policy_edited edited = { 0 };

        for (unsigned i = 0; i < lack->count; i++) {
                struct wr_policy_change change = { true, topic, lack->principals[i], rights };

                if (wr_policy_edit(text, size, loaded->path, own_user(loaded->path), &change, &edited, sentence,
                                   sizeof(sentence)) < 0)
                        break;
                if (edited.text) {
                        free(made);
                        text = made = edited.text;
                        size = edited.size;
                }
        }
        if (edited.rule[0])
                wr_sentence(verdict->mend, sizeof(verdict->mend), "[topic.\"%s\"] %s", topic, edited.rule);
        free(made);
}

static void
verdict_fill(const struct loaded *loaded, const struct wr_identity *identity, const char *topic,
             struct weir_verdict *verdict)
{
        const struct entry *entry = wr_policy_entry(loaded->policy, topic);
        const struct wr_sid own = own_user(loaded->path);
        struct wr_policy_lack lack;
        struct wr_access access;

        wr_access_check(&entry->descriptor, wr_policy_token_of(loaded->policy, identity), &wr_topic_mapping,
                        verdict->wanted, &access);
        verdict->granted = verdict->wanted & ~access.missing;
        verdict->line = entry->line;
        wr_identity_text(identity, verdict->who, sizeof(verdict->who));
        wr_sentence(verdict->file, sizeof(verdict->file), "%s", loaded->path);
        wr_sentence(verdict->rule, sizeof(verdict->rule), "%s", entry->topic);
        wr_sddl_print(&entry->descriptor, NULL, verdict->sddl, sizeof(verdict->sddl));
        wr_policy_explain(loaded->policy, entry, identity, topic, &access, verdict->text, sizeof(verdict->text));
        if (!wr_sid_equal(&identity->user, &own))
                wr_rights_others_note(verdict->note, sizeof(verdict->note));
        if (verdict->granted == verdict->wanted)
                return;
        wr_policy_lack(loaded->policy, entry, identity, &access, &lack);
        wr_policy_command(loaded->policy, &lack, topic, access.missing, verdict->command, sizeof(verdict->command));
        mend_tell(loaded, &lack, topic, access.missing, verdict);
}

enum weir_result WEIR_CALL
weir_policy_explain(const char *path, const struct weir_subject *subject, const char *topic, uint32_t rights,
                    struct weir_verdict *verdict)
{
        struct wr_identity identity;
        struct loaded loaded;
        const char *why = "";
        enum weir_result result;

        if (!verdict || verdict->size != sizeof(*verdict))
                return wrong("verdict->size is not that of this version's struct weir_verdict");
        *verdict = (struct weir_verdict){ .size = sizeof(*verdict), .wanted = rights };
        if (!topic || !wr_topic_valid(topic, &why)) {
                wr_sentence(wr_rights_error, ROOM, "'%.200s' is no topic: %s", topic ? topic : "", why);
                return WEIR_E_USAGE;
        }
        if (rights == 0 || rights & ~(uint32_t)ALL_RIGHTS)
                return wrong("name at least one right: subscribe, publish, map, observe, stall");
        result = identity_make(subject, &identity);
        if (result == WEIR_OK)
                result = load(path, &loaded);
        if (result < 0)
                return result;
        verdict_fill(&loaded, &identity, topic, verdict);
        unload(&loaded);
        return verdict->granted == verdict->wanted ? WEIR_OK : WEIR_E_DENIED;
}

/* ---- show ------------------------------------------------------------------------------------------------------ */

struct showing {
        weir_rule_visit *visit;
        void *user;
        char *sddl;
};

static bool
rule_show(const struct showing *showing, struct weir_rule rule)
{
        rule.size = sizeof(rule);
        rule.sddl = showing->sddl;
        return showing->visit(showing->user, &rule) == 0;
}

/* False: the caller wants no more, or there is no memory. */
static bool
entry_show(struct showing *showing, const struct wr_policy *policy, const struct entry *entry)
{
        struct weir_rule rule = { .entry = entry->line ? entry->topic : "**", .entry_line = entry->line };
        size_t length = wr_sddl_print(&entry->descriptor, NULL, NULL, 0);
        char own[WR_SID_TEXT_MAX + 8], user[WR_SID_TEXT_MAX];
        bool goes_on = true;

        showing->sddl = malloc(length + 1);
        if (!showing->sddl)
                return false;
        wr_sddl_print(&entry->descriptor, NULL, showing->sddl, length + 1);
        if (entry->line == 0) {
                wr_user_text(&policy->own_user, user, sizeof(user));
                wr_sentence(own, sizeof(own), "user:%s", user);
                rule.rights = ALL_RIGHTS;
                rule.principal = own;
                goes_on = rule_show(showing, rule);
        } else if (entry->sddl_line) {
                rule.line = entry->sddl_line;
                goes_on = rule_show(showing, rule);
        }
        for (int i = 0; i < RIGHTS && goes_on; i++)
                for (const struct principal *each = entry->rules[i].first; each && goes_on; each = each->next) {
                        rule.line = entry->rules[i].line;
                        rule.rights = wr_policy_rule_mask(entry, i);
                        rule.principal = each->text;
                        goes_on = rule_show(showing, rule);
                }
        free(showing->sddl);
        return goes_on;
}

enum weir_result WEIR_CALL
weir_policy_show(const char *path, const char *topic, weir_rule_visit *visit, void *user)
{
        struct showing showing = { visit, user, NULL };
        struct loaded loaded;
        const char *why;
        enum weir_result result;
        bool goes_on = true;

        if (!visit)
                return wrong("weir_policy_show has nobody to tell");
        if (topic && !wr_topic_valid(topic, &why)) {
                wr_sentence(wr_rights_error, ROOM, "'%.200s' is no topic: %s", topic, why);
                return WEIR_E_USAGE;
        }
        result = load(path, &loaded);
        if (result < 0)
                return result;
        if (topic)
                entry_show(&showing, loaded.policy, wr_policy_entry(loaded.policy, topic));
        for (const struct entry *each = loaded.policy->entries; each && !topic && goes_on; each = each->next)
                goes_on = entry_show(&showing, loaded.policy, each);
        if (!topic && goes_on)
                entry_show(&showing, loaded.policy, loaded.policy->fallback);
        unload(&loaded);
        return WEIR_OK;
}

/* ---- edit ------------------------------------------------------------------------------------------------------ */

static enum weir_result
edit(struct wr_file *file, const char *path, const struct wr_policy_change *change, struct weir_edit *done)
{
        struct wr_policy_edited edited;
        enum weir_result result =
                wr_policy_edit(file->text, file->size, path, own_user(path), change, &edited, wr_rights_error, ROOM);

        if (result < 0)
                return result;
        if (edited.text)
                result = wr_file_replace(file, edited.text, edited.size, wr_rights_error, ROOM);
        if (done) {
                done->line = edited.line ? edited.line : edited.entry_line;
                done->changed = edited.text != NULL;
                wr_sentence(done->file, sizeof(done->file), "%s", path);
                wr_sentence(done->entry, sizeof(done->entry), "%s",
                            edited.text || edited.line ? change->topic : edited.entry);
                wr_sentence(done->rule, sizeof(done->rule), "%s", edited.rule);
                if (change->allow && names_others(path, change->principal))
                        wr_rights_others_note(done->note, sizeof(done->note));
        }
        free(edited.text);
        return result;
}

enum weir_result WEIR_CALL
weir_policy_edit(const char *path, int allow, const char *topic, const char *principal, uint32_t rights,
                 struct weir_edit *done)
{
        struct wr_policy_change change = { allow != 0, topic, principal, rights };
        char chosen[PATH_ROOM];
        struct wr_file file;
        enum weir_result result;

        if (!topic || !principal)
                return wrong("which topic, and whom? One of them is NULL");
        if (done && done->size != sizeof(*done))
                return wrong("edit->size is not that of this version's struct weir_edit");
        if (done)
                *done = (struct weir_edit){ .size = sizeof(*done) };
        result = weir_policy_path(path, chosen, sizeof(chosen));
        if (result == WEIR_OK)
                result = wr_file_open(&file, chosen, WR_POLICY_FILE_MAX, wr_rights_error, ROOM);
        if (result < 0)
                return result;
        result = edit(&file, chosen, &change, done);
        wr_file_close(&file);
        return result;
}
