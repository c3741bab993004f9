/*
 * A region is a named section on the page file: reserved address space, committed piece by piece. Its rights are in the
 * handles and in its list (named-objects/grant_win32.h):
 *
 *      the broker's own        all, by creation; its list grants nobody else anything
 *      the writer's            MAP_READ | MAP_WRITE, handed over
 *      everybody else's        MAP_READ, handed over from wr_region_read_only
 *
 * Behind its bytes comes one page more that is never committed: who runs over the end faults there, before it touches
 * somebody else's memory. (And Wine 8 forgets what was committed up to the very end of a view.)
 *
 * A name that exists already is an attack, since nobody can guess 128 random bits by accident. What is there is never
 * used: another name is drawn, and counted, so that the broker can tell.
 */
#include "named-objects/region.h"

#include "bus/os/error.h"
#include "named-objects/grant_win32.h"
#include "named-objects/region_win32.h"

/* name: of no use here. Who looks sees our prefix; more would only tell others what a section is good for. */
enum weir_result
wr_region_create(wr_object *region, const char *name, uint64_t bytes)
{
        _Alignas(8) BYTE list[WR_GRANT_LIST_BYTES];
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, list, FALSE };
        wchar_t unguessed[WR_GRANT_NAME_MAX];
        uint64_t whole = wr_region_view_bytes(bytes);
        int tries = 0;

        (void)name;
        *region = WR_NO_OBJECT;
        if (whole == 0)
                return WEIR_E_USAGE;
        if (wr_grant_closed_list(list, sizeof list) == 0)
                return WEIR_E_SYSTEM;
        do {
                wr_grant_name_make(unguessed);
                SetLastError(ERROR_SUCCESS);
                *region = CreateFileMappingW(INVALID_HANDLE_VALUE, &attributes, PAGE_READWRITE | SEC_RESERVE,
                                             (DWORD)(whole >> 32), (DWORD)whole, unguessed);
        } while (wr_grant_collided(region) && ++tries < WR_GRANT_TRIES_MAX);
        return *region != WR_NO_OBJECT ? WEIR_OK : wr_os_error((int)GetLastError());
}

uint32_t
wr_region_names_taken(void)
{
        return wr_grant_collisions();
}

/* For the broker's own keeping, so it can still be granted to somebody by name; what is handed over is MAP_READ alone.
 */
enum weir_result
wr_region_read_only(wr_object region, wr_object *read_only)
{
        return wr_grant_narrow(region, SECTION_MAP_READ | WR_GRANT_KEPT, read_only);
}

/* Nothing to do: nobody gets write access but from a handle that the broker hands over, and it hands out no other. */
enum weir_result
wr_region_seal(wr_object region)
{
        return region != WR_NO_OBJECT ? WEIR_OK : WEIR_E_USAGE;
}
