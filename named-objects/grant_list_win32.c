/*
 * The list of an object of ours, from the first moment to the last client that is told its name:
 *
 *      D:P(A;;RC;;;OW)                                           nobody, its owner included
 *      D:P(A;;RC;;;OW)(A;;LC;;;S-1-5-21-...)(A;;LC;;;S-1-15-2-...)     and this client, to read
 *      ... S:(ML;;NW;;;LW)                                       and one of low integrity, to write
 *
 * Entries are only added. Who lost a right by policy keeps what it has mapped in any case, and the object goes with its
 * lane.
 */
#include "bus/os/error.h"
#include "named-objects/grant_win32.h"
#include "named-objects/rights/descriptor.h"

#include <stdlib.h>

enum { NO_WRITE_UP = 1, LOW_INTEGRITY = 4096 };

const struct wr_ace wr_grant_nobody = { .type = WR_ACE_ALLOW,
                                        .mask = READ_CONTROL,
                                        .sid = { .authority = 3, .count = 1, .words = { 4 } } }; /* OWNER RIGHTS */

const struct wr_ace wr_grant_any_integrity = {
        .type = WR_ACE_LABEL,
        .mask = NO_WRITE_UP, /* who is below it does not write */
        .sid = { .authority = 16, .count = 1, .words = { LOW_INTEGRITY } },
};

size_t
wr_grant_closed_list(void *bytes, size_t room)
{
        struct wr_draft draft;

        wr_draft_begin(&draft, bytes, room);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        wr_draft_ace(&draft, &wr_grant_nobody);
        return wr_draft_end(&draft);
}

/* malloc'ed; NULL: *result says why. */
static uint8_t *
list_read(HANDLE object, struct wr_descriptor *old, DWORD *bytes, enum weir_result *result)
{
        uint8_t *list;

        *bytes = 0;
        GetKernelObjectSecurity(object, DACL_SECURITY_INFORMATION, NULL, 0, bytes);
        if (*bytes == 0) {
                *result = wr_os_error((int)GetLastError());
                return NULL;
        }
        list = malloc(*bytes);
        *result = list != NULL ? WEIR_E_CORRUPT : WEIR_E_NO_MEMORY;
        if (list != NULL && GetKernelObjectSecurity(object, DACL_SECURITY_INFORMATION, list, *bytes, bytes) &&
            wr_descriptor_open(old, list, *bytes, NULL) && old->dacl.present && !old->dacl.null &&
            (old->control & WR_DACL_PROTECTED) != 0)
                return list;
        free(list);
        return NULL;
}

static bool
is_there(const struct wr_acl *list, const struct wr_ace *wanted)
{
        struct wr_ace ace;

        for (size_t at = 0; wr_acl_next(list, &at, &ace);)
                if (ace.type == wanted->type && ace.mask == wanted->mask && wr_sid_equal(&ace.sid, &wanted->sid))
                        return true;
        return false;
}

/* The old list and what is new of the entries; its size, 0: full. *added: how many are new. */
static size_t
list_extend(const struct wr_descriptor *old, const struct wr_sid *sids, size_t count, uint32_t rights, uint8_t *bytes,
            size_t room, size_t *added)
{
        struct wr_draft draft;
        struct wr_ace ace;

        *added = 0;
        wr_draft_begin(&draft, bytes, room);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        for (size_t at = 0; wr_acl_next(&old->dacl, &at, &ace);)
                wr_draft_ace(&draft, &ace);
        for (size_t i = 0; i < count; i++) {
                const struct wr_ace entry = { .type = WR_ACE_ALLOW, .mask = rights, .sid = sids[i] };

                if (is_there(&old->dacl, &entry))
                        continue;
                wr_draft_ace(&draft, &entry);
                (*added)++;
        }
        return wr_draft_end(&draft);
}

enum weir_result
wr_grant_admit(HANDLE object, const struct wr_sid *sids, size_t count, uint32_t rights)
{
        enum { ENTRY_BYTES = 8 + WR_SID_BYTES_MAX };
        struct wr_descriptor old;
        enum weir_result result;
        size_t room, size, added;
        DWORD bytes;
        uint8_t *list = list_read(object, &old, &bytes, &result), *longer;

        if (list == NULL)
                return result;
        room = bytes + count * ENTRY_BYTES;
        longer = malloc(room);
        size = longer != NULL ? list_extend(&old, sids, count, rights, longer, room, &added) : 0;
        if (longer == NULL)
                result = WEIR_E_NO_MEMORY;
        else if (size == 0)
                result = WEIR_E_QUOTA;
        else if (added == 0 || SetKernelObjectSecurity(object, DACL_SECURITY_INFORMATION, longer))
                result = WEIR_OK;
        else
                result = wr_os_error((int)GetLastError());
        free(longer);
        free(list);
        return result;
}

enum weir_result
wr_grant_lower(HANDLE object, uint32_t rights)
{
        enum wr_grant_kind kind = wr_grant_kind_of(object);
        uint32_t writes = kind == WR_GRANT_SECTION ? SECTION_MAP_WRITE
                          : kind == WR_GRANT_EVENT ? EVENT_MODIFY_STATE
                                                   : 0;
        _Alignas(8) BYTE label[WR_GRANT_LIST_BYTES];
        struct wr_draft draft;

        if ((rights & writes) == 0)
                return WEIR_OK;
        wr_draft_begin(&draft, label, sizeof label);
        wr_draft_sacl(&draft, 0);
        wr_draft_ace(&draft, &wr_grant_any_integrity);
        if (wr_draft_end(&draft) == 0)
                return WEIR_E_SYSTEM;
        return SetKernelObjectSecurity(object, LABEL_SECURITY_INFORMATION, label) ? WEIR_OK
                                                                                  : wr_os_error((int)GetLastError());
}
