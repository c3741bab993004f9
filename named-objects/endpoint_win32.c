/*
 * A named pipe in message mode: messages keep their borders, and the system says who is there.
 *
 *      broker    NAME-g made as its first instance, g above all that are held; spare instances wait for clients
 *      client    NAME-7 ... NAME-0 opened; the first that answers, and is of somebody who may be our broker
 *
 * A broker's pipe lives on for as long as any client keeps its end open, and its name is taken for as long: so each
 * broker has a name of its own, and a client that does not let go holds up nobody. The highest one counts: a broker
 * that is stopped keeps its pipe, and the one that takes its place is found before it.
 */
#include "named-objects/endpoint.h"

#include "bus/os/error.h"
#include "named-objects/endpoint_name_win32.h"
#include "named-objects/endpoint_objects_win32.h"
#include "named-objects/pipe_win32.h"
#include "named-objects/sentence.h"

#include <string.h>

struct wr_endpoint_peer *
wr_endpoint_peer(wr_object connection)
{
        struct wr_pipe *pipe = wr_pipe_of(connection);

        return pipe != NULL ? &pipe->peer : NULL;
}

/* The handle becomes a connection, or is closed. */
static enum weir_result
client_of(HANDLE handle, wr_object *connection, char *sentence, size_t room)
{
        struct wr_pipe *pipe = wr_pipe_new(handle, true);
        enum weir_result result = pipe != NULL ? wr_pipe_settle(pipe) : WEIR_E_NO_MEMORY;

        if (result == WEIR_OK) {
                *connection = wr_object_of(&pipe->waitable);
                return WEIR_OK;
        }
        wr_sentence(sentence, room, "no memory or handle to connect with");
        if (pipe != NULL)
                wr_pipe_close(pipe);
        return result;
}

/*
 * What to say where nobody could be connected to: that somebody may not be there is worth more than that a broker is
 * busy, and that more than that there is none.
 */
static enum weir_result
worse(enum weir_result a, enum weir_result b)
{
        static const enum weir_result order[] = { WEIR_E_NO_BROKER, WEIR_FULL };

        for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
                if (a == order[i])
                        return b;
                if (b == order[i])
                        return a;
        }
        return a;
}

enum weir_result
wr_endpoint_connect(wr_object *connection, const char *path, char *sentence, size_t room)
{
        enum weir_result result, worst = WEIR_E_NO_BROKER;
        wchar_t name[WR_ENDPOINT_NAME_MAX];
        HANDLE pipe;
        char why[512];

        *connection = WR_NO_OBJECT;
        for (unsigned generation = WR_ENDPOINT_GENERATIONS; generation-- > 0;) {
                result = wr_endpoint_name(path, generation, name, sentence, room);
                if (result < 0)
                        return result;
                result = wr_endpoint_name_open(name, path, &pipe, why, sizeof why);
                if (result == WEIR_OK)
                        return client_of(pipe, connection, sentence, room);
                if (generation + 1 == WR_ENDPOINT_GENERATIONS || worst != worse(worst, result))
                        wr_sentence(sentence, room, "%s", why);
                worst = worse(worst, result);
        }
        return worst == WEIR_FULL ? WEIR_E_NO_BROKER : worst;
}

/* The trailer behind the payload, and the objects in it. */
static enum weir_result
send_objects(struct wr_pipe *pipe, size_t size, const wr_object *objects, size_t count)
{
        struct wr_trailer_entry entries[WR_TRAILER_ENTRIES_MAX];
        enum weir_result result = wr_endpoint_objects_give(&pipe->peer, objects, count, entries);

        if (result != WEIR_OK)
                return result;
        size += wr_trailer_write(entries, count, pipe->out + size);
        return wr_pipe_write(pipe, size, entries, count);
}

enum weir_result
wr_endpoint_send(wr_object connection, const void *bytes, size_t size, const wr_object *objects, size_t count)
{
        struct wr_pipe *pipe = wr_pipe_of(connection);
        enum weir_result result;

        if (pipe == NULL || count > WR_TRAILER_ENTRIES_MAX || size == 0)
                return WEIR_E_USAGE;
        if (size > WR_ENDPOINT_BYTES_MAX)
                return WEIR_E_TOO_LARGE;
        if (pipe->peer.is_client && count != 0)
                return WEIR_E_DENIED;
        result = wr_pipe_room(pipe);
        if (result != WEIR_OK)
                return result;
        memcpy(pipe->out, bytes, size);
        return pipe->peer.is_client ? wr_pipe_write(pipe, size, NULL, 0) : send_objects(pipe, size, objects, count);
}

/* On the broker's side all is payload: no client has an object to give. */
static enum weir_result
take_apart(struct wr_pipe *pipe, size_t *size, wr_object *objects, size_t *count)
{
        struct wr_trailer_entry entries[WR_TRAILER_ENTRIES_MAX];
        wr_object taken[WR_TRAILER_ENTRIES_MAX];
        size_t came, room = *count;
        enum weir_result result;

        *count = 0;
        if (!pipe->peer.is_client)
                return WEIR_OK;
        if (!wr_trailer_read(pipe->in, *size, entries, &came, size))
                return WEIR_E_CORRUPT;
        result = wr_endpoint_objects_take(entries, came, taken);
        if (result != WEIR_OK)
                return result;
        if (came > room || *size == 0) {
                for (size_t i = 0; i < came; i++)
                        wr_object_close(taken[i]);
                return WEIR_E_CORRUPT;
        }
        memcpy(objects, taken, came * sizeof *taken);
        *count = came;
        return WEIR_OK;
}

enum weir_result
wr_endpoint_receive(wr_object connection, void *bytes, size_t room, size_t *size, wr_object *objects, size_t *count)
{
        struct wr_pipe *pipe = wr_pipe_of(connection);
        size_t came = count != NULL ? *count : 0, got;
        enum weir_result result;

        *size = 0;
        if (count != NULL)
                *count = 0;
        if (pipe == NULL || came > WR_TRAILER_ENTRIES_MAX)
                return WEIR_E_USAGE;
        result = wr_pipe_look(pipe, &got);
        if (result != WEIR_OK)
                return result;
        result = take_apart(pipe, &got, objects, &came);
        if (result == WEIR_OK && got > room) {
                for (size_t i = 0; i < came; i++)
                        wr_object_close(objects[i]);
                result = WEIR_E_CORRUPT;
        }
        if (result == WEIR_OK) {
                memcpy(bytes, pipe->in, got);
                *size = got;
                if (count != NULL)
                        *count = came;
        }
        wr_pipe_go_on(pipe);
        return result;
}
