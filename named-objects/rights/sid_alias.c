/*
 * The table of two-letter aliases, one line each: where the SID begins, and its last word.
 *
 *      { "BA", BUILTIN, 544 } is S-1-5-32-544; { "DA", DOMAIN, 512 } is the domain's SID and -512 behind it.
 */
#include "named-objects/rights/sid_alias.h"

#include "named-objects/rights/sddl.h"

enum base { WORLD, CREATOR, NT, BUILTIN, DRIVERS, PACKAGES, LABEL, ASSERTED, DOMAIN, MACHINE, FOREST };

struct line {
        char letters[3];
        uint8_t base; /* enum base */
        uint16_t last;
};

static const struct line lines[] = {
        { "AA", BUILTIN, 579 }, /* access control assistance operators */
        { "AC", PACKAGES, 1 },  /* all application packages */
        { "AN", NT, 7 },        /* anonymous */
        { "AO", BUILTIN, 548 }, /* account operators */
        { "AP", DOMAIN, 525 },  /* protected users */
        { "AS", ASSERTED, 1 },  /* identity asserted by the authority */
        { "AU", NT, 11 },       /* authenticated users */
        { "BA", BUILTIN, 544 }, /* administrators */
        { "BG", BUILTIN, 546 }, /* guests */
        { "BO", BUILTIN, 551 }, /* backup operators */
        { "BU", BUILTIN, 545 }, /* users */
        { "CA", DOMAIN, 517 },  /* certificate publishers */
        { "CD", BUILTIN, 574 }, /* certificate service DCOM access */
        { "CG", CREATOR, 1 },   /* creator group */
        { "CN", DOMAIN, 522 },  /* cloneable domain controllers */
        { "CO", CREATOR, 0 },   /* creator owner */
        { "CY", BUILTIN, 569 }, /* cryptographic operators */
        { "DA", DOMAIN, 512 },  /* domain administrators */
        { "DC", DOMAIN, 515 },  /* domain computers */
        { "DD", DOMAIN, 516 },  /* domain controllers */
        { "DG", DOMAIN, 514 },  /* domain guests */
        { "DU", DOMAIN, 513 },  /* domain users */
        { "EA", FOREST, 519 },  /* enterprise administrators */
        { "ED", NT, 9 },        /* enterprise domain controllers */
        { "EK", FOREST, 527 },  /* enterprise key administrators */
        { "ER", BUILTIN, 573 }, /* event log readers */
        { "ES", BUILTIN, 576 }, /* remote desktop endpoint servers */
        { "HA", BUILTIN, 578 }, /* Hyper-V administrators */
        { "HI", LABEL, 12288 }, /* high integrity */
        { "HO", BUILTIN, 584 }, /* user mode hardware operators */
        { "IS", BUILTIN, 568 }, /* internet information server users */
        { "IU", NT, 4 },        /* interactive */
        { "KA", DOMAIN, 526 },  /* key administrators */
        { "LA", MACHINE, 500 }, /* local administrator */
        { "LG", MACHINE, 501 }, /* local guest */
        { "LS", NT, 19 },       /* local service */
        { "LU", BUILTIN, 559 }, /* performance log users */
        { "LW", LABEL, 4096 },  /* low integrity */
        { "ME", LABEL, 8192 },  /* medium integrity */
        { "MP", LABEL, 8448 },  /* medium plus integrity */
        { "MS", BUILTIN, 577 }, /* remote desktop management servers */
        { "MU", BUILTIN, 558 }, /* performance monitor users */
        { "NO", BUILTIN, 556 }, /* network configuration operators */
        { "NS", NT, 20 },       /* network service */
        { "NU", NT, 2 },        /* network */
        { "OW", CREATOR, 4 },   /* owner rights */
        { "PA", DOMAIN, 520 },  /* group policy administrators */
        { "PO", BUILTIN, 550 }, /* printer operators */
        { "PS", NT, 10 },       /* principal self */
        { "PU", BUILTIN, 547 }, /* power users */
        { "RA", BUILTIN, 575 }, /* remote desktop remote access servers */
        { "RC", NT, 12 },       /* restricted code */
        { "RD", BUILTIN, 555 }, /* remote desktop users */
        { "RE", BUILTIN, 552 }, /* replicator */
        { "RM", BUILTIN, 580 }, /* remote management users */
        { "RO", FOREST, 498 },  /* enterprise read-only domain controllers */
        { "RS", DOMAIN, 553 },  /* remote access servers */
        { "RU", BUILTIN, 554 }, /* access as before Windows 2000 */
        { "SA", FOREST, 518 },  /* schema administrators */
        { "SH", BUILTIN, 585 }, /* OpenSSH users */
        { "SI", LABEL, 16384 }, /* system integrity */
        { "SO", BUILTIN, 549 }, /* server operators */
        { "SS", ASSERTED, 2 },  /* identity asserted by a service */
        { "SU", NT, 6 },        /* service */
        { "SY", NT, 18 },       /* local system */
        { "UD", DRIVERS, 0 },   /* user mode drivers */
        { "WD", WORLD, 0 },     /* everyone */
        { "WR", NT, 33 },       /* write restricted code */
};

