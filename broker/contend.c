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
#include "named-objects/signal.h"
#include "named-objects/watch.h"

#include <string.h>

#define KNOCK_NS INT64_C(10000000) /* between two looks */

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
wr_contend_take(wr_object *lock, const char *path, const char *address, int64_t patience_ns)
{
        int64_t until_ns = wr_clock_ns() + patience_ns;
        enum weir_result result, silent = patience_ns < WR_CONTEND_NS ? WEIR_FULL : WEIR_EMPTY;
        wr_object connection;
        bool answers;

        while ((result = wr_lock_take(lock, path)) == WEIR_FULL) {
                if (hello_say(address, &connection)) {
                        answers = is_answered(connection, wr_clock_ns() + patience_ns); /* it may have just begun */
                        bye_say(connection);
                        wr_object_close(connection);
                        return answers ? WEIR_FULL : silent;
                }
                if (wr_clock_ns() >= until_ns)
                        return silent;
                wr_watch_wait(NULL, 0, KNOCK_NS);
        }
        return result;
}

/* A broker that dies takes what waits at its socket along: we are hung up on, and nothing comes. */
bool
wr_contend_is_served(const char *address, int64_t patience_ns)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size, none = 0;
        wr_object connection;
        bool served;

        if (!hello_say(address, &connection))
                return false;
        served = is_answered(connection, wr_clock_ns() + patience_ns)
                         ? wr_endpoint_receive(connection, bytes, sizeof(bytes), &size, NULL, &none) != WEIR_E_CLOSED
                         : patience_ns < WR_CONTEND_NS;
        if (served)
                bye_say(connection);
        wr_object_close(connection);
        return served;
}

/* 0: not told, or not yet. */
static uint32_t
pid_told(wr_object connection, bool *is_over)
{
        wr_object objects[WR_MESSAGE_DESCRIPTORS_MAX + WR_SIGNAL_OBJECTS];
        size_t size, count = sizeof(objects) / sizeof(objects[0]);
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        struct wr_message message;
        const char *why;
        enum weir_result result = wr_endpoint_receive(connection, bytes, sizeof(bytes), &size, objects, &count);

        *is_over = result < 0;
        if (result != WEIR_OK)
                return 0;
        for (size_t i = 0; i < count; i++)
                wr_object_close(objects[i]);
        *is_over = wr_message_decode(bytes, size, &message, &why) < 0 || message.kind == WR_REFUSAL;
        return !*is_over && message.kind == WR_STATE ? message.state.pid : 0;
}

uint32_t
wr_contend_pid(const char *address, int64_t patience_ns)
{
        struct wr_message status = { .kind = WR_STATUS, .request = 2 };
        int64_t until_ns = wr_clock_ns() + patience_ns;
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        wr_object connection;
        bool is_over = false;
        uint32_t pid = 0;

        if (!hello_say(address, &connection))
                return 0;
        wr_endpoint_send(connection, bytes, wr_message_encode(&status, bytes), NULL, 0);
        while (pid == 0 && !is_over && wr_clock_ns() < until_ns && is_answered(connection, until_ns))
                pid = pid_told(connection, &is_over);
        bye_say(connection);
        wr_object_close(connection);
        return pid;
}
