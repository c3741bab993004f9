/*
 * One list of a descriptor:
 *
 *      revision 1 | 0 1 | size 2 | count 2 | 0 2 | entry | entry | ... | room to spare
 *      entry:  type 1 | flags 1 | size 2 | mask 4 | SID | condition of XA and XD, to the entry's end
 *
 * All is little-endian. What is outside the subset is refused here by its name, so that nobody behind has to skip it.
 */
#include "named-objects/rights/acl.h"

enum { LABEL_AUTHORITY = 16, LABEL_RIGHTS = 7, ACE_FLAGS = 0xdf };

static uint32_t
read_16(const uint8_t *bytes)
{
        return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t
read_32(const uint8_t *bytes)
{
        return read_16(bytes) | read_16(bytes + 2) << 16;
}

static bool
refuse(struct wr_refusal *refusal, const char *sentence)
{
        *refusal = (struct wr_refusal){ .sentence = sentence };
        return false;
}

/* What Windows has besides, by its number. */
static const char *
foreign_type(uint32_t type)
{
        static const char *const sentences[] = {
                [3] = "alarm entries (AL) are outside the subset",
                [4] = "compound entries are outside the subset",
                [5] = "object entries (OA) are outside the subset",
                [6] = "object entries that deny (OD) are outside the subset",
                [7] = "object entries that audit (OU) are outside the subset",
                [8] = "object entries that alarm (OL) are outside the subset",
                [11] = "conditional object entries (ZA) are outside the subset",
                [12] = "conditional object entries that deny are outside the subset",
                [13] = "conditional entries that audit (XU) are outside the subset",
                [14] = "conditional entries that alarm are outside the subset",
                [15] = "conditional object entries that audit are outside the subset",
                [16] = "conditional object entries that alarm are outside the subset",
                [18] = "resource attributes (RA) are outside the subset",
                [19] = "scoped policies (SP) are outside the subset",
                [20] = "trust labels (TL) are outside the subset",
                [21] = "access filters (FL) are outside the subset",
        };

        if (type < sizeof(sentences) / sizeof(*sentences) && sentences[type] != NULL)
                return sentences[type];
        return "an entry has a type that nobody defined";
}

static const char *
label_refusal(const struct wr_ace *ace)
{
        if (ace->sid.authority != LABEL_AUTHORITY || ace->sid.count != 1)
                return "a label (ML) names an integrity level, S-1-16-x";
        if ((ace->mask & ~(uint32_t)LABEL_RIGHTS) != 0)
                return "a label (ML) forbids only NW, NR and NX";
        return NULL;
}

/* NULL if such an entry may stand in the list. */
static const char *
type_refusal(uint32_t type, uint32_t flags, bool system)
{
        bool audit = type == WR_ACE_AUDIT, label = type == WR_ACE_LABEL;

        if (!audit && !label && type != WR_ACE_ALLOW && type != WR_ACE_DENY && type != WR_ACE_ALLOW_IF &&
            type != WR_ACE_DENY_IF)
                return foreign_type(type);
        if (audit && !system)
                return "entries that audit (AU) belong to the SACL";
        if (label && !system)
                return "labels (ML) belong to the SACL";
        if (!audit && !label && system)
                return "entries that allow or deny (A, D, XA, XD) belong to the DACL";
        if ((flags & ~(uint32_t)ACE_FLAGS) != 0)
                return "an entry has the flag CR (0x20), which is outside the subset";
        return NULL;
}

const char *
wr_acl_refusal(const struct wr_ace *ace, bool system)
{
        const char *sentence = type_refusal(ace->type, ace->flags, system);

        return sentence == NULL && ace->type == WR_ACE_LABEL ? label_refusal(ace) : sentence;
}

static bool
is_conditional(const struct wr_ace *ace)
{
        return ace->type == WR_ACE_ALLOW_IF || ace->type == WR_ACE_DENY_IF;
}

/* Fills *ace from an entry whose own size is `size`; false: its SID is malformed. */
static bool
ace_read(struct wr_ace *ace, const uint8_t *bytes, size_t size)
{
        size_t sid;

        *ace = (struct wr_ace){ .type = bytes[0], .flags = bytes[1], .mask = read_32(bytes + 4) };
        sid = wr_sid_read(&ace->sid, bytes + WR_ACE_HEAD_BYTES, size - WR_ACE_HEAD_BYTES);
        if (is_conditional(ace)) {
                ace->condition = bytes + WR_ACE_HEAD_BYTES + sid;
                ace->condition_size = size - WR_ACE_HEAD_BYTES - sid;
        }
        return sid != 0;
}

/* Checks the entry that begins at `bytes`; returns its own size, 0 if something is wrong. */
static size_t
ace_check(const uint8_t *bytes, size_t size, bool system, struct wr_refusal *refusal)
{
        struct wr_condition_tree tree;
        struct wr_ace ace;
        const char *sentence;
        size_t own;

        if (size < WR_ACE_HEAD_BYTES)
                return refuse(refusal, "a list is shorter than its entries");
        own = read_16(bytes + 2);
        if (own < WR_ACE_HEAD_BYTES || own % 4 != 0 || own > size)
                return refuse(refusal, "an entry has an impossible size");
        sentence = type_refusal(bytes[0], bytes[1], system); /* first: what is foreign has no SID at this place */
        if (sentence != NULL)
                return refuse(refusal, sentence);
        if (!ace_read(&ace, bytes, own))
                return refuse(refusal, "an entry has a malformed SID");
        sentence = wr_acl_refusal(&ace, system);
        if (sentence != NULL)
                return refuse(refusal, sentence);
        if (is_conditional(&ace))
                return wr_condition_tree(&tree, ace.condition, ace.condition_size, refusal) ? own : 0;
        if (own != WR_ACE_HEAD_BYTES + wr_sid_size(&ace.sid))
                return refuse(refusal, "an entry is larger than its SID");
        return own;
}

bool
wr_acl_open(struct wr_acl *acl, bool system, const uint8_t *bytes, size_t size, struct wr_refusal *refusal)
{
        size_t own, used = 0;

        *acl = (struct wr_acl){ .present = true };
        if (size < WR_ACL_HEAD_BYTES)
                return refuse(refusal, "a list is cut");
        own = read_16(bytes + 2);
        if (bytes[0] < 2 || bytes[0] > 4)
                return refuse(refusal, "a list has an unknown revision");
        if (own < WR_ACL_HEAD_BYTES || own % 4 != 0 || own > size)
                return refuse(refusal, "a list has an impossible size");
        acl->count = read_16(bytes + 4);
        acl->bytes = bytes + WR_ACL_HEAD_BYTES;
        for (uint32_t i = 0; i < acl->count; i++) {
                size_t taken = ace_check(acl->bytes + used, own - WR_ACL_HEAD_BYTES - used, system, refusal);

                if (taken == 0)
                        return false;
                used += taken;
        }
        acl->size = used; /* without the room to spare, so that a walk ends at the last entry */
        return true;
}

bool
wr_acl_next(const struct wr_acl *acl, size_t *at, struct wr_ace *ace)
{
        size_t own;

        if (*at >= acl->size)
                return false;
        own = read_16(acl->bytes + *at + 2);
        ace_read(ace, acl->bytes + *at, own); /* was checked when the list was opened */
        *at += own;
        return true;
}
