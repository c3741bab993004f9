/* Who has to reach the broker's door at all: who is behind it is then asked anew for each topic. */
#include "broker/policy_rules.h"

#include <stdlib.h>
#include <string.h>

enum { GUESTS_MAX = 1000 /* a pipe's list has room for some more */, ROOM_FIRST = 64 };

static const struct wr_sid everyone = { .authority = 1, .count = 1 };
static const struct wr_sid owner_rights = { .authority = 3, .count = 1, .words = { 4 } };

/* Everybody, packages of both kinds included. */
static const struct wr_sid anybody[] = {
        { .authority = 1, .count = 1 },
        { .authority = 15, .count = 2, .words = { 2, 1 } },
        { .authority = 15, .count = 2, .words = { 2, 2 } },
};

struct guests {
        struct wr_sid *of;
        size_t count, room;
        bool failed;
};

static void
add(struct guests *guests, const struct wr_sid *sid)
{
        if (guests->count == guests->room) {
                size_t room = guests->room ? 2 * guests->room : ROOM_FIRST;
                struct wr_sid *of = realloc(guests->of, room * sizeof(*of));

                if (!of) {
                        guests->failed = true;
                        return;
                }
                guests->of = of;
                guests->room = room;
        }
        guests->of[guests->count++] = *sid;
}

static int
compare(const void *a, const void *b)
{
        return memcmp(a, b, sizeof(struct wr_sid)); /* it has no padding */
}

/* Each once. */
static void
reduce(struct guests *guests)
{
        size_t kept = 0;

        if (guests->count == 0)
                return;
        qsort(guests->of, guests->count, sizeof(*guests->of), compare);
        for (size_t i = 1; i < guests->count; i++)
                if (compare(&guests->of[kept], &guests->of[i]) != 0)
                        guests->of[++kept] = guests->of[i];
        guests->count = kept + 1;
}

static void
entry_add(struct guests *guests, const struct wr_descriptor *descriptor)
{
        const uint32_t generic = WR_GENERIC_READ | WR_GENERIC_WRITE | WR_GENERIC_EXECUTE | WR_GENERIC_ALL;
        struct wr_ace ace;
        size_t at = 0;

        if (descriptor->dacl.null)
                add(guests, &everyone);
        while (!guests->failed && wr_acl_next(&descriptor->dacl, &at, &ace)) {
                bool allows = ace.type == WR_ACE_ALLOW || ace.type == WR_ACE_ALLOW_IF;

                if (!allows || (ace.flags & WR_ACE_INHERIT_ONLY) || (ace.mask & (ALL_RIGHTS | generic)) == 0)
                        continue;
                if (!wr_sid_equal(&ace.sid, &owner_rights))
                        add(guests, &ace.sid);
                else if (descriptor->has_owner)
                        add(guests, &descriptor->owner);
        }
}

bool
wr_policy_guests(const struct wr_policy *policy, struct wr_sid **guests, size_t *count)
{
        struct guests all = { 0 };

        for (const struct entry *entry = policy->entries; entry; entry = entry->next)
                entry_add(&all, &entry->descriptor);
        reduce(&all);
        if (all.count > GUESTS_MAX) {
                all.count = 0;
                for (size_t i = 0; i < sizeof(anybody) / sizeof(*anybody); i++)
                        add(&all, &anybody[i]);
        }
        if (all.failed)
                free(all.of);
        *guests = all.failed ? NULL : all.of;
        *count = all.failed ? 0 : all.count;
        return !all.failed;
}
