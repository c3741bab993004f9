/*
 * A decision in sentences. Each right gets one line, in it each half that was asked gets one sentence, and a half where
 * no entry grants says what came closest: an entry that would, were it not for its condition, for a group that counts
 * for denials only, ...
 */
#include "named-objects/rights/access_explain.h"

#include "named-objects/rights/access_walk.h"
#include "named-objects/rights/sddl.h"

#include "bus/os/printf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ENTRY_ROOM = 400, NAME_ROOM = 200 };

/* Text that grows in room which may end at any place. */
struct page {
        char *text;
        size_t room, used;
};

/* All that a sentence may speak of. */
struct view {
        const struct wr_descriptor *descriptor;
        const struct wr_token *token;
        const struct wr_access *access;
        const struct wr_access_words *words;
        struct page *page;
};

static const struct wr_right_name standard_rights[] = {
        { 0x10000, "delete" },
        { WR_READ_CONTROL, "read_control" },
        { WR_WRITE_DAC, "write_dac" },
        { WR_WRITE_OWNER, "write_owner" },
        { WR_SYNCHRONIZE, "synchronize" },
        { WR_ACCESS_SYSTEM_SECURITY, "access_system_security" },
        { 0, NULL },
};

__attribute__((format(WR_PRINTF, 2, 3))) static void
add(struct page *page, const char *format, ...)
{
        bool fits = page->used < page->room;
        va_list values;
        int length;

        va_start(values, format);
        length = vsnprintf(fits ? page->text + page->used : NULL, fits ? page->room - page->used : 0, format, values);
        va_end(values);
        if (length > 0)
                page->used += (size_t)length;
}

static const char *
name_in(const struct wr_right_name *names, uint32_t right)
{
        for (; names != NULL && names->right != 0; names++)
                if (names->right == right)
                        return names->name;
        return NULL;
}

static void
add_right(struct page *page, uint32_t right, const struct wr_access_words *words)
{
        const char *name = words != NULL ? name_in(words->rights, right) : NULL;

        if (name == NULL)
                name = name_in(standard_rights, right);
        if (name != NULL)
                add(page, "%s", name);
        else
                add(page, "right 0x%x", (unsigned)right);
}

static void
add_rights(struct page *page, uint32_t mask, const struct wr_access_words *words)
{
        const char *comma = "";

        for (unsigned bit = 0; bit < 32; bit++) {
                if ((mask >> bit & 1) == 0)
                        continue;
                add(page, "%s", comma);
                add_right(page, (uint32_t)1 << bit, words);
                comma = ", ";
        }
}

static const char *
who(const struct wr_access_words *words)
{
        return words != NULL && words->who != NULL ? words->who : "the process";
}

/* A condition may be long: what finds no room ends in dots, on the border of a character. */
static void
add_entry(struct page *page, const struct wr_ace *ace, const struct wr_access_words *words)
{
        char entry[ENTRY_ROOM] = "", name[NAME_ROOM] = "";

        if (wr_sddl_print_ace(ace, NULL, entry, sizeof(entry)) >= sizeof(entry)) {
                size_t end = sizeof(entry) - sizeof("...)");

                while (end > 0 && ((unsigned char)entry[end] & 0xc0) == 0x80)
                        end--;
                memcpy(entry + end, "...)", sizeof("...)"));
        }
        add(page, "%s", entry);
        if (words != NULL && words->name != NULL && words->name(words->user, &ace->sid, name, sizeof(name)) != 0)
                add(page, " [%s]", name);
}

static bool
find_entry(const struct wr_descriptor *descriptor, uint32_t index, struct wr_ace *ace)
{
        size_t place = 0;

        for (uint32_t at = 0; wr_acl_next(&descriptor->dacl, &place, ace); at++)
                if (at == index)
                        return true;
        return false;
}

static void
add_numbered(const struct view *view, uint32_t index)
{
        struct wr_ace ace;

        add(view->page, "entry %u", (unsigned)index + 1);
        if (find_entry(view->descriptor, index, &ace)) {
                add(view->page, " ");
                add_entry(view->page, &ace, view->words);
        }
}

static const char *
integrity_name(uint32_t level)
{
        if (level >= WR_INTEGRITY_SYSTEM)
                return "System";
        if (level >= WR_INTEGRITY_HIGH)
                return "High";
        if (level >= WR_INTEGRITY_MEDIUM)
                return "Medium";
        return level >= WR_INTEGRITY_LOW ? "Low" : "Untrusted";
}

