/* Two letters for almost everything. */
#include "named-objects/rights/sddl_names.h"
#include "named-objects/rights/descriptor.h"

#include <string.h>

/* The foreign ones have their numbers from MS-DTYP 2.4.4.1: they are read only to be refused by their name. */
const struct wr_sddl_name wr_sddl_types[] = {
        { "A", WR_ACE_ALLOW },
        { "D", WR_ACE_DENY },
        { "AU", WR_ACE_AUDIT },
        { "XA", WR_ACE_ALLOW_IF },
        { "XD", WR_ACE_DENY_IF },
        { "ML", WR_ACE_LABEL },
        { "AL", 3 },
        { "OA", 5 },
        { "OD", 6 },
        { "OU", 7 },
        { "OL", 8 },
        { "ZA", 11 },
        { "XU", 13 },
        { "RA", 18 },
        { "SP", 19 },
        { "TL", 20 },
        { "FL", 21 },
        { NULL, 0 },
};

const struct wr_sddl_name wr_sddl_flags[] = {
        { "OI", WR_ACE_OBJECT_INHERIT }, { "CI", WR_ACE_CONTAINER_INHERIT },
        { "NP", WR_ACE_NO_PROPAGATE },   { "IO", WR_ACE_INHERIT_ONLY },
        { "ID", WR_ACE_INHERITED },      { "SA", WR_ACE_AUDIT_SUCCESS },
        { "FA", WR_ACE_AUDIT_FAILURE },  { NULL, 0 },
};

/* KX is KR and therefore never written. */
const struct wr_sddl_name wr_sddl_masks[] = {
        { "FA", 0x1f01ff }, { "FR", 0x120089 }, { "FW", 0x120116 }, { "FX", 0x1200a0 }, { "KA", 0xf003f },
        { "KR", 0x20019 },  { "KW", 0x20006 },  { "KX", 0x20019 },  { NULL, 0 },
};

const struct wr_sddl_name wr_sddl_rights[] = {
        { "CC", 0x1 },        { "DC", 0x2 },        { "LC", 0x4 },     { "SW", 0x8 },        { "RP", 0x10 },
        { "WP", 0x20 },       { "DT", 0x40 },       { "LO", 0x80 },    { "CR", 0x100 },      { "SD", 0x10000 },
        { "RC", 0x20000 },    { "WD", 0x40000 },    { "WO", 0x80000 }, { "GA", 0x10000000 }, { "GX", 0x20000000 },
        { "GW", 0x40000000 }, { "GR", 0x80000000 }, { NULL, 0 },
};

const struct wr_sddl_name wr_sddl_labels[] = { { "NW", 1 }, { "NR", 2 }, { "NX", 4 }, { NULL, 0 } };

const struct wr_sddl_name wr_sddl_lists[] = {
        { "P", WR_DACL_PROTECTED },
        { "AR", WR_DACL_AUTO_INHERIT_REQUIRED },
        { "AI", WR_DACL_AUTO_INHERITED },
        { NULL, 0 },
};

static bool
begins_with(const char *text, size_t size, const char *letters)
{
        size_t length = strlen(letters);

        if (size < length)
                return false;
        for (size_t i = 0; i < length; i++) /* all are letters, which are one bit apart from their lower case */
                if (text[i] != letters[i] && text[i] != (char)(letters[i] | 0x20))
                        return false;
        return true;
}

const struct wr_sddl_name *
wr_sddl_name(const struct wr_sddl_name *table, const char *text, size_t size)
{
        for (; table->letters != NULL; table++)
                if (begins_with(text, size, table->letters))
                        return table;
        return NULL;
}
