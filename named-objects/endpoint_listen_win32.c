/*
 * The listener: instances of the pipe, each in one of these states.
 *
 *      free  ->  waiting     spare: made, and ConnectNamedPipe under way
 *            ->  silent      somebody connected, and the read of the first message is under way
 *            ->  accepted    the message is there: the instance is a connection, and its place is free again
 *
 * All that is under way raises one event, which also makes the listener readable; what it means is found out by
 * accept, the only one who moves instances on. As an event is lowered by the system whenever something begins on it,
 * accept looks again after it began anything. A timer raises the event when somebody has been silent for too long.
 */
#include "named-objects/endpoint.h"

#include "bus/os/clock.h"
#include "bus/os/error.h"
#include "named-objects/endpoint_name_win32.h"
#include "named-objects/grant_win32.h"
#include "named-objects/pipe_win32.h"
#include "named-objects/rights/descriptor.h"
#include "named-objects/sentence.h"

#include <stdlib.h>
#include <string.h>

#define SILENT_NS INT64_C(2000000000)

enum {
        SPARES = 32,
        PLACES = 96, /* the spares, and as many as may have said nothing */
        KNOCKS = 2 * PLACES,
        QUEUE_BYTES = 64 * 1024,
        CLIENT_RIGHTS = 0x12019b,
        OWNER_RIGHTS = 0x1f01ff,
        LIST_HEAD_BYTES = 256,
        NS_PER_TICK = 100 /* of the system's timers */
};

enum place_state { FREE, WAITING, SILENT };

struct place {
        enum place_state state;
        HANDLE handle; /* waiting */
        OVERLAPPED connecting;
        struct wr_pipe *pipe; /* silent; has the handle */
        int64_t since_ns;
};

struct listener {
        struct wr_waitable waitable; /* first */
        wchar_t name[WR_ENDPOINT_NAME_MAX];
        unsigned generation;
        void *list; /* the descriptor of the pipe, malloc'ed */
        PTP_TIMER timer;
        enum weir_result failure; /* why there is no spare instance, or WEIR_OK */
        struct place places[PLACES];
};

static struct listener *
listener_of(const struct wr_waitable *waitable)
{
        return (struct listener *)(uintptr_t)waitable; /* its first member */
}

/* ---- the list ------------------------------------------------------------------------------------------------- */

/* NULL: no memory, or a guest that is no SID. */
static void *
list_make(const struct wr_sid *guests, size_t count)
{
        size_t room = LIST_HEAD_BYTES + count * (WR_SID_BYTES_MAX + 8);
        struct wr_ace entry = { .type = WR_ACE_ALLOW, .mask = OWNER_RIGHTS };
        struct wr_draft draft;
        void *list = malloc(room);

        if (list == NULL || !wr_endpoint_name_self(&entry.sid)) {
                free(list);
                return NULL;
        }
        wr_draft_begin(&draft, list, room);
        wr_draft_owner(&draft, &entry.sid);
        wr_draft_sacl(&draft, 0);
        wr_draft_ace(&draft, &wr_grant_any_integrity);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        wr_draft_ace(&draft, &entry);
        entry.mask = CLIENT_RIGHTS;
        for (size_t i = 0; i < count; i++) {
                entry.sid = guests[i];
                wr_draft_ace(&draft, &entry);
        }
        if (wr_draft_end(&draft) > 0)
                return list;
        free(list);
        return NULL;
}

/* ---- instances ------------------------------------------------------------------------------------------------ */

/* NULL: it failed, and GetLastError says why. */
static HANDLE
instance_make(struct listener *listener, DWORD flags)
{
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, listener->list, FALSE };
        HANDLE pipe = CreateNamedPipeW(listener->name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | WRITE_DAC | flags,
                                       PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS,
                                       PIPE_UNLIMITED_INSTANCES, QUEUE_BYTES, QUEUE_BYTES, 0, &attributes);

        return pipe != INVALID_HANDLE_VALUE ? pipe : NULL;
}

static void
place_clear(struct place *place)
{
        if (place->state == WAITING) {
                CancelIoEx(place->handle, &place->connecting);
                while (!HasOverlappedIoCompleted(&place->connecting))
                        SwitchToThread();
                CloseHandle(place->handle);
        }
        if (place->state == SILENT)
                wr_pipe_close(place->pipe);
        *place = (struct place){ .state = FREE };
}

