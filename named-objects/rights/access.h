/*
 * The access check of Windows, whole: may this token have these rights on what this descriptor guards, and which entry
 * decided which right in which half?
 *
 *      request ─ map generic bits ─ integrity ─ privileges ─ owner ─┬─ user half     ─┐
 *                                                                   ├─ restricted    ─┼─ granted: all of them
 *                                                                   └─ package half  ─┘
 *
 * Every right is decided alone, so what a request of many rights gets is what each of them would get, and
 * WR_MAXIMUM_ALLOWED is the union of the single rights. Where the public sources are silent the answer is the narrower
 * one; access.c says where. Source: MS-DTYP 2.5.3.2 and 2.5.3.3, and the public descriptions of the kernel's
 * AppContainer check that docs/security.md names. Pure: no system call, no allocation.
 */
#ifndef WR_ACCESS_H
#define WR_ACCESS_H

#include "named-objects/rights/descriptor.h"
#include "named-objects/rights/token.h"

enum wr_access_bit {
        WR_DELETE = 0x10000,
        WR_READ_CONTROL = 0x20000,
        WR_WRITE_DAC = 0x40000,
        WR_WRITE_OWNER = 0x80000,
        WR_SYNCHRONIZE = 0x100000,
        WR_ACCESS_SYSTEM_SECURITY = 0x1000000,
        WR_MAXIMUM_ALLOWED = 0x2000000,
        WR_GENERIC_ALL = 0x10000000,
        WR_GENERIC_EXECUTE = 0x20000000,
        WR_GENERIC_WRITE = 0x40000000
};
#define WR_GENERIC_READ 0x80000000u /* no int has room for it */

/* What the four generic bits mean for a kind of object. */
struct wr_generic_mapping {
        uint32_t read, write, execute, all;
};

extern const struct wr_generic_mapping wr_section_mapping, wr_event_mapping, wr_mutex_mapping, wr_semaphore_mapping,
        wr_pipe_mapping, wr_directory_mapping;

/* Where a right was decided, for the explanation. */
enum wr_access_step {
        WR_STEP_UNASKED,   /* this half has no say on the right */
        WR_STEP_NONE,      /* asked, and nothing grants it: refused */
        WR_STEP_INTEGRITY, /* refused by the label; told in the user half, whose list then has no say */
        WR_STEP_PRIVILEGE, /* granted by a privilege, or refused for want of one */
        WR_STEP_OWNER,     /* granted to the owner */
        WR_STEP_NO_LIST,   /* granted, because the DACL is missing or NULL */
        WR_STEP_ALLOWED,   /* by the entry `ace` */
        WR_STEP_DENIED     /* by the entry `ace` */
};

enum wr_access_half { WR_HALF_USER, WR_HALF_RESTRICTED, WR_HALF_PACKAGE, WR_HALVES };

struct wr_decision {
        enum wr_access_step step;
        bool granted; /* by this half, which is true of one that was not asked */
        uint32_t ace; /* index in the DACL */
};

struct wr_access {
        bool granted;
        bool maximum;     /* WR_MAXIMUM_ALLOWED was asked */
        uint32_t desired; /* the request, its generic bits mapped, without WR_MAXIMUM_ALLOWED */
        uint32_t decided; /* the rights that `decisions` speaks of: `desired`, of a maximum all that there are */
        uint32_t mask;    /* what is granted: of WR_MAXIMUM_ALLOWED all that can be had, else `desired` or 0 */
        uint32_t missing; /* of `desired`, what at least one half did not grant */
        const struct wr_generic_mapping *mapping; /* as it was given */
        bool asked[WR_HALVES];
        struct wr_decision decisions[WR_HALVES][32]; /* by bit */
};

/*
 * Decides. `access` is always filled; returns access->granted. A request for nothing is refused, and so is a
 * WR_MAXIMUM_ALLOWED that finds nothing. WR_ACCESS_SYSTEM_SECURITY is part of a maximum only where it is asked by name.
 */
bool
wr_access_check(const struct wr_descriptor *descriptor, const struct wr_token *token,
                const struct wr_generic_mapping *mapping, uint32_t desired, struct wr_access *access);

/* The client's end of a named pipe: as wr_access_check with wr_pipe_mapping, but the right to create an instance (4)
 * is removed from the mapped request, and from what a maximum grants. */
bool
wr_access_check_pipe_client(const struct wr_descriptor *descriptor, const struct wr_token *token, uint32_t desired,
                            struct wr_access *access);

#endif
