/* Included by endpoint_attempts_test.c alone: pipes of others, and messages that no library of ours sends. Under Wine a
 * pipe's owner can be anybody, so a squatter is one of ours with a strange owner. */
#ifndef ENDPOINT_ATTEMPTS_WIN32_H
#define ENDPOINT_ATTEMPTS_WIN32_H

#include "named-objects/endpoint_name_win32.h"
#include "named-objects/rights/descriptor.h"
#include "named-objects/trailer.h"

static HANDLE squatters[WR_ENDPOINT_GENERATIONS];

/* Takes the pipe's name of a generation, as somebody else's where `owner` says so. */
static HANDLE
squat(unsigned generation, const struct wr_sid *owner, DWORD mode)
{
        static uint64_t list[64];
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, list, FALSE };
        struct wr_ace all = { .type = WR_ACE_ALLOW, .mask = 0x1f01ff, .sid = { 1, 1, { 0 } } };
        wchar_t name[WR_ENDPOINT_NAME_MAX];
        struct wr_draft draft;
        struct wr_sid self;
        HANDLE pipe;

        cr_assert(wr_endpoint_name_self(&self));
        wr_draft_begin(&draft, list, sizeof list);
        wr_draft_owner(&draft, owner ? owner : &self);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        wr_draft_ace(&draft, &all);
        cr_assert(gt(sz, wr_draft_end(&draft), 0));
        cr_assert(eq(int, wr_endpoint_name(path, generation, name, why, sizeof why), WEIR_OK));
        pipe = CreateNamedPipeW(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, mode, 255, 4096, 4096, 0, &attributes);
        cr_assert(pipe != INVALID_HANDLE_VALUE);
        return pipe;
}

/* Wine makes none. */
static bool
link_make(const char *at, const char *to)
{
        (void)at, (void)to;
        return false;
}

static void
link_remove(const char *at)
{
        RemoveDirectoryA(at);
}

static void
places_take(void)
{
        for (unsigned i = 0; i < WR_ENDPOINT_GENERATIONS; i++)
                squatters[i] = squat(i, NULL, PIPE_TYPE_MESSAGE);
}

static bool
places_are_taken(void)
{
        wchar_t name[WR_ENDPOINT_NAME_MAX];

        for (unsigned i = 0; i < WR_ENDPOINT_GENERATIONS; i++)
                if (wr_endpoint_name(path, i, name, why, sizeof why) != WEIR_OK || !wr_endpoint_name_is_held(name))
                        return false;
        return true;
}

#define PLACES_TOLD "all 8 names"

enum { STREAM_IS = WEIR_E_DENIED }; /* else what is told were that nobody has the last name of eight */

/* A server of ours that speaks in a stream, and not in messages. */
static void
stream_serve(void)
{
        squatters[0] = squat(0, NULL, PIPE_TYPE_BYTE);
}

#define SQUATTER_TOLD "S-1-5-21-9-9-9-9"

static void
squatter_begin(void)
{
        static const struct wr_sid stranger = { 5, 5, { 21, 9, 9, 9, 9 } };

        squatters[0] = squat(0, &stranger, PIPE_TYPE_MESSAGE);
        squatters[1] = squat(WR_ENDPOINT_GENERATIONS - 1, &stranger, PIPE_TYPE_MESSAGE);
}

/* Of the system: that owner nobody can give a pipe who is not. */
static void
neighbour_begin(void)
{
        static const struct wr_sid system = { 5, 1, { 18 } };

        squatters[0] = squat(0, &system, PIPE_TYPE_MESSAGE);
}

static void
squatter_end(void)
{
        for (unsigned i = 0; i < WR_ENDPOINT_GENERATIONS; i++)
                if (squatters[i] != NULL)
                        CloseHandle(squatters[i]);
}

static void
raw_write(HANDLE pipe, const void *bytes, size_t size)
{
        OVERLAPPED written = { .hEvent = CreateEventW(NULL, TRUE, FALSE, NULL) };
        DWORD sent;

        WriteFile(pipe, bytes, (DWORD)size, NULL, &written);
        cr_assert(ne(int, GetOverlappedResult(pipe, &written, &sent, TRUE), 0));
        CloseHandle(written.hEvent);
}

/* Says it with objects, which only a broker may: the library refuses, and what is said without it are bytes. */
static enum weir_result
say_with_objects(wr_object listener, wr_object client)
{
        HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
        struct wr_trailer_entry entry = { .kind = WR_TRAILER_EVENT,
                                          .rights = EVENT_MODIFY_STATE,
                                          .handle = (uintptr_t)event };
        char bytes[256] = "word";

        (void)listener;
        cr_assert(lt(int, wr_endpoint_send(client, "x", 1, &event, 1), 0));
        raw_write(wr_endpoint_peer(client)->pipe, bytes, 4 + wr_trailer_write(&entry, 1, bytes + 4));
        CloseHandle(event);
        return WEIR_E_CORRUPT; /* more than the room for a word */
}

/* What is received of a message that has nothing in it. */
static enum weir_result
say_nothing(wr_object client)
{
        raw_write(wr_endpoint_peer(client)->pipe, "", 0);
        return WEIR_E_CORRUPT;
}

#endif