/* Without memory it is hung up on. */
static void
place_connected(struct listener *listener, struct place *place)
{
        LARGE_INTEGER due = { .QuadPart = -(SILENT_NS / NS_PER_TICK) };
        FILETIME relative = { due.LowPart, (DWORD)due.HighPart };

        place->pipe = wr_pipe_new(place->handle, false);
        place->state = place->pipe ? SILENT : FREE;
        if (place->pipe == NULL)
                return;
        place->since_ns = wr_clock_ns();
        wr_pipe_read(place->pipe, listener->waitable.readable);
        SetThreadpoolTimer(listener->timer, &relative, 0, 0);
}

/* Makes an instance and lets it wait for a client. Takes the handle over, if one is given. */
static enum weir_result
place_fill(struct listener *listener, struct place *place, HANDLE made)
{
        enum weir_result result;

        place->handle = made != NULL ? made : instance_make(listener, 0);
        if (place->handle == NULL)
                return wr_os_error((int)GetLastError());
        place->state = WAITING;
        place->connecting = (OVERLAPPED){ .hEvent = listener->waitable.readable };
        if (ConnectNamedPipe(place->handle, &place->connecting))
                return WEIR_OK;
        switch (GetLastError()) {
        case ERROR_IO_PENDING: return WEIR_OK;
        case ERROR_PIPE_CONNECTED: /* somebody was faster */
        case ERROR_NO_DATA:        /* ... and has gone already; what it said is still to be read */
                place_connected(listener, place);
                return WEIR_OK;
        default:
                result = wr_os_error((int)GetLastError());
                place->connecting.Internal = 0; /* it never began */
                place_clear(place);
                return result;
        }
}

/* Returns whether something began, which may have lowered the event. */
static bool
place_move(struct listener *listener, struct place *place)
{
        unsigned reads;
        size_t size;
        DWORD none;

        if (place->state == WAITING && HasOverlappedIoCompleted(&place->connecting)) {
                if (GetOverlappedResult(place->handle, &place->connecting, &none, FALSE))
                        place_connected(listener, place);
                else
                        place_clear(place); /* cancelled, its thread having ended: another one takes its place */
                return true;
        }
        if (place->state == SILENT) {
                reads = place->pipe->reads;
                switch (wr_pipe_look(place->pipe, &size)) {
                case WEIR_OK: return false;
                case WEIR_EMPTY:
                        if (wr_clock_ns() - place->since_ns < SILENT_NS)
                                return place->pipe->reads != reads;
                        break;
                default: break;
                }
                place_clear(place);
                return true;
        }
        return false;
}

static size_t
count_in(const struct listener *listener, enum place_state state)
{
        size_t count = 0;

        for (size_t i = 0; i < PLACES; i++)
                count += listener->places[i].state == state;
        return count;
}

/* The one that has been there for longest, among those that have said something, or have not. NULL: there is none. */
static struct place *
oldest(struct listener *listener, enum weir_result said)
{
        struct place *found = NULL;

        for (size_t i = 0; i < PLACES; i++) {
                struct place *place = &listener->places[i];
                size_t size;

                if (place->state == SILENT && wr_pipe_look(place->pipe, &size) == said &&
                    (found == NULL || place->since_ns < found->since_ns))
                        found = place;
        }
        return found;
}

/* As many spare instances as there should be; where no place is left for one, who says nothing makes room. */
static bool
refill(struct listener *listener)
{
        size_t spares = count_in(listener, WAITING);
        bool began = false;
        struct place *silent;

        listener->failure = WEIR_OK;
        if (spares == 0 && count_in(listener, FREE) == 0 && (silent = oldest(listener, WEIR_EMPTY)) != NULL)
                place_clear(silent);
        for (size_t i = 0; i < PLACES && spares < SPARES && listener->failure == WEIR_OK; i++) {
                if (listener->places[i].state != FREE)
                        continue;
                listener->failure = place_fill(listener, &listener->places[i], NULL);
                spares++;
                began = true;
        }
        return began && listener->failure == WEIR_OK;
}

static void
move_all(struct listener *listener)
{
        bool began;

        do {
                began = false;
                ResetEvent(listener->waitable.readable);
                for (size_t i = 0; i < PLACES; i++)
                        began |= place_move(listener, &listener->places[i]);
                began |= refill(listener);
        } while (began);
}

/* ---- the seam ------------------------------------------------------------------------------------------------- */