static void
add_label(const struct view *view)
{
        struct wr_access_label label;

        wr_access_label(&label, view->descriptor);
        add(view->page, "the object ");
        add(view->page, label.at == WR_NEVER ? "has no label, which counts as " : "has the label ");
        add_entry(view->page, &label.ace, NULL);
        add(view->page, ", and that forbids it to %s, whose integrity is only %s", who(view->words),
            integrity_name(view->token->integrity));
}

static void
add_privilege(const struct view *view, uint32_t right, bool granted)
{
        const char *name = "SeRelabelPrivilege";

        if (right == WR_ACCESS_SYSTEM_SECURITY)
                name = "SeSecurityPrivilege";
        else if ((view->token->privileges & WR_PRIVILEGE_TAKE_OWNERSHIP) != 0)
                name = "SeTakeOwnershipPrivilege";
        if (granted)
                add(view->page, "its privilege %s grants it", name);
        else
                add(view->page, "only the privilege %s grants it, which it does not hold", name);
}

static bool
is_allowing(const struct wr_ace *ace)
{
        return ace->type == WR_ACE_ALLOW || ace->type == WR_ACE_ALLOW_IF;
}

/* Why an entry that allows the right is none for this half, if it is close to being one; else NULL. */
static const char *
near_miss(const struct view *view, enum wr_access_half half, const struct wr_ace *ace)
{
        const struct wr_token *token = view->token;
        bool named = (half == WR_HALF_USER && wr_access_names_user(token, &ace->sid, false)) ||
                     (half == WR_HALF_RESTRICTED && wr_access_names_restricted(token, &ace->sid)) ||
                     (half == WR_HALF_PACKAGE && wr_access_names_package(token, &ace->sid));
        struct wr_token packaged = *token;

        if (named && (ace->flags & WR_ACE_INHERIT_ONLY) != 0)
                return "is for what inherits from the object, not for the object";
        if (named && ace->type == WR_ACE_ALLOW_IF)
                return "does not count, for its condition does not hold";
        if (half == WR_HALF_USER && !named && wr_access_names_user(token, &ace->sid, true))
                return "names one who counts for denials only";
        packaged.container = WR_CONTAINER;
        if (half == WR_HALF_PACKAGE && !named && token->container != WR_NO_CONTAINER &&
            wr_access_names_package(&packaged, &ace->sid))
                return "does not reach a container with as few rights as this one";
        if (half == WR_HALF_PACKAGE && wr_access_names_user(token, &ace->sid, false))
                return "names its user or a group of it, which counts for the user only";
        return NULL;
}

static void
add_near_miss(const struct view *view, enum wr_access_half half, uint32_t right)
{
        struct wr_ace ace;
        size_t place = 0;

        for (uint32_t at = 0; wr_acl_next(&view->descriptor->dacl, &place, &ace); at++) {
                const char *why = near_miss(view, half, &ace);

                if (!is_allowing(&ace) || why == NULL || (wr_access_map(view->access->mapping, ace.mask) & right) == 0)
                        continue;
                add(view->page, "; ");
                add_numbered(view, at);
                add(view->page, " %s", why);
                return;
        }
}

static void
add_nothing(const struct view *view, enum wr_access_half half, uint32_t right)
{
        static const char *const nobody[WR_HALVES] = {
                "no entry allows it to its user or a group of it",
                "no entry allows it to anyone on its second, restricting list",
                "no entry allows it to its package or a capability of it",
        };

        if (!wr_access_no_list(view->descriptor)) {
                add(view->page, "%s", nobody[half]);
                add_near_miss(view, half, right);
        } else if (half == WR_HALF_PACKAGE) {
                add(view->page, "the object has no list, and only an entry of a list admits a package");
        } else {
                add(view->page, "the object has no list, and this is no right that such objects have");
        }
}

/* An entry that denies the package may make a reader wonder why the right is there. */
static void
add_void_denial(const struct view *view, uint32_t right)
{
        struct wr_ace ace;
        size_t place = 0;

        for (uint32_t at = 0; wr_acl_next(&view->descriptor->dacl, &place, &ace); at++) {
                bool denies = ace.type == WR_ACE_DENY || ace.type == WR_ACE_DENY_IF;

                if (!denies || (wr_access_map(view->access->mapping, ace.mask) & right) == 0 ||
                    !wr_access_names_package(view->token, &ace.sid) ||
                    wr_access_names_user(view->token, &ace.sid, true))
                        continue;
                add(view->page, " (");
                add_numbered(view, at);
                add(view->page, " has no effect: packages and capabilities cannot be denied, only not allowed)");
                return;
        }
}

