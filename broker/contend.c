/*
 * A process that was stopped, or that hangs, still holds its lock and its socket. Whoever would be the broker in its
 * place asks it something first: every broker answers HELLO within a turn of its loop. One that was deposed and wakes
 * up finds at its next tick that the socket is not its own any more, and stops.
 *
 *      what is met for three seconds on end          it is
 *      HELLO is accepted, nothing comes              stopped
 *      nobody is accepted, the queue is full         stopped, and others knocked before us
 *      nobody listens, and the lock is held          stopped while it began or ended, or its socket was removed
 */
#include "broker/contend.h"

#include "bus/layout.h"
#include "bus/message.h"
#include "bus/os/clock.h"
#include "named-objects/endpoint.h"
#include "named-objects/lock.h"
#include "named-objects/watch.h"

#include <string.h>

#define SILENT_NS INT64_C(3000000000)
#define KNOCK_NS  INT64_C(10000000) /* between two looks */

static bool
is_answered(wr_object connection, int64_t until_ns)
{
        struct wr_watch watch = { .object = connection, .read = true };
        int64_t left_ns;

        while (!watch.readable && !watch.hung_up && (left_ns = until_ns - wr_clock_ns()) > 0)
                wr_watch_wait(&watch, 1, left_ns);
        return watch.readable || watch.hung_up;
}

/* False: nobody listens there, or takes anybody in. */
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

/* Or its log would have us dead. */
static void
bye_say(wr_object connection)
{
        struct wr_message bye = { .kind = WR_BYE };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        wr_endpoint_send(connection, bytes, wr_message_encode(&bye, bytes), NULL, 0);
}

enum weir_result
wr_contend_take(wr_object *lock, const char *path, const char *address)
{
        int64_t until_ns = wr_clock_ns() + SILENT_NS;
        enum weir_result result;
        wr_object connection;
        bool answers;

        while ((result = wr_lock_take(lock, path)) == WEIR_FULL) {
                if (hello_say(address, &connection)) {
                        answers = is_answered(connection, wr_clock_ns() + SILENT_NS); /* it may have just begun */
                        bye_say(connection);
                        wr_object_close(connection);
                        return answers ? WEIR_FULL : WEIR_EMPTY;
                }
                if (wr_clock_ns() >= until_ns)
                        return WEIR_EMPTY;
                wr_watch_wait(NULL, 0, KNOCK_NS);
        }
        return result;
}

/* A broker that dies takes what waits at its socket along: we are hung up on, and nothing comes. */
bool
wr_contend_is_served(const char *address)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size, none = 0;
        wr_object connection;
        bool served;

        if (!hello_say(address, &connection))
                return false;
        served = is_answered(connection, wr_clock_ns() + SILENT_NS) &&
                 wr_endpoint_receive(connection, bytes, sizeof(bytes), &size, NULL, &none) != WEIR_E_CLOSED;
        if (served)
                bye_say(connection);
        wr_object_close(connection);
        return served;
}