static bool
never_hangs_up(const struct wr_waitable *waitable)
{
        (void)waitable;
        return false;
}

static void
close_waitable(struct wr_waitable *waitable)
{
        struct listener *listener = listener_of(waitable);

        for (size_t i = 0; i < PLACES; i++)
                place_clear(&listener->places[i]);
        if (listener->timer != NULL) {
                SetThreadpoolTimer(listener->timer, NULL, 0, 0);
                WaitForThreadpoolTimerCallbacks(listener->timer, TRUE);
                CloseThreadpoolTimer(listener->timer);
        }
        if (waitable->readable != NULL)
                CloseHandle(waitable->readable);
        free(listener->list);
        free(listener);
}

static struct listener *
listener_at(wr_object object)
{
        struct wr_waitable *waitable = wr_object_waitable(object);

        return waitable != NULL && waitable->close == close_waitable ? listener_of(waitable) : NULL;
}

static void CALLBACK
look_again(PTP_CALLBACK_INSTANCE instance, void *readable, PTP_TIMER timer)
{
        (void)instance;
        (void)timer;
        SetEvent(readable);
}

/* NULL: no memory or no handles. */
static struct listener *
listener_new(void)
{
        struct listener *listener = calloc(1, sizeof *listener);

        if (listener == NULL)
                return NULL;
        listener->waitable = (struct wr_waitable){ .readable = CreateEventW(NULL, TRUE, FALSE, NULL),
                                                   .hung_up = never_hangs_up,
                                                   .close = close_waitable };
        listener->list = list_make(NULL, 0);
        if (listener->waitable.readable != NULL)
                listener->timer = CreateThreadpoolTimer(look_again, listener->waitable.readable, NULL);
        if (listener->timer != NULL && listener->list != NULL)
                return listener;
        close_waitable(&listener->waitable);
        return NULL;
}

/* Is the instance the only one of its name? The system sees to it; Wine does not. */
static bool
is_first(HANDLE pipe)
{
        DWORD instances = 0;

        return GetNamedPipeHandleStateW(pipe, NULL, &instances, NULL, NULL, NULL, 0) && instances == 1;
}

/* Takes the name of this generation, if it is free. */
static enum weir_result
take_name(struct listener *listener, const char *path, unsigned generation)
{
        enum weir_result result = wr_endpoint_name(path, generation, listener->name, NULL, 0);
        HANDLE pipe;

        if (result < 0)
                return result;
        pipe = instance_make(listener, FILE_FLAG_FIRST_PIPE_INSTANCE);
        if (pipe == NULL)
                return wr_os_error((int)GetLastError());
        if (!is_first(pipe)) {
                CloseHandle(pipe);
                return WEIR_E_DENIED;
        }
        listener->generation = generation;
        return place_fill(listener, &listener->places[0], pipe);
}

static void
explain(enum weir_result result, DWORD error, const char *path, char *sentence, size_t room)
{
        if (result == WEIR_E_DENIED)
                wr_sentence(sentence, room,
                            "all %d names of '%s' are held by other processes: end them, or choose another address "
                            "with WEIR_BROKER",
                            WR_ENDPOINT_GENERATIONS, path);
        else if (error == ERROR_PATH_NOT_FOUND)
                wr_sentence(sentence, room,
                            "there is no place for the pipe '%s': a package has one only while its app runs, so "
                            "start that first",
                            path);
        else
                wr_sentence(sentence, room, "cannot make the pipe '%s': error %lu", path, error);
}

/* Above all that are held, so that clients find us first; where the highest is held, the highest that is free. */
static enum weir_result
take_any_name(struct listener *listener, const char *path, char *sentence, size_t room)
{
        enum weir_result result = WEIR_E_DENIED;
        wchar_t name[WR_ENDPOINT_NAME_MAX];
        unsigned above = WR_ENDPOINT_GENERATIONS;

        while (above > 0 && wr_endpoint_name(path, above - 1, name, sentence, room) == WEIR_OK &&
               !wr_endpoint_name_is_held(name))
                above--;
        for (unsigned i = above; i < WR_ENDPOINT_GENERATIONS && result == WEIR_E_DENIED; i++)
                result = take_name(listener, path, i);
        for (unsigned i = above; i-- > 0 && result == WEIR_E_DENIED;)
                result = take_name(listener, path, i);
        if (result < 0)
                explain(result, GetLastError(), path, sentence, room);
        return result;
}

