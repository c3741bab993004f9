/*
 * One right after the other: find the list, change it, and at the end read the whole as a broker would and see whether
 * the change did what it is for. An entry is exclusive, so one that is new begins with what decided before, or letting
 * somebody in would lock everybody else out.
 *
 *      a list             the principal is added, or taken out
 *      no list            it is written; one of map or observe begins with whom publish and subscribe implied
 *      sddl               entries for the principal in front of the first that denies (or, to take a right away, one
 *                         that denies in front of all), and a label that it can pass
 */
#include "broker/policy_edit.h"

#include "broker/policy_sddl.h"
#include "bus/message.h"
#include "bus/topic.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE_MAX = 3 * WR_TOPIC_MAX }; /* a pattern, and for its "**" twice as many letters as another has segments */

struct edit {
        const struct wr_policy_change *change;
        const char *path;
        struct wr_sid own_user;
        struct wr_policy_text text;
        bool is_changed, is_new;  /* is_new: the text got an entry for it, which counts only with a change in it */
        struct wr_policy *policy; /* of the text as it is now */
        struct principal *principal;
        char before[WR_POLICY_ENTRY_MAX]; /* the entry that decided until this one is there; "": the default */
        unsigned before_line;
        char *sentence;
        size_t room;
};

/* ---- the entry ------------------------------------------------------------------------------------------------- */

static enum weir_result
again(struct edit *e)
{
        wr_policy_close(e->policy);
        e->policy = NULL;
        if (e->text.failed) {
                wr_sentence(e->sentence, e->room, "no memory for the policy's text");
                return WEIR_E_NO_MEMORY;
        }
        return wr_policy_parse(&e->policy, e->text.bytes, e->text.size, e->path, e->own_user, e->sentence, e->room);
}

/* The entry of this very name, or NULL. */
static const struct entry *
entry_named(const struct edit *e)
{
        const struct entry *each = e->policy->entries;

        while (each && strcmp(each->topic, e->change->topic) != 0)
                each = each->next;
        return each;
}

/* A topic of the pattern: its first "**" stands for so many segments, others for none, and a '*' is left as any other
 * letter: what matches it with nothing but a '*' of its own matches whatever stands there. False: there is none. */
static bool
sample(const char *pattern, size_t segments, char topic[SAMPLE_MAX])
{
        size_t length = 0;

        while (*pattern) {
                size_t part = strcspn(pattern, "/");
                bool is_any = part == 2 && strncmp(pattern, "**", 2) == 0;

                for (size_t i = is_any ? segments : 1; i > 0; i--) {
                        assert(length + part + 2 < SAMPLE_MAX);
                        if (length > 0)
                                topic[length++] = '/';
                        memcpy(topic + length, pattern, is_any ? 1 : part);
                        length += is_any ? 1 : part;
                }
                if (is_any)
                        segments = 0;
                pattern += part + (pattern[part] == '/');
        }
        topic[length] = '\0';
        return length > 0;
}

static size_t
segments_of(const char *pattern)
{
        size_t count = 1;

        for (; *pattern; pattern++)
                count += *pattern == '/';
        return count;
}

/* The first segment that is "**", or NULL. It never stands inside of one. */
static const char *
any_of(const char *pattern)
{
        return strstr(pattern, "**");
}

/*
 * Does the entry match all that the pattern matches? What is asked with no segment for the pattern's "**" and with more
 * than the entry has holds for any number of them, as long as the entry's own "**" is its end. Of other entries it is
 * not known, and not said.
 */
static bool
covers(const struct entry *entry, const char *pattern)
{
        const char *any = any_of(entry->topic);
        char topic[SAMPLE_MAX];

        if (any_of(pattern) && any && any[2] != '\0')
                return false;
        if (sample(pattern, 0, topic) && !wr_topic_matches(entry->topic, topic))
                return false;
        return !any_of(pattern) || !sample(pattern, segments_of(entry->topic) + 1, topic) ||
               wr_topic_matches(entry->topic, topic);
}

/*
 * What decided for it so far. From other patterns a new one takes the topics of those that begin with less of the same
 * letters; all its topics must have had the same, or nothing could be written that takes nothing from anybody.
 */
