/*
 * The check, one right at a time: in each half what stands before the list, then the list in its order.
 *
 *      label      refuses what it does not let pass, whatever else grants it
 *      privilege  ACCESS_SYSTEM_SECURITY only so; WRITE_OWNER also so     user and restricted half
 *      owner      READ_CONTROL and WRITE_DAC                              user and restricted half
 *      no list    all that the kind of object has                         user and restricted half
 *      list       the first entry that speaks of the right                each half its own
 *
 * The package half is covered by entries alone: what privileges, ownership or a missing list give a user they do not
 * give the package. Where the public sources are silent:
 *
 *      An entry denies a user or group while the package half is still open, though the user half has its grant by
 * then: refused. The walk is not over, and a denial that is reached counts. A missing list gives the rights that
 * generic all means; a right that this kind of object has not must be listed. A write-restricted token that asks for
 * any right to write answers for its whole request in both lists. Of a maximum each right is judged as if asked alone.
 *      Nothing asked, nothing granted: refused.
 */
#include "named-objects/rights/access.h"

#include "named-objects/rights/access_walk.h"

enum { CREATE_PIPE_INSTANCE = 4 };

const struct wr_generic_mapping wr_section_mapping = { 0x20005, 0x20002, 0x20008, 0xf001f };
const struct wr_generic_mapping wr_event_mapping = { 0x20001, 0x20002, 0x120000, 0x1f0003 };
const struct wr_generic_mapping wr_mutex_mapping = { 0x20001, 0x20000, 0x120000, 0x1f0001 };
const struct wr_generic_mapping wr_semaphore_mapping = { 0x20001, 0x20002, 0x120000, 0x1f0003 };
const struct wr_generic_mapping wr_pipe_mapping = { 0x120089, 0x120116, 0x1200a0, 0x1f01ff };
const struct wr_generic_mapping wr_directory_mapping = { 0x20003, 0x2000c, 0x20003, 0xf000f };

/* All that one request is judged by. */
struct check {
        const struct wr_descriptor *descriptor;
        const struct wr_token *token;
        const struct wr_generic_mapping *mapping;
        struct wr_access_walk walk;
        uint32_t passes_label;
        uint32_t owned;      /* rights of the owner as such */
        uint32_t restricted; /* rights that the second list has a say on */
};

static struct wr_decision
decision(enum wr_access_step step, bool granted, uint32_t ace)
{
        return (struct wr_decision){ .step = step, .granted = granted, .ace = ace };
}

/* What grants a right to the user before any list is read; WR_STEP_NONE leaves it to the list. */
static struct wr_decision
before_the_list(const struct check *check, uint32_t right)
{
        uint32_t privileges = check->token->privileges;

        if (right == WR_ACCESS_SYSTEM_SECURITY)
                return decision(WR_STEP_PRIVILEGE, (privileges & WR_PRIVILEGE_SECURITY) != 0, 0);
        if (right == WR_WRITE_OWNER && (privileges & (WR_PRIVILEGE_TAKE_OWNERSHIP | WR_PRIVILEGE_RELABEL)) != 0)
                return decision(WR_STEP_PRIVILEGE, true, 0);
        if ((right & check->owned) != 0)
                return decision(WR_STEP_OWNER, true, 0);
        if (wr_access_no_list(check->descriptor) && (right & check->mapping->all) != 0)
                return decision(WR_STEP_NO_LIST, true, 0);
        return decision(WR_STEP_NONE, false, 0);
}

static struct wr_decision
by_the_list(uint32_t allowed_at, uint32_t denied_at)
{
        if (allowed_at < denied_at)
                return decision(WR_STEP_ALLOWED, true, allowed_at);
        if (denied_at != WR_NEVER)
                return decision(WR_STEP_DENIED, false, denied_at);
        return decision(WR_STEP_NONE, false, 0);
}

static struct wr_decision
package_half(const struct check *check, unsigned bit)
{
        if (check->token->container == WR_NO_CONTAINER)
                return decision(WR_STEP_UNASKED, true, 0);
        return by_the_list(check->walk.allowed_at[WR_HALF_PACKAGE][bit], WR_NEVER);
}

static struct wr_decision
restricted_half(const struct check *check, unsigned bit)
{
        uint32_t right = (uint32_t)1 << bit;
        struct wr_decision before = before_the_list(check, right);

        if ((check->restricted & right) == 0)
                return decision(WR_STEP_UNASKED, true, 0);
        if (before.step != WR_STEP_NONE)
                return before;
        return by_the_list(check->walk.allowed_at[WR_HALF_RESTRICTED][bit],
                           check->walk.denied_at[WR_HALF_RESTRICTED][bit]);
}