/*
 * Who listens below us hangs, and its pipe cannot be taken from it: a client that finds it when we are gone would wait
 * for it in vain. So its door is shut: an instance that somebody came and went through is of no use until its broker
 * takes it up again, and when all are, clients and brokers know without a wait that nobody is to be had there.
 */
static void
shut_lower(const struct listener *listener, const char *path)
{
        wchar_t name[WR_ENDPOINT_NAME_MAX];
        HANDLE pipe;

        for (unsigned i = 0; i < listener->generation; i++) {
                if (wr_endpoint_name(path, i, name, NULL, 0) < 0)
                        continue;
                for (int knocks = 0; knocks < KNOCKS; knocks++) {
                        if (wr_endpoint_name_open(name, path, &pipe, NULL, 0) != WEIR_OK)
                                break;
                        CloseHandle(pipe);
                }
        }
}

enum weir_result
wr_endpoint_listen(wr_object *listener, const char *path, char *sentence, size_t room)
{
        enum weir_result result = wr_endpoint_place(path, sentence, room);
        struct listener *made;

        *listener = WR_NO_OBJECT;
        if (result < 0)
                return result;
        made = listener_new();
        if (made == NULL) {
                wr_sentence(sentence, room, "no memory or handles to listen with");
                return WEIR_E_NO_MEMORY;
        }
        result = take_any_name(made, path, sentence, room);
        if (result < 0) {
                close_waitable(&made->waitable);
                return result;
        }
        move_all(made);
        shut_lower(made, path);
        SetEvent(made->waitable.readable); /* somebody may have spoken already, which move_all has lowered */
        *listener = wr_object_of(&made->waitable);
        return WEIR_OK;
}

enum weir_result
wr_endpoint_admit(wr_object object, const struct wr_sid *guests, size_t count)
{
        struct listener *listener = listener_at(object);
        void *list;

        if (listener == NULL)
                return WEIR_E_USAGE;
        list = list_make(guests, count);
        if (list == NULL)
                return WEIR_E_NO_MEMORY;
        free(listener->list);
        listener->list = list;
        /* The list is the pipe's, whichever instance it is set through. Those that are made later have it, too. */
        for (size_t i = 0; i < PLACES; i++) {
                struct place *place = &listener->places[i];

                if (place->state == FREE)
                        continue;
                if (SetKernelObjectSecurity(place->state == WAITING ? place->handle : place->pipe->peer.pipe,
                                            DACL_SECURITY_INFORMATION, list))
                        return WEIR_OK;
                return wr_os_error((int)GetLastError());
        }
        return WEIR_E_QUOTA;
}

bool
wr_endpoint_owns(wr_object object, const char *path)
{
        struct listener *listener = listener_at(object);
        wchar_t name[WR_ENDPOINT_NAME_MAX];
        HANDLE pipe;

        if (listener == NULL)
                return false;
        for (unsigned i = listener->generation + 1; i < WR_ENDPOINT_GENERATIONS; i++) {
                if (wr_endpoint_name(path, i, name, NULL, 0) < 0 || !wr_endpoint_name_is_held(name) ||
                    wr_endpoint_name_open(name, path, &pipe, NULL, 0) != WEIR_OK)
                        continue;
                CloseHandle(pipe);
                return false;
        }
        return true;
}

void
wr_endpoint_unlisten(wr_object listener, const char *path)
{
        (void)path; /* the name goes with its last instance */
        wr_object_close(listener);
}

enum weir_result
wr_endpoint_accept(wr_object object, wr_object *connection)
{
        struct listener *listener = listener_at(object);
        enum weir_result result;
        struct place *place;
        struct wr_pipe *pipe;

        *connection = WR_NO_OBJECT;
        if (listener == NULL)
                return WEIR_E_USAGE;
        move_all(listener);
        place = oldest(listener, WEIR_OK);
        if (place == NULL)
                return count_in(listener, WAITING) == 0 && listener->failure < 0 ? listener->failure : WEIR_EMPTY;
        pipe = place->pipe;
        *place = (struct place){ .state = FREE };
        SetEvent(listener->waitable.readable); /* another may have spoken, and the place is to be filled */
        result = wr_pipe_settle(pipe);
        if (result != WEIR_OK) {
                wr_pipe_close(pipe);
                return result;
        }
        *connection = wr_object_of(&pipe->waitable);
        return WEIR_OK;
}