static const struct entry *
entry_before(const struct edit *e)
{
        const char *pattern = e->change->topic;
        size_t prefix = wr_topic_prefix(pattern);
        const struct entry *before = e->policy->fallback;

        if (pattern[prefix] == '\0')
                return wr_policy_entry(e->policy, pattern);
        for (const struct entry *each = e->policy->entries; each; each = each->next)
                if (each->is_pattern && each->prefix < prefix && memcmp(each->topic, pattern, each->prefix) == 0 &&
                    (before->line == 0 || each->prefix > before->prefix))
                        before = each;
        return before->line == 0 || covers(before, pattern) ? before : NULL;
}

static void
lists_copy(struct wr_policy_text *to, const struct entry *from)
{
        for (int i = 0; i < RIGHTS; i++) {
                if (from->rules[i].line == 0)
                        continue;
                wr_policy_text_add(to, wr_right_names[i]);
                wr_policy_text_add(to, " = [");
                for (const struct principal *each = from->rules[i].first; each; each = each->next) {
                        wr_policy_text_quote(to, each->text);
                        wr_policy_text_add(to, each->next ? ", " : "");
                }
                wr_policy_text_add(to, "]\n");
        }
}

static void
default_copy(struct wr_policy_text *to, const struct wr_sid *own_user)
{
        static const char *const names[] = { "subscribe", "publish", "stall" };
        char user[WR_SID_TEXT_MAX] = "", principal[WR_SID_TEXT_MAX + 8];

        if (!wr_user_name(own_user, user, sizeof(user)))
                wr_user_text(own_user, user, sizeof(user));
        wr_sentence(principal, sizeof(principal), "user:%s", user);
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                wr_policy_text_add(to, names[i]);
                wr_policy_text_add(to, " = [");
                wr_policy_text_quote(to, principal);
                wr_policy_text_add(to, "]\n");
        }
}

static enum weir_result
entry_add(struct edit *e)
{
        const struct entry *before = entry_before(e);
        struct wr_policy_text *text = &e->text;

        if (!before) {
                wr_sentence(e->sentence, e->room,
                            "nothing was changed: more than one entry of %s decides for topics of '%s'. Change one of"
                            " those, or name a single topic",
                            e->path, e->change->topic);
                return WEIR_E_USAGE;
        }
        wr_sentence(e->before, sizeof(e->before), "%s", before->line ? before->topic : "");
        e->before_line = before->line;
        if (text->size > 0)
                wr_policy_text_add(text, text->bytes[text->size - 1] == '\n' ? "\n" : "\n\n");
        wr_policy_text_add(text, "[topic.");
        wr_policy_text_quote(text, e->change->topic);
        wr_policy_text_add(text, "]");
        if (before->line == 0) {
                wr_policy_text_add(text, "\n");
                default_copy(text, &e->own_user);
        } else {
                wr_policy_text_add(text, " # begins as ");
                wr_policy_text_quote(text, before->topic);
                wr_policy_text_add(text, "\n");
                if (before->sddl_line) {
                        wr_policy_text_add(text, "sddl = ");
                        wr_policy_sddl_quote(text, &before->descriptor);
                        wr_policy_text_add(text, "\n");
                }
                lists_copy(text, before);
        }
        return again(e);
}

/* ---- a list ---------------------------------------------------------------------------------------------------- */