static void
add_half(const struct view *view, enum wr_access_half half, unsigned bit)
{
        const struct wr_decision *decision = &view->access->decisions[half][bit];
        uint32_t right = (uint32_t)1 << bit;

        switch (decision->step) {
        case WR_STEP_UNASKED: add(view->page, "not asked"); break;
        case WR_STEP_NONE: add_nothing(view, half, right); break;
        case WR_STEP_INTEGRITY: add_label(view); break;
        case WR_STEP_PRIVILEGE: add_privilege(view, right, decision->granted); break;
        case WR_STEP_OWNER: add(view->page, "it owns the object"); break;
        case WR_STEP_NO_LIST: add(view->page, "the object has no list, which leaves it open to every user"); break;
        case WR_STEP_ALLOWED:
                add_numbered(view, decision->ace);
                add(view->page, " allows it");
                if (half == WR_HALF_PACKAGE)
                        add_void_denial(view, right);
                break;
        case WR_STEP_DENIED:
                add_numbered(view, decision->ace);
                add(view->page, " denies it");
                break;
        }
}

static void
add_line(const struct view *view, unsigned bit)
{
        static const char *const names[WR_HALVES] = { "As user", "As restricted", "As package" };
        bool granted = true;

        for (int half = 0; half < WR_HALVES; half++)
                granted &= view->access->decisions[half][bit].granted;
        add(view->page, "  ");
        add_right(view->page, (uint32_t)1 << bit, view->words);
        add(view->page, granted ? ": granted." : ": denied.");
        for (int half = 0; half < WR_HALVES; half++) {
                if (view->access->decisions[half][bit].step == WR_STEP_UNASKED)
                        continue;
                add(view->page, " %s: ", names[half]);
                add_half(view, (enum wr_access_half)half, bit);
                add(view->page, ".");
        }
        add(view->page, "\n");
}

static size_t
finish(const struct page *page)
{
        if (page->room != 0 && page->used == 0)
                page->text[0] = 0;
        return page->used;
}

size_t
wr_access_explain(const struct wr_descriptor *descriptor, const struct wr_token *token, const struct wr_access *access,
                  const struct wr_access_words *words, char *text, size_t room)
{
        struct page page = { .text = text, .room = room };
        struct view view = { descriptor, token, access, words, &page };
        uint32_t told = access->desired | access->mask;

        if (access->granted) {
                add(&page, "granted: %s has ", who(words));
                add_rights(&page, access->mask, words);
        } else if (access->missing != 0) {
                add(&page, "denied: %s lacks ", who(words));
                add_rights(&page, access->missing, words);
        } else if (access->maximum) {
                add(&page, "denied: %s has no right at all", who(words));
        } else {
                add(&page, "denied: nothing was asked for");
        }
        add(&page, ".\n");
        for (unsigned bit = 0; bit < 32; bit++)
                if ((told >> bit & 1) != 0)
                        add_line(&view, bit);
        return finish(&page);
}

size_t
wr_access_explain_half(const struct wr_descriptor *descriptor, const struct wr_token *token,
                       const struct wr_access *access, enum wr_access_half half, unsigned bit,
                       const struct wr_access_words *words, char *text, size_t room)
{
        struct page page = { .text = text, .room = room };
        struct view view = { descriptor, token, access, words, &page };

        add_half(&view, half, bit);
        return finish(&page);
}

static void
add_place(struct page *page, const struct wr_mend *mend)
{
        if (mend->new_list)
                add(page, "as the list that the object does not have yet");
        else if (mend->list_count == 0)
                add(page, "as the first entry of the list");
        else if (mend->at == mend->list_count)
                add(page, "behind entry %u, the last", (unsigned)mend->at);
        else
                add(page, "in front of entry %u, which denies", (unsigned)mend->at + 1);
}

size_t
wr_access_explain_mend(const struct wr_mend *mend, const struct wr_access_words *words, char *text, size_t room)
{
        struct page page = { .text = text, .room = room };

        if (mend->impossible != NULL) {
                add(&page, "nothing mends it: %s\n", mend->impossible);
                return finish(&page);
        }
        if (mend->relabel) {
                add(&page, "give the object the label ");
                add_entry(&page, &mend->label, NULL);
                add(&page, mend->label_at == WR_MEND_NO_LABEL ? "\n" : " instead of its own\n");
        }
        for (uint32_t i = 0; i < mend->entry_count; i++) {
                add(&page, "add ");
                add_entry(&page, &mend->entries[i], words);
                add(&page, " ");
                add_place(&page, mend);
                add(&page, "\n");
        }
        if ((mend->privileges & WR_PRIVILEGE_SECURITY) != 0)
                add(&page, "give %s the privilege SeSecurityPrivilege\n", who(words));
        return finish(&page);
}

size_t
wr_access_explain_rights(uint32_t mask, const struct wr_access_words *words, char *text, size_t room)
{
        struct page page = { .text = text, .room = room };

        add_rights(&page, mask, words);
        return finish(&page);
}