static struct wr_decision
user_half(const struct check *check, unsigned bit)
{
        uint32_t right = (uint32_t)1 << bit;
        uint32_t denied_at = check->walk.denied_at[WR_HALF_USER][bit];
        struct wr_decision user = before_the_list(check, right);

        if ((check->passes_label & right) == 0)
                return decision(WR_STEP_INTEGRITY, false, 0);
        if (user.step == WR_STEP_NONE)
                user = by_the_list(check->walk.allowed_at[WR_HALF_USER][bit], denied_at);
        /* The package half is still open when the walk comes to the entry that denies. */
        if (user.granted && check->token->container != WR_NO_CONTAINER && denied_at != WR_NEVER &&
            check->walk.allowed_at[WR_HALF_PACKAGE][bit] > denied_at)
                user = decision(WR_STEP_DENIED, false, denied_at);
        return user;
}

static bool
decide(const struct check *check, struct wr_access *access, unsigned bit)
{
        bool granted = true;

        access->decisions[WR_HALF_USER][bit] = user_half(check, bit);
        access->decisions[WR_HALF_RESTRICTED][bit] = restricted_half(check, bit);
        access->decisions[WR_HALF_PACKAGE][bit] = package_half(check, bit);
        for (int half = 0; half < WR_HALVES; half++) {
                const struct wr_decision *one = &access->decisions[half][bit];

                access->asked[half] |= one->step != WR_STEP_UNASKED;
                granted &= one->granted;
        }
        return granted;
}

/* The rights that a maximum may be made of. ACCESS_SYSTEM_SECURITY is no right of the list and must be named. */
static uint32_t
all_rights(void)
{
        return ~(WR_GENERIC_READ | WR_GENERIC_WRITE | WR_GENERIC_EXECUTE | WR_GENERIC_ALL | WR_MAXIMUM_ALLOWED |
                 WR_ACCESS_SYSTEM_SECURITY);
}

static uint32_t
asked_of_the_second_list(const struct wr_token *token, const struct wr_generic_mapping *mapping, uint32_t desired)
{
        uint32_t writes = ~wr_access_harmless(mapping);

        if (token->restricting_count == 0)
                return 0;
        if (!token->write_restricted)
                return UINT32_MAX;
        return (desired & writes) != 0 ? writes | desired : writes;
}

static bool
judge(struct check *check, struct wr_access *access)
{
        uint32_t had = 0;

        for (unsigned bit = 0; bit < 32; bit++)
                if ((access->decided >> bit & 1) != 0 && decide(check, access, bit))
                        had |= (uint32_t)1 << bit;
        access->missing = access->desired & ~had;
        access->granted = access->missing == 0 && had != 0;
        access->mask = access->granted ? had : 0;
        return access->granted;
}

bool
wr_access_check(const struct wr_descriptor *descriptor, const struct wr_token *token,
                const struct wr_generic_mapping *mapping, uint32_t desired, struct wr_access *access)
{
        struct check check = { .descriptor = descriptor, .token = token, .mapping = mapping };
        struct wr_access_label label;

        *access = (struct wr_access){ .maximum = (desired & WR_MAXIMUM_ALLOWED) != 0, .mapping = mapping };
        access->desired = wr_access_map(mapping, desired) & ~(uint32_t)WR_MAXIMUM_ALLOWED;
        access->decided = access->desired | (access->maximum ? all_rights() : 0);
        wr_access_walk(&check.walk, descriptor, token, mapping);
        wr_access_label(&label, descriptor);
        check.passes_label = wr_access_passes_label(&label, token, mapping);
        if (wr_access_owns(descriptor, token) && !check.walk.owner_rights)
                check.owned = WR_READ_CONTROL | WR_WRITE_DAC;
        check.restricted = asked_of_the_second_list(token, mapping, access->desired);
        return judge(&check, access);
}

bool
wr_access_check_pipe_client(const struct wr_descriptor *descriptor, const struct wr_token *token, uint32_t desired,
                            struct wr_access *access)
{
        uint32_t mapped = wr_access_map(&wr_pipe_mapping, desired) & ~(uint32_t)CREATE_PIPE_INSTANCE;

        wr_access_check(descriptor, token, &wr_pipe_mapping, mapped, access);
        if (!access->maximum)
                return access->granted;
        /* A maximum found it all the same. */
        access->decided &= ~(uint32_t)CREATE_PIPE_INSTANCE;
        access->mask &= ~(uint32_t)CREATE_PIPE_INSTANCE;
        access->granted = access->mask != 0;
        return access->granted;
}
