/* Ends of a connection for tests, the same on both systems: an address of the test's own, two ends that are connected
 * and have said hello, and waits with a limit. */
#ifndef ENDPOINT_KIT_H
#define ENDPOINT_KIT_H

#include "bus/os/clock.h"
#include "named-objects/endpoint.h"
#include "named-objects/watch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIT_LIMIT_NS INT64_C(10000000000)

static char path[2048], why[4096];

#ifdef _WIN32
#        include "named-objects/endpoint_win32.h"

static inline void
kit_begin(void)
{
        snprintf(path, sizeof path, "\\\\.\\pipe\\weir-test-%lu-%llx", GetCurrentProcessId(),
                 (unsigned long long)wr_clock_ns());
}

static inline void
kit_end(void)
{
}

/* What the identity half does once it knows whose token the client showed: here it is this process. */
static inline void
kit_identified(wr_object server)
{
        wr_endpoint_peer(server)->process = OpenProcess(PROCESS_DUP_HANDLE | SYNCHRONIZE, FALSE, GetCurrentProcessId());
}
#else
static char base[] = "/tmp/weir-endpoint-XXXXXX", directory[1024];

static inline void
kit_begin(void)
{
        cr_assert_not_null(mkdtemp(base));
        snprintf(directory, sizeof directory, "%s/weir", base);
        snprintf(path, sizeof path, "%s/bus", directory);
        cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_OK), "%s", why);
}

static inline void
kit_end(void)
{
        char command[128];

        snprintf(command, sizeof command, "rm -rf '%s'", base);
        cr_assert(eq(int, system(command), 0));
}

static inline void
kit_identified(wr_object server)
{
        (void)server;
}
#endif

/* Until there is something to receive or to accept, or ten seconds have passed. */
static inline void
kit_wait(wr_object object)
{
        struct wr_watch watch = { .object = object, .read = true };

        wr_watch_wait(&watch, 1, KIT_LIMIT_NS);
}

static inline enum weir_result
kit_receive(wr_object connection, void *bytes, size_t room, size_t *size, wr_object *objects, size_t *count)
{
        size_t expected = count ? *count : 0;
        enum weir_result result = wr_endpoint_receive(connection, bytes, room, size, objects, count);

        for (int i = 0; i < 3 && result == WEIR_EMPTY; i++) {
                kit_wait(connection);
                if (count)
                        *count = expected;
                result = wr_endpoint_receive(connection, bytes, room, size, objects, count);
        }
        return result;
}

static inline wr_object
kit_listen(const char *where)
{
        wr_object listener;

        cr_assert(eq(int, wr_endpoint_listen(&listener, where, why, sizeof why), WEIR_OK), "%s", why);
        return listener;
}

/* A listener may be readable for what is none yet. */
static inline wr_object
kit_accept(wr_object listener)
{
        int64_t until_ns = wr_clock_ns() + KIT_LIMIT_NS;
        enum weir_result result;
        wr_object server;

        while ((result = wr_endpoint_accept(listener, &server)) == WEIR_EMPTY && wr_clock_ns() < until_ns)
                kit_wait(listener);
        cr_assert(eq(int, result, WEIR_OK));
        return server;
}

/* Both have what they say to each other next before them. */
static inline void
kit_connect(wr_object listener, const char *where, wr_object *client, wr_object *server)
{
        char bytes[8];
        size_t size;

        cr_assert(eq(int, wr_endpoint_connect(client, where, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, wr_endpoint_send(*client, "hello", 5, NULL, 0), WEIR_OK));
        *server = kit_accept(listener);
        cr_assert(eq(int, kit_receive(*server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, 5));
        kit_identified(*server);
}

#endif
