/*
 * From text to bytes. The text is first cut into its components and each list into its entries, by their parentheses
 * alone; then each piece is read by itself:
 *
 *      O:SY G:BA D:P(A;;LC;;;WD)(XA;;FR;;;WD;(Exists WIN://PKG)) S:(ML;;NW;;;LW)
 *      ‾‾‾‾ ‾‾‾‾ ‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾ ‾‾‾‾‾‾‾‾‾‾‾‾‾‾
 * A letter and a colon outside parentheses begin a component, wherever they stand: in O:S-1-2-0x2D:P the D is no digit.
 */
#include "named-objects/rights/acl.h"
#include "named-objects/rights/condition.h"
#include "named-objects/rights/line.h"
#include "named-objects/rights/sddl.h"
#include "named-objects/rights/sddl_names.h"
#include "named-objects/rights/sid_alias.h"

#include <string.h>

enum component { OWNER, GROUP, DACL, SACL, COMPONENTS };

static const char letters[COMPONENTS] = { 'O', 'G', 'D', 'S' };

/* type;flags;rights;object;inherited object;who;condition */
enum field { TYPE, FLAGS, RIGHTS, OBJECT, INHERITED_OBJECT, WHO, CONDITION, FIELDS };

struct span {
        size_t at, end;
};

struct reader {
        const char *text;
        size_t size;
        const struct wr_sddl_realm *realm;
        struct wr_sddl_error *error;
        struct span components[COMPONENTS]; /* an end of 0: not there */
        struct wr_draft draft;
};

/* Notes where and what, with the text in `quoted` between the two halves of the sentence. Always false. */
static bool
fail_word(struct reader *r, struct span quoted, const char *what, const char *rest)
{
        struct wr_line line;

        r->error->at = quoted.at;
        wr_line_begin(&line, r->error->what, sizeof(r->error->what));
        wr_line_add(&line, what);
        if (rest != NULL) {
                wr_line_quote(&line, r->text + quoted.at, quoted.end - quoted.at);
                wr_line_add(&line, rest);
        }
        return false;
}

static bool
fail(struct reader *r, size_t at, const char *what)
{
        return fail_word(r, (struct span){ at, at }, what, NULL);
}

static struct span
skip_blanks(const struct reader *r, struct span span)
{
        while (span.at < span.end && r->text[span.at] == ' ')
                span.at++;
        return span;
}

static bool
begins_component(const struct reader *r, size_t at, enum component *which)
{
        const char *found = at + 1 < r->size ? memchr(letters, r->text[at], sizeof(letters)) : NULL;

        if (found == NULL || r->text[at + 1] != ':')
                return false;
        *which = (enum component)(found - letters);
        return true;
}

/* Follows parentheses, and quotes within them; returns where the depth is 0 again, 0 if it never is. */
static size_t
behind_parentheses(const struct reader *r, size_t at, size_t end)
{
        size_t depth = 0;
        bool quoted = false;

        for (; at < end; at++) {
                if (r->text[at] == '"')
                        quoted = !quoted;
                if (quoted)
                        continue;
                depth += r->text[at] == '(';
                if (r->text[at] == ')' && --depth == 0)
                        return at + 1;
        }
        return 0;
}

/* An entry without an end reaches to the end of the text. */
static size_t
component_end(const struct reader *r, size_t at)
{
        enum component next;

        while (at < r->size && !begins_component(r, at, &next)) {
                size_t behind = r->text[at] == '(' ? behind_parentheses(r, at, r->size) : at + 1;

                at = behind != 0 ? behind : r->size;
        }
        return at;
}

static bool
components_find(struct reader *r)
{
        struct span rest = skip_blanks(r, (struct span){ 0, r->size });
        enum component which;

        if (rest.at == rest.end)
                return fail(r, 0, "there is no text");
        while (rest.at < rest.end) {
                if (!begins_component(r, rest.at, &which))
                        return fail(r, rest.at, "a descriptor begins with O:, G:, D: or S:");
                if (r->components[which].end != 0)
                        return fail_word(r, (struct span){ rest.at, rest.at + 2 }, "the component ", " is given twice");
                r->components[which] = (struct span){ rest.at + 2, component_end(r, rest.at + 2) };
                rest.at = r->components[which].end;
        }
        return true;
}

