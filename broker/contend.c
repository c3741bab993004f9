/*
 * A process that was stopped, or that hangs, still holds its lock and its socket. Whoever would be the broker in its
 * place asks it something first: every broker answers HELLO within a turn of its loop. One that was deposed and wakes
 * up finds at its next tick that the socket is not its own any more, and stops.
 */
#include "broker/contend.h"

#include "bus/layout.h"
#include "bus/message.h"
#include "bus/os/clock.h"
#include "named-objects/endpoint.h"
#include "named-objects/watch.h"

#include <string.h>

#define SILENT_NS INT64_C(3000000000)

static bool
is_answered(wr_object connection)
{
        struct wr_watch watch = { .object = connection, .read = true };
        int64_t until_ns = wr_clock_ns() + SILENT_NS, left_ns;

        while (!watch.readable && !watch.hung_up && (left_ns = until_ns - wr_clock_ns()) > 0)
                wr_watch_wait(&watch, 1, left_ns);
        return watch.readable || watch.hung_up;
}

/* False: nobody listens there, it is just beginning, or just ending. */
static bool
hello_say(const char *address, wr_object *connection)
{
        struct wr_message hello = { .kind = WR_HELLO, .request = 1, .hello = { .layout = WR_LAYOUT } };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        strcpy(hello.hello.name, "contender");
        if (wr_endpoint_connect(connection, address, NULL, 0) < 0)
                return false;
        if (wr_endpoint_send(*connection, bytes, wr_message_encode(&hello, bytes), NULL, 0) == WEIR_OK)
                return true;
        wr_object_close(*connection);
        return false;
}

bool
wr_contend_is_silent(const char *address)
{
        wr_object connection;
        bool silent;

        if (!hello_say(address, &connection))
                return false;
        silent = !is_answered(connection);
        wr_object_close(connection);
        return silent;
}

/* A broker that dies takes what waits at its socket along: we are hung up on, and nothing comes. */
bool
wr_contend_is_served(const char *address)
{
        struct wr_message bye = { .kind = WR_BYE };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size, none = 0;
        wr_object connection;
        bool served;

        if (!hello_say(address, &connection))
                return false;
        served = is_answered(connection) &&
                 wr_endpoint_receive(connection, bytes, sizeof(bytes), &size, NULL, &none) != WEIR_E_CLOSED;
        if (served) /* or its log would have us dead */
                wr_endpoint_send(connection, bytes, wr_message_encode(&bye, bytes), NULL, 0);
        wr_object_close(connection);
        return served;
}