/* The SIDs in front of a line's last word that are the same everywhere. */
static const struct wr_sid fixed[] = {
        [WORLD] = { .authority = 1 },
        [CREATOR] = { .authority = 3 },
        [NT] = { .authority = 5 },
        [BUILTIN] = { .authority = 5, .count = 1, .words = { 32 } },
        [DRIVERS] = { .authority = 5, .count = 5, .words = { 84 } },
        [PACKAGES] = { .authority = 15, .count = 1, .words = { 2 } },
        [LABEL] = { .authority = 16 },
        [ASSERTED] = { .authority = 18 },
};

static char
upper(char c)
{
        return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static const struct line *
line_of(const char alias[2])
{
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
                if (lines[i].letters[0] == upper(alias[0]) && lines[i].letters[1] == upper(alias[1]))
                        return &lines[i];
        return NULL;
}

enum wr_sid_alias_kind
wr_sid_alias_kind(const char alias[2])
{
        const struct line *line = line_of(alias);

        if (line == NULL)
                return WR_ALIAS_UNKNOWN;
        switch (line->base) {
        case DOMAIN: return WR_ALIAS_OF_DOMAIN;
        case MACHINE: return WR_ALIAS_OF_MACHINE;
        case FOREST: return WR_ALIAS_OF_FOREST;
        default: return WR_ALIAS_FIXED;
        }
}

/* What stands in front of the line's last word, NULL if the realm does not have it. */
static const struct wr_sid *
base_of(const struct line *line, const struct wr_sddl_realm *realm)
{
        const struct wr_sid *base;

        if (line->base < DOMAIN)
                return &fixed[line->base];
        if (realm == NULL)
                return NULL;
        base = line->base == DOMAIN ? &realm->domain : line->base == MACHINE ? &realm->machine : &realm->forest;
        return base->count > 0 && base->count < WR_SID_WORDS_MAX ? base : NULL;
}

static bool
stands_for(const struct line *line, const struct wr_sddl_realm *realm, struct wr_sid *sid)
{
        const struct wr_sid *base = base_of(line, realm);

        if (base == NULL)
                return false;
        *sid = *base;
        sid->words[sid->count++] = line->last;
        return true;
}

bool
wr_sid_from_alias(struct wr_sid *sid, const char alias[2], const struct wr_sddl_realm *realm)
{
        const struct line *line = line_of(alias);

        return line != NULL && stands_for(line, realm, sid);
}

const char *
wr_sid_alias(const struct wr_sid *sid, const struct wr_sddl_realm *realm)
{
        struct wr_sid candidate;

        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
                if (sid->count > 0 && sid->words[sid->count - 1] == lines[i].last &&
                    stands_for(&lines[i], realm, &candidate) && wr_sid_equal(sid, &candidate))
                        return lines[i].letters;
        return NULL;
}
