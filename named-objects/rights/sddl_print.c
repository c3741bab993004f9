/* From bytes to the one text that Windows would write for them. */
#include "named-objects/rights/condition.h"
#include "named-objects/rights/line.h"
#include "named-objects/rights/sddl.h"
#include "named-objects/rights/sddl_names.h"
#include "named-objects/rights/sid_alias.h"

#include <string.h>

/* All names whose bits are in `value`; returns what no name covers. */
static uint32_t
print_names(struct wr_line *line, const struct wr_sddl_name *table, uint32_t value)
{
        for (; table->letters != NULL; table++) {
                if ((value & table->value) == 0)
                        continue;
                wr_line_add(line, table->letters);
                value &= ~table->value;
        }
        return value;
}

static uint32_t
bits_of(const struct wr_sddl_name *table)
{
        uint32_t bits = 0;

        for (; table->letters != NULL; table++)
                bits |= table->value;
        return bits;
}

/* A name for the whole, else letters if they cover every bit, else a number. */
static void
print_mask(struct wr_line *line, const struct wr_ace *ace)
{
        const struct wr_sddl_name *table = ace->type == WR_ACE_LABEL ? wr_sddl_labels : wr_sddl_rights;

        for (const struct wr_sddl_name *name = wr_sddl_masks; name->letters != NULL; name++) {
                if (ace->mask == name->value) {
                        wr_line_add(line, name->letters);
                        return;
                }
        }
        if ((ace->mask & ~bits_of(table)) == 0) {
                print_names(line, table, ace->mask);
        } else {
                wr_line_add(line, "0x");
                wr_line_number(line, ace->mask, 16);
        }
}

static void
print_sid(struct wr_line *line, const struct wr_sid *sid, const struct wr_sddl_realm *realm)
{
        const char *alias = wr_sid_alias(sid, realm);
        char text[WR_SID_TEXT_MAX];

        if (alias == NULL)
                wr_sid_text(sid, text);
        wr_line_add(line, alias != NULL ? alias : text);
}

static void
print_condition(struct wr_line *line, const struct wr_ace *ace)
{
        char text[WR_CONDITION_TEXT_MAX];

        wr_condition_print(ace->condition, ace->condition_size, text, sizeof(text));
        wr_line_add(line, ";");
        wr_line_add(line, text);
}

static void
print_ace(struct wr_line *line, const struct wr_ace *ace, const struct wr_sddl_realm *realm)
{
        wr_line_add(line, "(");
        for (const struct wr_sddl_name *name = wr_sddl_types; name->letters != NULL; name++)
                if (name->value == ace->type)
                        wr_line_add(line, name->letters);
        wr_line_add(line, ";");
        print_names(line, wr_sddl_flags, ace->flags);
        wr_line_add(line, ";");
        print_mask(line, ace);
        wr_line_add(line, ";;;");
        print_sid(line, &ace->sid, realm);
        if (ace->condition != NULL)
                print_condition(line, ace);
        wr_line_add(line, ")");
}

/* control: already that of a DACL. */
static void
print_list(struct wr_line *line, const struct wr_acl *acl, uint32_t control, const struct wr_sddl_realm *realm)
{
        struct wr_ace ace;

        print_names(line, wr_sddl_lists, control);
        if (acl->null)
                wr_line_add(line, WR_SDDL_NULL_LIST);
        for (size_t at = 0; wr_acl_next(acl, &at, &ace);)
                print_ace(line, &ace, realm);
}

size_t
wr_sddl_print(const struct wr_descriptor *descriptor, const struct wr_sddl_realm *realm, char *text, size_t room)
{
        struct wr_line line;

        wr_line_begin(&line, text, room);
        if (descriptor->has_owner) {
                wr_line_add(&line, "O:");
                print_sid(&line, &descriptor->owner, realm);
        }
        if (descriptor->has_group) {
                wr_line_add(&line, "G:");
                print_sid(&line, &descriptor->group, realm);
        }
        if (descriptor->dacl.present) {
                wr_line_add(&line, "D:");
                print_list(&line, &descriptor->dacl, descriptor->control, realm);
        }
        if (descriptor->sacl.present) {
                wr_line_add(&line, "S:");
                print_list(&line, &descriptor->sacl, descriptor->control >> 1, realm);
        }
        return line.length;
}

size_t
wr_sddl_print_ace(const struct wr_ace *ace, const struct wr_sddl_realm *realm, char *text, size_t room)
{
        struct wr_line line;

        wr_line_begin(&line, text, room);
        print_ace(&line, ace, realm);
        return line.length;
}
