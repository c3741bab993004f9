/*
 * The attack from inside: a program that may read a lane tries to write it.
 *
 *      what it has     a view, read-only; the section's handle with the right to map it for reading; the section's
 * name, which the handle tells; an event that it may wait for. All of them are in its own process what it tries   make
 * the view writable; map the handle for writing; duplicate the handle with the right to write; open the section by its
 * name for writing; change the list that refuses all this; set the event that only the publisher may set
 */
#include "clients/demo/demo_attack.h"
#include "clients/demo/demo_handle_win32.h"
#include "clients/demo/demo_text_win32.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 4096, OPEN_BYTES = 65536 };
enum { LIST = 4 /* the place of this attack */ };

struct target {
        unsigned char *page; /* of the view */
        HANDLE section, event;
        wchar_t name[DEMO_HANDLE_NAME]; /* of the section */
};

static uint64_t
view_bytes(const unsigned char *view)
{
        MEMORY_BASIC_INFORMATION run;
        uint64_t bytes = 0;

        while (VirtualQuery(view + bytes, &run, sizeof run) == sizeof run && run.AllocationBase == view)
                bytes += run.RegionSize;
        return bytes;
}

/* Are these two views of one section? As large, and the same bytes at the place of a page that is known. */
static bool
shows_same(const unsigned char *view, const unsigned char *known, const unsigned char *page)
{
        const unsigned char *same = view + (page - known);
        MEMORY_BASIC_INFORMATION run;

        return view_bytes(view) == view_bytes(known) && VirtualQuery(same, &run, sizeof run) == sizeof run &&
               run.State == MEM_COMMIT && memcmp(same, page, PAGE) == 0;
}

static bool
is_section_of(HANDLE section, const unsigned char *page)
{
        const unsigned char *view = MapViewOfFile(section, FILE_MAP_READ, 0, 0, 0);
        MEMORY_BASIC_INFORMATION run;
        bool is_it;

        if (view == NULL)
                return false;
        is_it = VirtualQuery(page, &run, sizeof run) == sizeof run && shows_same(view, run.AllocationBase, page);
        UnmapViewOfFile(view);
        return is_it;
}

/* The section behind the page, and an event that may only be waited for. */
static bool
find(struct target *target)
{
        struct demo_handle found = { .handle = NULL };

        target->section = target->event = NULL;
        while (demo_handle_next(&found))
                if (found.kind == DEMO_HANDLE_EVENT && (found.rights & EVENT_MODIFY_STATE) == 0) {
                        target->event = found.handle;
                } else if (found.kind == DEMO_HANDLE_SECTION && target->section == NULL &&
                           is_section_of(found.handle, target->page)) {
                        target->section = found.handle;
                        wcscpy(target->name, found.name);
                }
        return target->section != NULL && target->event != NULL;
}

/* Open to everything: made for writing, with no list, and seen read-only at first. */
static bool
open_memory(struct target *target)
{
        DWORD old;

        _snwprintf(target->name, DEMO_HANDLE_NAME, L"weir-demo-open-%lu", GetCurrentProcessId());
        target->event = CreateEventW(NULL, FALSE, FALSE, NULL);
        target->section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, OPEN_BYTES, target->name);
        target->page = target->section != NULL ? MapViewOfFile(target->section, FILE_MAP_WRITE, 0, 0, 0) : NULL;
        return target->event != NULL && target->page != NULL && VirtualProtect(target->page, PAGE, PAGE_READONLY, &old);
}

static int
make_writable(const struct target *target)
{
        DWORD old;

        if (!VirtualProtect(target->page, PAGE, PAGE_READWRITE, &old))
                return (int)GetLastError();
        target->page[0] += 1;
        return 0;
}

/* Maps a page for writing and writes to it. Returns the error, 0 when it went through. */
static int
map_and_write(HANDLE section)
{
        unsigned char *page = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, PAGE);

        if (page == NULL)
                return (int)GetLastError();
        page[0] += 1;
        UnmapViewOfFile(page);
        return 0;
}

/* The same with a handle that was just got, or not. */
static int
write_by(HANDLE section)
{
        int error = section != NULL ? map_and_write(section) : (int)GetLastError();

        if (section != NULL)
                CloseHandle(section);
        return error;
}

