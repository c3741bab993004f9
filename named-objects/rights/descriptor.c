/*
 * The head of a descriptor, and what its offsets lead to:
 *
 *      0 revision 1 | 1 resource manager's byte | 2 control 2 | 4 owner 4 | 8 group 4 | 12 SACL 4 | 16 DACL 4 | 20 ...
 *
 * An offset of 0 says that the part is not there; of a list that the control bits announce, that it is the NULL list.
 * Parts may share bytes (an owner that is its own group), since they are only read.
 */
#include "named-objects/rights/descriptor.h"
#include "named-objects/rights/acl.h"

enum { REVISION = 1, RM_CONTROL_VALID = 0x4000, OWNER_AT = 4, GROUP_AT = 8, SACL_AT = 12, DACL_AT = 16 };

struct ground {
        const uint8_t *bytes;
        size_t size;
        struct wr_refusal refusal;
};

static bool
refuse(struct ground *g, const char *sentence)
{
        g->refusal.sentence = sentence;
        return false;
}

static size_t
offset_at(const struct ground *g, size_t at)
{
        const uint8_t *b = g->bytes + at;

        return (size_t)b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 | (size_t)b[3] << 24;
}

static bool
offset_check(struct ground *g, size_t offset)
{
        if (offset % 4 == 0 && offset >= WR_DESCRIPTOR_HEAD_BYTES && offset < g->size)
                return true;
        return refuse(g, "an offset leads outside the descriptor");
}

static bool
sid_open(struct ground *g, size_t at, bool *has, struct wr_sid *sid)
{
        size_t offset = offset_at(g, at);

        *has = offset != 0;
        if (!*has)
                return true;
        if (!offset_check(g, offset))
                return false;
        if (wr_sid_read(sid, g->bytes + offset, g->size - offset) == 0)
                return refuse(g, "the SID of the owner or the group is malformed");
        return true;
}

/* An offset without its control bit is not looked at, as Windows does. */
static bool
list_open(struct ground *g, size_t at, bool present, struct wr_acl *acl)
{
        size_t offset = offset_at(g, at);

        *acl = (struct wr_acl){ .present = present, .null = present && offset == 0 };
        if (!present || acl->null)
                return true;
        return offset_check(g, offset) &&
               wr_acl_open(acl, at == SACL_AT, g->bytes + offset, g->size - offset, &g->refusal);
}

static bool
head_open(struct wr_descriptor *descriptor, struct ground *g)
{
        if (g->size < WR_DESCRIPTOR_HEAD_BYTES)
                return refuse(g, "the descriptor is shorter than its head");
        if (g->size > WR_DESCRIPTOR_MAX)
                return refuse(g, "the descriptor is larger than two lists can be");
        if (g->bytes[0] != REVISION)
                return refuse(g, "the descriptor has an unknown revision");
        descriptor->control = (uint32_t)g->bytes[2] | (uint32_t)g->bytes[3] << 8;
        if (!(descriptor->control & WR_SELF_RELATIVE))
                return refuse(g, "the descriptor is not self-relative");
        if (g->bytes[1] != 0 && !(descriptor->control & RM_CONTROL_VALID))
                return refuse(g, "the second byte of the descriptor is reserved");
        return true;
}

static bool
all_open(struct wr_descriptor *descriptor, struct ground *g)
{
        *descriptor = (struct wr_descriptor){ 0 };
        return head_open(descriptor, g) && sid_open(g, OWNER_AT, &descriptor->has_owner, &descriptor->owner) &&
               sid_open(g, GROUP_AT, &descriptor->has_group, &descriptor->group) &&
               list_open(g, SACL_AT, (descriptor->control & WR_SACL_PRESENT) != 0, &descriptor->sacl) &&
               list_open(g, DACL_AT, (descriptor->control & WR_DACL_PRESENT) != 0, &descriptor->dacl);
}

bool
wr_descriptor_open(struct wr_descriptor *descriptor, const void *bytes, size_t size, const char **why)
{
        struct ground g = { bytes, size, { 0 } };
        bool good = all_open(descriptor, &g);

        if (why != NULL)
                *why = g.refusal.sentence;
        return good;
}

size_t
wr_descriptor_refusal(const void *bytes, size_t size, char *what, size_t room)
{
        struct ground g = { bytes, size, { 0 } };
        struct wr_descriptor descriptor;

        if (all_open(&descriptor, &g))
                g.refusal.sentence = "";
        return wr_condition_refusal(&g.refusal, what, room);
}
