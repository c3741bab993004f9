/*
 *      'cam/front' is decided by [topic."c*"] in line 3 of /etc/weir/broker.conf
 *      denied: package:org.weir.Stranger lacks subscribe.
 *        subscribe: denied. User: ... Package: ...
 *      entry 1 is line 4: (A;;CC;;;S-1-22-1-1000) grants subscribe to user:1000
 */
#include "broker/policy_explain.h"

#include "named-objects/identity_token.h"
#include "named-objects/rights/access_explain.h"
#include "named-objects/rights/access_walk.h"
#include "named-objects/rights/package.h"
#include "named-objects/rights/sddl.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include "bus/os/printf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ENTRIES_SHOWN_MAX = 64 };

static const struct wr_right_name names[] = {
        { WR_MAY_SUBSCRIBE, "subscribe" }, { WR_MAY_PUBLISH, "publish" }, { WR_MAY_MAP, "map" },
        { WR_MAY_OBSERVE, "observe" },     { WR_MAY_STALL, "stall" },     { 0, NULL },
};

/* The SIDs of Linux' users and groups are numbers already; of all others only those are known that the rules or the
 * identity name. */
struct known {
        const struct entry *entry;
        const struct wr_identity *identity;
};

static bool
is_package(const struct wr_sid *sid, const char *name)
{
        struct wr_sid its;

        return wr_identity_package_sid(name, &its) && wr_sid_equal(sid, &its);
}

static bool
is_capability(const struct wr_sid *sid, const char *name)
{
        struct wr_sid its;

        return wr_package_capability_sid(&its, name, strlen(name)) && wr_sid_equal(sid, &its);
}

/* Whom a line of the entry names so. */
static const char *
listed_name(const struct entry *entry, const struct wr_sid *sid)
{
        for (int i = 0; i < RIGHTS; i++)
                for (const struct principal *each = entry->rules[i].first; each; each = each->next)
                        if (((each->kind == PRINCIPAL_USER || each->kind == PRINCIPAL_GROUP) &&
                             wr_sid_equal(sid, &each->sid)) ||
                            (each->kind == PRINCIPAL_PACKAGE && is_package(sid, each->name)) ||
                            (each->kind == PRINCIPAL_CAPABILITY && is_capability(sid, each->name)))
                                return each->text;
        return NULL;
}

static size_t
name_of(void *user, const struct wr_sid *sid, char *text, size_t room)
{
        const struct known *known = user;
        const char *listed = listed_name(known->entry, sid);
        struct wr_sid confined;
        uint32_t number;
        bool is_group;

        if (wr_sid_is_unix(sid, &number, &is_group))
                return (size_t)snprintf(text, room, "%s:%" PRIu32, is_group ? "group" : "user", number);
        if (listed)
                return (size_t)snprintf(text, room, "%s", listed);
        if (wr_package_sid(&confined, WR_POLICY_CONFINED, strlen(WR_POLICY_CONFINED)) && wr_sid_equal(sid, &confined))
                return (size_t)snprintf(text, room, WR_POLICY_CONFINED);
        if (known->identity->package[0] && is_package(sid, known->identity->package))
                return (size_t)snprintf(text, room, "package:%s", known->identity->package);
        return 0;
}

struct page {
        char *text;
        size_t room;
};

__attribute__((format(WR_PRINTF, 2, 3))) static void
say(struct page *page, const char *format, ...)
{
        size_t length = strlen(page->text);
        va_list values;

        va_start(values, format);
        vsnprintf(page->text + length, page->room - length, format, values);
        va_end(values);
}

/* What the letters of an entry come to, in words. The label of an object has no rights. */
static void
rights_tell(struct page *page, const struct wr_ace *ace)
{
        bool denies = ace->type == WR_ACE_DENY || ace->type == WR_ACE_DENY_IF, is_first = true;
        uint32_t rights = wr_access_map(&wr_topic_mapping, ace->mask);

        if (!denies && ace->type != WR_ACE_ALLOW && ace->type != WR_ACE_ALLOW_IF)
                return;
        say(page, denies ? " denies" : " grants");
        for (const struct wr_right_name *each = names; each->name; each++) {
                if ((rights & each->right) == 0)
                        continue;
                say(page, "%s %s", is_first ? "" : ",", each->name);
                is_first = false;
        }
        if (is_first)
                say(page, " nothing");
}

static void
entries_tell(struct page *page, const struct entry *entry, const struct known *known)
{
        char printed[768], name[WR_PACKAGE_MAX + 16];
        struct wr_ace ace;
        size_t at = 0;

        for (uint32_t i = 0; i < ENTRIES_SHOWN_MAX && wr_acl_next(&entry->descriptor.dacl, &at, &ace); i++) {
                wr_sddl_print_ace(&ace, NULL, printed, sizeof(printed));
                say(page, "entry %" PRIu32, i + 1);
                if (entry->line != 0)
                        say(page, " is line %u", entry->ace_lines ? entry->ace_lines[i] : entry->sddl_line);
                say(page, ": %s", printed);
                rights_tell(page, &ace);
                if (name_of((void *)(uintptr_t)known, &ace.sid, name, sizeof(name)) > 0)
                        say(page, " to %s", name);
                say(page, "\n");
        }
}

void
wr_policy_explain(const struct wr_policy *policy, const struct entry *entry, const struct wr_identity *identity,
                  const char *topic, const struct wr_access *access, char *text, size_t room)
{
        struct known known = { entry, identity };
        struct page page = { text, room };
        char who[WR_PACKAGE_MAX + 64], own[WR_SID_TEXT_MAX];
        struct wr_access_words words = { .who = who, .rights = names, .name = name_of, .user = &known };
        size_t length;

        text[0] = '\0';
        wr_policy_who(identity, who, sizeof(who));
        wr_user_text(&policy->own_user, own, sizeof(own));
        if (entry->line != 0)
                say(&page, "'%s' is decided by [topic.\"%s\"] in line %u of %s\n", topic, entry->topic, entry->line,
                    policy->path);
        else
                say(&page, "'%s' has no entry in %s: full trust of user:%s may do all, everybody else nothing\n", topic,
                    policy->path[0] ? policy->path : "the policy, which has no file", own);
        length = strlen(text);
        wr_access_explain(&entry->descriptor, wr_policy_token_of(policy, identity), access, &words, text + length,
                          room - length);
        entries_tell(&page, entry, &known);
}
