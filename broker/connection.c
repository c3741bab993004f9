#include "broker/connection.h"

#include "named-objects/datagrams.h"
#include "named-objects/endpoint.h"

#include <stdlib.h>
#include <string.h>

enum { DRAIN_MAX = 256 }; /* datagrams thrown away at close */

struct wr_datagram {
        struct wr_datagram *next;
        size_t size;
        uint8_t bytes[];
};

enum weir_result
wr_connection_open(struct wr_connection *connection, struct wr_loop *loop, wr_object socket,
                   void (*call)(struct wr_hook *hook, unsigned ready), void *owner)
{
        enum weir_result result;

        *connection = (struct wr_connection){ .loop = loop };
        connection->hook = (struct wr_hook){ .object = socket, .call = call, .owner = owner };
        result = wr_loop_add(loop, &connection->hook, 0);
        if (result < 0) {
                wr_object_close(socket);
                connection->hook.object = WR_NO_OBJECT;
        }
        return result;
}

enum weir_result
wr_connection_stream(struct wr_connection *connection)
{
        connection->datagrams = malloc(sizeof(*connection->datagrams));
        if (!connection->datagrams)
                return WEIR_E_NO_MEMORY;
        wr_datagrams_open(connection->datagrams, connection->hook.object);
        return WEIR_OK;
}

/* ---- the two kinds of connection ------------------------------------------------------------------------------- */

/* A message over TCP takes none of its objects along: a WELCOME leaves the client's end of its life-line here. */
static enum weir_result
datagram_send(struct wr_connection *connection, const void *bytes, size_t size, const wr_object *objects, size_t count)
{
        if (connection->datagrams)
                return wr_datagrams_send(connection->datagrams, bytes, size);
        return wr_endpoint_send(connection->hook.object, bytes, size, objects, count);
}

static enum weir_result
datagram_receive(struct wr_connection *connection, void *bytes, size_t room, size_t *size)
{
        size_t count = 0;

        if (connection->datagrams)
                return wr_datagrams_receive(connection->datagrams, bytes, room, size);
        return wr_endpoint_receive(connection->hook.object, bytes, room, size, NULL, &count);
}

/* Does a part of a message wait for room? */
static bool
is_stuck(const struct wr_connection *connection)
{
        return connection->datagrams && wr_datagrams_waits(connection->datagrams);
}

static void
drain(struct wr_connection *connection)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size;

        if (connection->datagrams)
                wr_datagrams_flush(connection->datagrams);
        for (int i = 0; i < DRAIN_MAX; i++) {
                enum weir_result result = datagram_receive(connection, bytes, sizeof(bytes), &size);

                if (result != WEIR_OK && (result != WEIR_E_CORRUPT || connection->datagrams))
                        return;
        }
}

void
wr_connection_close(struct wr_connection *connection)
{
        if (connection->hook.object == WR_NO_OBJECT)
                return;
        wr_loop_remove(connection->loop, &connection->hook);
        drain(connection);
        wr_object_close(connection->hook.object);
        connection->hook.object = WR_NO_OBJECT;
        for (struct wr_datagram *datagram = connection->first, *next; datagram; datagram = next) {
                next = datagram->next;
                free(datagram);
        }
        free(connection->datagrams);
        connection->datagrams = NULL;
        connection->first = connection->last = NULL;
        connection->queued_bytes = 0;
}

/* A failure here shows as a connection that never becomes ready; the handshake deadline and the client's own
 * time-outs bound it. */
static void
want(struct wr_connection *connection, bool write)
{
        unsigned wanted = (connection->is_reading ? WR_READY_READ : 0U) | (write ? WR_READY_WRITE : 0U);

        wr_loop_change(connection->loop, &connection->hook, wanted);
}

void
wr_connection_read(struct wr_connection *connection, bool on)
{
        connection->is_reading = on;
        want(connection, (connection->hook.wanted & WR_READY_WRITE) != 0);
}

static enum weir_result
enqueue(struct wr_connection *connection, const uint8_t *bytes, size_t size)
{
        struct wr_datagram *datagram;

        if (connection->queued_bytes + size > WR_QUEUE_BYTES_MAX)
                return WEIR_E_QUOTA;
        datagram = malloc(sizeof(*datagram) + size);
        if (!datagram)
                return WEIR_E_NO_MEMORY;
        datagram->next = NULL;
        datagram->size = size;
        memcpy(datagram->bytes, bytes, size);
        if (connection->last)
                connection->last->next = datagram;
        else
                connection->first = datagram;
        connection->last = datagram;
        connection->queued_bytes += size;
        want(connection, true);
        return WEIR_OK;
}

enum weir_result
wr_connection_send(struct wr_connection *connection, const struct wr_message *message)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = wr_message_encode(message, bytes);
        enum weir_result result;

        if (!connection->first) {
                result = datagram_send(connection, bytes, size, NULL, 0);
                if (is_stuck(connection))
                        want(connection, true);
                if (result != WEIR_FULL)
                        return result;
        }
        return enqueue(connection, bytes, size);
}

enum weir_result
wr_connection_send_objects(struct wr_connection *connection, const struct wr_message *message, const wr_object *objects,
                           size_t count)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = wr_message_encode(message, bytes);
        enum weir_result result = WEIR_FULL;

        if (!connection->first)
                result = datagram_send(connection, bytes, size, objects, count);
        if (result == WEIR_FULL || is_stuck(connection))
                want(connection, true);
        return result;
}

enum weir_result
wr_connection_flush(struct wr_connection *connection)
{
        while (connection->first) {
                struct wr_datagram *datagram = connection->first;
                enum weir_result result = datagram_send(connection, datagram->bytes, datagram->size, NULL, 0);

                if (result != WEIR_OK)
                        return result;
                connection->first = datagram->next;
                if (!connection->first)
                        connection->last = NULL;
                connection->queued_bytes -= datagram->size;
                free(datagram);
        }
        if (is_stuck(connection)) {
                enum weir_result result = wr_datagrams_flush(connection->datagrams);

                if (result != WEIR_OK)
                        return result;
        }
        want(connection, false);
        return WEIR_OK;
}

enum weir_result
wr_connection_receive(struct wr_connection *connection, struct wr_message *message, unsigned *version, const char **why)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size;
        enum weir_result result = datagram_receive(connection, bytes, sizeof(bytes), &size);

        *why = "larger than any message, or with descriptors";
        if (result != WEIR_OK)
                return result;
        *version = wr_message_version(bytes, size);
        return wr_message_decode(bytes, size, message, why);
}