/* S-1-..., with blanks behind its dashes, as Windows takes them. Moves `span` behind it. */
static bool
number_sid_read(struct reader *r, struct span *span, struct wr_sid *sid)
{
        char plain[WR_SID_TEXT_MAX * 2];
        size_t length = 0;
        struct span whole = *span;

        while (span->at < span->end && length < sizeof(plain)) {
                char c = r->text[span->at];
                bool blank = c == ' ' && length > 0 && plain[length - 1] == '-';

                if (!blank && (c == '\0' || strchr("0123456789abcdefABCDEFxXsS-", c) == NULL))
                        break;
                if (!blank)
                        plain[length++] = c;
                span->at++;
        }
        whole.end = span->at;
        return wr_sid_parse(sid, plain, length) || fail_word(r, whole, "", " is no SID");
}

static bool
alias_read(struct reader *r, struct span *span, struct wr_sid *sid)
{
        struct span alias = { span->at, span->at + 2 };
        const char *text = r->text + span->at;

        if (span->end - span->at < 2)
                return fail(r, span->at, "a SID or its two letters are missing");
        if (!wr_sid_from_alias(sid, text, r->realm)) {
                switch (wr_sid_alias_kind(text)) {
                case WR_ALIAS_OF_DOMAIN: return fail_word(r, alias, "", " is relative to a domain, and none is known");
                case WR_ALIAS_OF_MACHINE:
                        return fail_word(r, alias, "", " is relative to a machine, and none is known");
                case WR_ALIAS_OF_FOREST: return fail_word(r, alias, "", " is relative to a forest, and none is known");
                default: return fail_word(r, alias, "", " stands for no SID");
                }
        }
        span->at += 2;
        *span = skip_blanks(r, *span);
        return true;
}

/* Of an owner, a group or an entry. */
static bool
sid_read(struct reader *r, struct span span, bool in_entry, struct wr_sid *sid)
{
        const char *text;
        bool number;

        span = skip_blanks(r, span);
        text = r->text + span.at;
        number = span.end - span.at >= 2 && (text[0] == 'S' || text[0] == 's') && text[1] == '-';
        if (!(number ? number_sid_read(r, &span, sid) : alias_read(r, &span, sid)))
                return false;
        if (!in_entry)
                span = skip_blanks(r, span);
        return span.at == span.end || fail_word(r, span, "", " stands behind the SID");
}

static int
digit_of(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return 16;
}

static bool
mask_number_read(struct reader *r, struct span span, uint32_t *mask)
{
        struct span whole = span;
        const char *text = r->text + span.at;
        uint64_t base = 10, number = 0;

        if (span.end - span.at > 1 && text[0] == '0') {
                bool hex = span.end - span.at > 2 && (text[1] == 'x' || text[1] == 'X');

                base = hex ? 16 : 8;
                span.at += hex ? 2 : 1;
        }
        for (; span.at < span.end; span.at++) {
                uint64_t digit = (uint64_t)digit_of(r->text[span.at]);

                if (digit >= base)
                        return fail_word(r, whole, "", " is neither a number nor rights");
                number = number * base + digit;
                if (number > UINT32_MAX)
                        return fail_word(r, whole, "the rights ", " do not fit into 32 bits");
        }
        *mask = (uint32_t)number;
        return true;
}

