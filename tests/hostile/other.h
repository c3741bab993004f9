/*
 * Another user than we are, as far as each system has one to give:
 *
 *      Linux      nobody; it takes root to become it
 *      Windows    our user with no group that counts and no privilege: a token for another user cannot be made here
 *
 *      other_start(play)     a child, as in tests/contract/kit_child.h, that plays its part as the other one
 *      other_give(child, object)   an object with the rights that we have of it, for a child of either kind; it has
 *                            it from other_take(line)
 */
#ifndef WR_TEST_OTHER_H
#define WR_TEST_OTHER_H

#include "named-objects/region.h"
#include "tests/contract/kit_child.h"

#ifdef _WIN32
static inline HANDLE
other_token(void)
{
        static const BYTE administrators[] = { 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0 };
        static const BYTE users[] = { 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0 };
        SID_AND_ATTRIBUTES disabled[] = { { (PSID)(uintptr_t)administrators, 0 }, { (PSID)(uintptr_t)users, 0 } };
        HANDLE own, made;

        kit_must(OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &own));
        kit_must(CreateRestrictedToken(own, DISABLE_MAX_PRIVILEGE, 2, disabled, 0, NULL, 0, NULL, &made));
        CloseHandle(own);
        return made;
}

static inline struct kit_child
other_start(void (*play)(int line))
{
        HANDLE token = other_token();
        struct kit_child child = kit_start_as(token, play);

        CloseHandle(token);
        return child;
}

static inline void
other_give(const struct kit_child *child, wr_object object)
{
        HANDLE there;

        kit_must(DuplicateHandle(GetCurrentProcess(), object, child->process, &there, 0, FALSE, DUPLICATE_SAME_ACCESS));
        kit_say(child->line, (uintptr_t)there);
}

static inline wr_object
other_take(int line)
{
        return (wr_object)(uintptr_t)kit_hear(line);
}
#else
#        include "tests/hostile/child.h"

static void (*other_play)(int line);

static inline void
other_begin(int line)
{
        kit_must(child_become(CHILD_NOBODY));
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of user clears it */
        other_play(line);
}

static inline struct kit_child
other_start(void (*play)(int line))
{
        other_play = play;
        return kit_start(other_begin);
}

/* It was forked and has it already, by the same number. */
static inline void
other_give(const struct kit_child *child, wr_object object)
{
        kit_say(child->line, (uint64_t)object);
}

static inline wr_object
other_take(int line)
{
        return (wr_object)kit_hear(line);
}
#endif

#endif