static HANDLE
with_rights(HANDLE handle, DWORD rights)
{
        HANDLE self = GetCurrentProcess(), more = NULL;

        return DuplicateHandle(self, handle, self, &more, rights, FALSE, 0) ? more : NULL;
}

/* Wine lets the owner of an object change its list, whatever that says, and every program there is the owner. Windows
 * does not where a list speaks of OWNER RIGHTS, as ours do. */
static bool
owners_may_all(void)
{
        return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != NULL;
}

/* By the handle we have; by one with more rights, had from it or by name, as owners may. */
static int
change_list(const struct target *target)
{
        bool by_owner = !owners_may_all();
        HANDLE changes = by_owner ? with_rights(target->section, WRITE_DAC) : NULL;
        SECURITY_DESCRIPTOR everybody;
        int error = 0;

        if (changes == NULL && by_owner)
                changes = OpenFileMappingW(WRITE_DAC, FALSE, target->name);
        InitializeSecurityDescriptor(&everybody, SECURITY_DESCRIPTOR_REVISION);
        SetSecurityDescriptorDacl(&everybody, TRUE, NULL, FALSE);
        if (SetKernelObjectSecurity(changes != NULL ? changes : target->section, DACL_SECURITY_INFORMATION, &everybody))
                error = write_by(with_rights(target->section, SECTION_MAP_READ | SECTION_MAP_WRITE));
        else
                error = (int)GetLastError();
        if (changes != NULL)
                CloseHandle(changes);
        return error;
}

static int
set_event(const struct target *target)
{
        HANDLE sets = with_rights(target->event, EVENT_MODIFY_STATE);
        int error = 0;

        if (!SetEvent(target->event) && (sets == NULL || !SetEvent(sets)))
                error = (int)GetLastError();
        if (sets != NULL)
                CloseHandle(sets);
        return error;
}

static void
attack(const struct target *target, struct demo_attack attacks[DEMO_ATTACKS])
{
        DWORD wanted = SECTION_MAP_READ | SECTION_MAP_WRITE;

        attacks[0] = (struct demo_attack){ .way = "VirtualProtect", .error = make_writable(target) };
        attacks[1] = (struct demo_attack){ .way = "second map", .error = map_and_write(target->section) };
        attacks[2] = (struct demo_attack){ .way = "duplicate the handle",
                                           .error = write_by(with_rights(target->section, wanted)) };
        attacks[3] = (struct demo_attack){ .way = "open by name",
                                           .error = write_by(OpenFileMappingW(wanted, FALSE, target->name)) };
        attacks[LIST] = (struct demo_attack){ .way = "change its list", .error = change_list(target) };
        attacks[5] = (struct demo_attack){ .way = "set its event", .error = set_event(target) };
}

bool
demo_attack_all(const void *mapped, bool open, struct demo_attack attacks[DEMO_ATTACKS])
{
        struct target target = { .page = (unsigned char *)((uintptr_t)mapped & ~(uintptr_t)(PAGE - 1)) };

        if (open ? !open_memory(&target) : !find(&target))
                return false;
        attack(&target, attacks);
        for (int i = 0; i < DEMO_ATTACKS; i++)
                if (attacks[i].error != 0) {
                        snprintf(attacks[i].name, sizeof attacks[i].name, "error %d", attacks[i].error);
                        demo_text_error((DWORD)attacks[i].error, attacks[i].text, sizeof attacks[i].text);
                }
        if (owners_may_all() && attacks[LIST].error != 0)
                strncat(attacks[LIST].text, " (not tried as its owner: Wine lets owners)",
                        sizeof attacks[LIST].text - strlen(attacks[LIST].text) - 1);
        return true;
}

void
demo_attack_digest(const void *mapped, char text[DEMO_SHA_TEXT])
{
        MEMORY_BASIC_INFORMATION run;
        const unsigned char *view, *at;
        struct demo_sha sha;

        text[0] = '\0';
        if (VirtualQuery(mapped, &run, sizeof run) != sizeof run)
                return;
        demo_sha_open(&sha);
        view = run.AllocationBase;
        for (at = view; VirtualQuery(at, &run, sizeof run) == sizeof run && run.AllocationBase == view;
             at += run.RegionSize)
                if (run.State == MEM_COMMIT)
                        demo_sha_add(&sha, run.BaseAddress, run.RegionSize);
        demo_sha_close(&sha, text);
}
