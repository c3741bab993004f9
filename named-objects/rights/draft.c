/*
 * A descriptor is written front to back: the head stays open until the end, since its offsets are known only then, and
 * so does the head of the list that entries are added to. Whatever it ends with, wr_descriptor_open takes.
 */
#include "named-objects/rights/acl.h"
#include "named-objects/rights/condition.h"
#include "named-objects/rights/descriptor.h"

#include <assert.h>
#include <string.h>

enum { OWNER_AT = 4, GROUP_AT = 8, SACL_AT = 12, DACL_AT = 16, LIST_REVISION = 2 };

static void
write_16(uint8_t *to, size_t value)
{
        to[0] = (uint8_t)value;
        to[1] = (uint8_t)(value >> 8);
}

static void
write_32(uint8_t *to, size_t value)
{
        write_16(to, value);
        write_16(to + 2, value >> 16);
}

/* Returns where `size` more bytes stand, zeroed; NULL: the draft has failed. */
static uint8_t *
take(struct wr_draft *draft, size_t size)
{
        uint8_t *place = draft->bytes + draft->used;

        if (draft->failed || size > draft->room - draft->used) {
                draft->failed = true;
                return NULL;
        }
        memset(place, 0, size);
        draft->used += size;
        return place;
}

void
wr_draft_begin(struct wr_draft *draft, void *bytes, size_t room)
{
        *draft = (struct wr_draft){ .bytes = bytes, .room = room, .control = WR_SELF_RELATIVE };
        take(draft, WR_DESCRIPTOR_HEAD_BYTES);
}

void
wr_draft_owner(struct wr_draft *draft, const struct wr_sid *owner)
{
        draft->has_owner = true;
        draft->owner = *owner;
}

void
wr_draft_group(struct wr_draft *draft, const struct wr_sid *group)
{
        draft->has_group = true;
        draft->group = *group;
}

static void
list_begin(struct wr_draft *draft, size_t offset_at, uint32_t control)
{
        size_t list = draft->used;
        uint8_t *head = take(draft, WR_ACL_HEAD_BYTES);

        draft->control |= control;
        if (head == NULL)
                return;
        head[0] = LIST_REVISION;
        write_16(head + 2, WR_ACL_HEAD_BYTES);
        write_32(draft->bytes + offset_at, list);
        draft->list = list;
}

void
wr_draft_sacl(struct wr_draft *draft, uint32_t control)
{
        assert(!(draft->control & (WR_SACL_PRESENT | WR_DACL_PRESENT))); /* once, and before the DACL */
        list_begin(draft, SACL_AT, control | WR_SACL_PRESENT);
}

void
wr_draft_dacl(struct wr_draft *draft, uint32_t control)
{
        assert(!(draft->control & WR_DACL_PRESENT));
        list_begin(draft, DACL_AT, control | WR_DACL_PRESENT);
}

void
wr_draft_null_sacl(struct wr_draft *draft, uint32_t control)
{
        draft->control |= control | WR_SACL_PRESENT;
        draft->list = 0;
}

void
wr_draft_null_dacl(struct wr_draft *draft, uint32_t control)
{
        draft->control |= control | WR_DACL_PRESENT;
        draft->list = 0;
}

static bool
ace_is_sound(const struct wr_draft *draft, const struct wr_ace *ace)
{
        bool system = !(draft->control & WR_DACL_PRESENT), conditional;
        const char *why;

        if (draft->list == 0 || ace->sid.count == 0 || wr_acl_refusal(ace, system) != NULL)
                return false;
        conditional = ace->type == WR_ACE_ALLOW_IF || ace->type == WR_ACE_DENY_IF;
        return conditional ? wr_condition_valid(ace->condition, ace->condition_size, &why) : ace->condition == NULL;
}

void
wr_draft_ace(struct wr_draft *draft, const struct wr_ace *ace)
{
        size_t sid = wr_sid_size(&ace->sid), size = WR_ACE_HEAD_BYTES + sid + ace->condition_size;
        uint8_t *place, *head;

        if (draft->failed || !ace_is_sound(draft, ace) || draft->used - draft->list + size > WR_ACL_BYTES_MAX) {
                draft->failed = true;
                return;
        }
        place = take(draft, size);
        if (place == NULL)
                return;
        place[0] = (uint8_t)ace->type;
        place[1] = (uint8_t)ace->flags;
        write_16(place + 2, size);
        write_32(place + 4, ace->mask);
        wr_sid_write(&ace->sid, place + WR_ACE_HEAD_BYTES);
        if (ace->condition_size != 0)
                memcpy(place + WR_ACE_HEAD_BYTES + sid, ace->condition, ace->condition_size);

        head = draft->bytes + draft->list;
        write_16(head + 2, draft->used - draft->list);
        write_16(head + 4, (size_t)head[4] + ((size_t)head[5] << 8) + 1);
}

static void
sid_add(struct wr_draft *draft, size_t offset_at, const struct wr_sid *sid)
{
        size_t offset = draft->used;
        uint8_t *place = take(draft, wr_sid_size(sid));

        if (sid->count == 0)
                draft->failed = true; /* no SID at all */
        if (place == NULL || draft->failed)
                return;
        wr_sid_write(sid, place);
        write_32(draft->bytes + offset_at, offset);
}

size_t
wr_draft_end(struct wr_draft *draft)
{
        if (draft->has_owner)
                sid_add(draft, OWNER_AT, &draft->owner);
        if (draft->has_group)
                sid_add(draft, GROUP_AT, &draft->group);
        if (draft->failed)
                return 0;
        draft->bytes[0] = 1; /* the revision */
        write_16(draft->bytes + 2, draft->control);
        return draft->used;
}