/* Rights may have blanks before each pair, but not behind the last: there Windows expects another right. */
static bool
rights_read(struct reader *r, struct span span, bool label, uint32_t *mask)
{
        *mask = 0;
        if (span.at == span.end)
                return true;
        span = skip_blanks(r, span);
        if (span.at < span.end && digit_of(r->text[span.at]) < 10)
                return mask_number_read(r, span, mask);
        do {
                const struct wr_sddl_name *name;

                span = skip_blanks(r, span);
                if (span.at == span.end)
                        return fail(r, span.at, "rights end with a blank");
                name = wr_sddl_name(label ? wr_sddl_labels : wr_sddl_rights, r->text + span.at, span.end - span.at);
                if (name == NULL && !label)
                        name = wr_sddl_name(wr_sddl_masks, r->text + span.at, span.end - span.at);
                if (name == NULL)
                        return fail_word(r, span, label ? "a label has no right " : "there is no right ", "");
                *mask |= name->value;
                span.at += 2;
        } while (span.at < span.end);
        return true;
}

static bool
flags_read(struct reader *r, struct span span, uint32_t *flags)
{
        *flags = 0;
        span = skip_blanks(r, span);
        while (span.at < span.end) {
                const struct wr_sddl_name *name = wr_sddl_name(wr_sddl_flags, r->text + span.at, span.end - span.at);

                if (name == NULL)
                        return fail_word(r, span, "there is no flag ", "");
                *flags |= name->value;
                span.at += 2;
        }
        return true;
}

/* The type decides how the rest is read, so what is foreign is refused before anything else is looked at. */
static bool
type_read(struct reader *r, struct span span, bool system, uint32_t *type)
{
        const struct wr_sddl_name *name;
        struct wr_ace ace = { 0 };
        const char *why;

        span = skip_blanks(r, span);
        for (name = wr_sddl_types; name->letters != NULL; name++)
                if (strlen(name->letters) == span.end - span.at &&
                    wr_sddl_name(name, r->text + span.at, span.end - span.at) == name)
                        break;
        if (name->letters == NULL)
                return fail_word(r, span, "there is no type of entry ", "");
        *type = name->value;
        ace.type = name->value;
        why = ace.type == WR_ACE_LABEL && system ? NULL : wr_acl_refusal(&ace, system); /* a label's SID is not known */
        return why == NULL || fail(r, span.at, why);
}

static bool
fields_find(struct reader *r, struct span entry, struct span fields[FIELDS], unsigned *count)
{
        size_t at = entry.at;

        for (*count = 0; *count < FIELDS; ++*count) {
                size_t end = at;

                while (*count < CONDITION && end < entry.end && r->text[end] != ';')
                        end++;
                fields[*count] = (struct span){ at, *count < CONDITION ? end : entry.end };
                if (fields[*count].end == entry.end) {
                        ++*count;
                        break;
                }
                at = end + 1;
        }
        return *count > WHO || fail(r, entry.at, "an entry has six fields: type;flags;rights;;;who");
}

static bool
condition_read(struct reader *r, struct span span, struct wr_ace *ace, uint8_t *bytes, size_t room)
{
        size_t at = 0;

        span = skip_blanks(r, span);
        ace->condition = bytes;
        ace->condition_size = wr_condition_parse(r->text + span.at, span.end - span.at, bytes, room, &at,
                                                 r->error->what, sizeof(r->error->what));
        r->error->at = span.at + at;
        return ace->condition_size != 0;
}

static bool
object_check(struct reader *r, struct span span)
{
        span = skip_blanks(r, span);
        return span.at == span.end ||
               fail_word(r, span, "", " belongs to object entries, which are outside the subset");
}