static char
lower(char c)
{
        return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Names of packages and capabilities are the same in either case, as their SIDs are. */
static bool
is_same(const struct principal *a, const struct principal *b)
{
        size_t i = 0;

        if (a->kind != b->kind)
                return false;
        if (a->kind == PRINCIPAL_USER || a->kind == PRINCIPAL_GROUP)
                return wr_sid_equal(&a->sid, &b->sid);
        while (a->name[i] && lower(a->name[i]) == lower(b->name[i]))
                i++;
        return lower(a->name[i]) == lower(b->name[i]);
}

static bool
is_listed(const struct rule *rule, const struct principal *principal)
{
        for (const struct principal *each = rule->first; each; each = each->next)
                if (is_same(each, principal))
                        return true;
        return false;
}

/* A key more, behind the last one of its entry. */
static void
line_add(struct edit *e, const struct wr_policy_text *line)
{
        struct wr_policy_spot spot;
        size_t at;

        wr_policy_text_find(&e->text, e->change->topic, NULL, &spot);
        at = wr_policy_text_line_end(&e->text, spot.entry_end);
        if (at == 0 || e->text.bytes[at - 1] != '\n') {
                wr_policy_text_add(&e->text, "\n");
                at = e->text.size;
        }
        wr_policy_text_splice(&e->text, at, at, line->bytes, line->size);
        e->text.failed = e->text.failed || line->failed;
}

/* The list of a right that has none: for map and observe, whom publish and subscribe imply comes first. */
static void
list_add(struct edit *e, const struct entry *entry, int index)
{
        bool is_implied = index == wr_policy_right_index(WR_MAY_MAP) || index == wr_policy_right_index(WR_MAY_OBSERVE);
        struct wr_policy_text line = { 0 };
        const char *comma = "";

        wr_policy_text_add(&line, wr_right_names[index]);
        wr_policy_text_add(&line, " = [");
        for (int i = 0; is_implied && i < 2; i++)
                for (const struct principal *each = entry->rules[i].first; each; each = each->next) {
                        if (is_same(each, e->principal) || (i == 1 && is_listed(&entry->rules[0], each)))
                                continue;
                        wr_policy_text_add(&line, comma);
                        wr_policy_text_quote(&line, each->text);
                        comma = ", ";
                }
        if (e->change->allow) {
                wr_policy_text_add(&line, comma);
                wr_policy_text_quote(&line, e->principal->text);
        }
        wr_policy_text_add(&line, "]\n");
        line_add(e, &line);
        free(line.bytes);
}

static void
list_change(struct edit *e, const struct entry *entry, int index)
{
        struct wr_policy_text quoted = { 0 };
        struct wr_policy_spot spot;
        const struct principal *each;
        unsigned at = entry->rules[index].count;

        wr_policy_text_find(&e->text, entry->topic, wr_right_names[index], &spot);
        if (e->change->allow) {
                wr_policy_text_quote(&quoted, e->principal->text);
                wr_policy_text_insert(&e->text, &spot, &quoted);
                free(quoted.bytes);
                return;
        }
        while (at-- > 0) { /* from the last, so that those in front keep their places */
                unsigned i = 0;

                for (each = entry->rules[index].first; i < at; i++)
                        each = each->next;
                if (is_same(each, e->principal))
                        wr_policy_text_remove(&e->text, &spot.elements[at]);
        }
}

/* Is there something to change? */
static bool
list_differs(const struct edit *e, const struct entry *entry, int index)
{
        bool is_implied = index == wr_policy_right_index(WR_MAY_MAP) || index == wr_policy_right_index(WR_MAY_OBSERVE);
        bool has;

        if (entry->rules[index].line == 0 && is_implied)
                has = is_listed(&entry->rules[0], e->principal) || is_listed(&entry->rules[1], e->principal);
        else
                has = is_listed(&entry->rules[index], e->principal);
        return has != e->change->allow;
}

static enum weir_result
lists_edit(struct edit *e)
{
        for (int i = 0; i < RIGHTS; i++) {
                const struct entry *entry = entry_named(e);
                enum weir_result result;

                if (!(e->change->rights >> i & 1) || !list_differs(e, entry, i))
                        continue;
                if (entry->rules[i].line == 0)
                        list_add(e, entry, i);
                else
                        list_change(e, entry, i);
                e->is_changed = true;
                result = again(e);
                if (result < 0)
                        return result;
        }
        return WEIR_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static enum weir_result
sddl_edit(struct edit *e)
{
        const struct entry *entry = entry_named(e);
        struct wr_policy_text quoted = { 0 };
        struct wr_policy_spot spot;
        const char *wrong = NULL;

        if (wr_policy_sddl_says(e->policy, entry, e->principal, e->change->rights, e->change->allow))
                return WEIR_OK;
        wrong = wr_policy_sddl_change(e->policy, entry, e->principal, e->change->rights, e->change->allow, &quoted);
        if (wrong) {
                free(quoted.bytes);
                wr_sentence(e->sentence, e->room, "nothing was changed: %s", wrong);
                return WEIR_E_USAGE;
        }
        wr_policy_text_find(&e->text, entry->topic, "sddl", &spot);
        wr_policy_text_splice(&e->text, spot.value_from, spot.value_to, quoted.bytes, quoted.size);
        e->text.failed = e->text.failed || quoted.failed;
        free(quoted.bytes);
        e->is_changed = true;
        return again(e);
}

/* Did it do what it is for? Taking a name off a list is no use while another line still lets it in. */
static enum weir_result
effect_check(struct edit *e)
{
        const struct entry *entry = entry_named(e);
        char by[160] = "";

        if (wr_policy_sddl_stands(e->policy, entry, e->principal, e->change->rights, e->change->allow))
                return WEIR_OK;
        if (e->change->allow)
                wr_sentence(by, sizeof(by), "something in the entry still refuses %s", e->principal->text);
        else
                wr_policy_sddl_grants(e->policy, entry, e->principal, e->change->rights, by, sizeof(by));
        wr_sentence(e->sentence, e->room, "nothing was changed: %s, in the entry \"%s\" of %s. Change that first", by,
                    entry->topic, e->path);
        return WEIR_E_USAGE;
}

/* The rule as it stands in the file now: its line without the break, or all lines of an array. */
static void
told(struct edit *e, struct wr_policy_edited *edited)
{
        struct wr_policy_spot spot = { 0 };
        size_t from, size;

        for (int i = 0; i < RIGHTS && !spot.has_key; i++)
                if (e->change->rights >> i & 1)
                        wr_policy_text_find(&e->text, e->change->topic, wr_right_names[i], &spot);
        for (int i = 0; i < 2 && !spot.has_key; i++) /* implied, or by descriptor */
                wr_policy_text_find(&e->text, e->change->topic, wr_right_names[i], &spot);
        if (!spot.has_key)
                wr_policy_text_find(&e->text, e->change->topic, "sddl", &spot);
        if (!spot.has_key)
                return;
        for (from = spot.value_from; from > 0 && e->text.bytes[from - 1] != '\n';)
                from--;
        while (e->text.bytes[from] == ' ' || e->text.bytes[from] == '\t')
                from++;
        size = spot.value_to - from;
        if (size >= sizeof(edited->rule))
                size = sizeof(edited->rule) - 1;
        memcpy(edited->rule, e->text.bytes + from, size);
        edited->rule[size] = '\0';
        edited->line = spot.line;
}

static enum weir_result
change_check(struct edit *e, char *what, size_t room)
{
        const struct wr_policy_change *change = e->change;
        const char *why = NULL;

        if (!wr_topic_pattern_valid(change->topic, &why)) {
                wr_sentence(e->sentence, e->room, "'%.200s' is no topic: %s", change->topic, why);
                return WEIR_E_USAGE;
        }
        if (change->rights == 0 || change->rights & ~(uint32_t)ALL_RIGHTS) {
                wr_sentence(e->sentence, e->room, "name at least one right: subscribe, publish, map, observe, stall");
                return WEIR_E_USAGE;
        }
        e->principal = calloc(1, sizeof(*e->principal) + strlen(change->principal) + 1);
        if (!e->principal)
                return WEIR_E_NO_MEMORY;
        strcpy(e->principal->text, change->principal);
        why = wr_policy_principal_read(e->principal->text, e->principal, what, room);
        if (!why)
                return WEIR_OK;
        wr_sentence(e->sentence, e->room, "'%.300s': %s", change->principal, why);
        return WEIR_E_USAGE;
}

static enum weir_result
run(struct edit *e)
{
        char what[256];
        enum weir_result result = change_check(e, what, sizeof(what));

        if (result == WEIR_OK)
                result = again(e);
        if (result < 0)
                return result;
        e->is_new = !entry_named(e);
        if (e->is_new)
                result = entry_add(e);
        if (result == WEIR_OK)
                result = entry_named(e)->sddl_line ? sddl_edit(e) : lists_edit(e);
        return result == WEIR_OK ? effect_check(e) : result;
}

enum weir_result
wr_policy_edit(const char *text, size_t size, const char *path, struct wr_sid own_user,
               const struct wr_policy_change *change, struct wr_policy_edited *edited, char *sentence, size_t room)
{
        struct edit e = { .change = change, .path = path, .own_user = own_user, .sentence = sentence, .room = room };
        enum weir_result result;

        *edited = (struct wr_policy_edited){ 0 };
        wr_sentence(sentence, room, "no memory to edit a policy");
        wr_policy_text_splice(&e.text, 0, 0, text, size);
        result = run(&e);
        if (result == WEIR_OK && e.is_changed) {
                edited->text = e.text.bytes;
                edited->size = e.text.size;
        }
        if (result == WEIR_OK && (e.is_changed || !e.is_new))
                told(&e, edited);
        if (result == WEIR_OK && e.is_new && !e.is_changed) {
                memcpy(edited->entry, e.before, sizeof(edited->entry));
                edited->entry_line = e.before_line;
        }
        if (!edited->text)
                free(e.text.bytes);
        wr_policy_close(e.policy);
        free(e.principal);
        return result;
}