/* What stands between the parentheses of an entry. */
static bool
entry_read(struct reader *r, struct span entry, bool system)
{
        struct span fields[FIELDS];
        uint8_t condition[WR_CONDITION_BYTES_MAX];
        struct wr_ace ace = { 0 };
        unsigned count;
        const char *why;
        bool conditional;

        if (!fields_find(r, entry, fields, &count) || !type_read(r, fields[TYPE], system, &ace.type) ||
            !flags_read(r, fields[FLAGS], &ace.flags) ||
            !rights_read(r, fields[RIGHTS], ace.type == WR_ACE_LABEL, &ace.mask) || !object_check(r, fields[OBJECT]) ||
            !object_check(r, fields[INHERITED_OBJECT]) || !sid_read(r, fields[WHO], true, &ace.sid))
                return false;
        conditional = ace.type == WR_ACE_ALLOW_IF || ace.type == WR_ACE_DENY_IF;
        if (conditional && count <= CONDITION)
                return fail(r, entry.end, "a conditional entry (XA, XD) ends with ;(condition)");
        if (!conditional && count > CONDITION)
                return fail(r, fields[CONDITION].at, "only conditional entries (XA, XD) have a seventh field");
        if (conditional && !condition_read(r, fields[CONDITION], &ace, condition, sizeof(condition)))
                return false;
        why = wr_acl_refusal(&ace, system);
        if (why != NULL)
                return fail(r, entry.at, why);
        wr_draft_ace(&r->draft, &ace);
        return !r->draft.failed || fail(r, entry.at, "the list has no room for this entry");
}

static bool
entries_read(struct reader *r, struct span span, bool system)
{
        for (span = skip_blanks(r, span); span.at < span.end; span = skip_blanks(r, span)) {
                struct span entry = span;

                if (r->text[span.at] != '(')
                        return fail_word(r, span, "an entry begins with (, not ", "");
                span.at = behind_parentheses(r, span.at, span.end);
                if (span.at == 0)
                        return fail(r, entry.at, "an entry is not closed by )");
                entry = (struct span){ entry.at + 1, span.at - 1 };
                if (!entry_read(r, entry, system))
                        return false;
        }
        return true;
}

/* The letters of the list itself; *span is then what stands behind them. */
static bool
list_flags_read(const struct reader *r, struct span *span, uint32_t *control)
{
        static const struct wr_sddl_name null_list[] = { { WR_SDDL_NULL_LIST, 0 }, { NULL, 0 } };
        bool null = false;

        for (*control = 0;;) {
                const struct wr_sddl_name *name;

                *span = skip_blanks(r, *span);
                name = wr_sddl_name(wr_sddl_lists, r->text + span->at, span->end - span->at);
                if (name == NULL) {
                        name = wr_sddl_name(null_list, r->text + span->at, span->end - span->at);
                        null |= name != NULL;
                }
                if (name == NULL)
                        return null;
                *control |= name->value;
                span->at += strlen(name->letters);
        }
}

static bool
list_read(struct reader *r, struct span span, bool system)
{
        uint32_t control;
        bool null = list_flags_read(r, &span, &control);

        if (null && span.at < span.end)
                return fail(r, span.at, "a list with " WR_SDDL_NULL_LIST " has no entries");
        if (system)
                (null ? wr_draft_null_sacl : wr_draft_sacl)(&r->draft, control << 1);
        else
                (null ? wr_draft_null_dacl : wr_draft_dacl)(&r->draft, control);
        return entries_read(r, span, system);
}

static bool
components_read(struct reader *r)
{
        const struct span *all = r->components;
        struct wr_sid sid;

        if (all[OWNER].end != 0) {
                if (!sid_read(r, all[OWNER], false, &sid))
                        return false;
                wr_draft_owner(&r->draft, &sid);
        }
        if (all[GROUP].end != 0) {
                if (!sid_read(r, all[GROUP], false, &sid))
                        return false;
                wr_draft_group(&r->draft, &sid);
        }
        return (all[SACL].end == 0 || list_read(r, all[SACL], true)) &&
               (all[DACL].end == 0 || list_read(r, all[DACL], false));
}

size_t
wr_sddl_parse(const char *text, size_t size, const struct wr_sddl_realm *realm, void *bytes, size_t room,
              struct wr_sddl_error *error)
{
        struct reader r = { .text = text, .size = size, .realm = realm, .error = error };
        size_t used;

        *error = (struct wr_sddl_error){ 0 };
        wr_draft_begin(&r.draft, bytes, room);
        if (!components_find(&r) || !components_read(&r))
                return 0;
        used = wr_draft_end(&r.draft);
        return used != 0 ? used : fail(&r, size, "the descriptor has no room");
}
