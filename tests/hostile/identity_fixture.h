/* A listener in a directory of its own, and who connected to it as the broker would see it. */
#ifndef WR_TEST_IDENTITY_FIXTURE_H
#define WR_TEST_IDENTITY_FIXTURE_H

#include "named-objects/endpoint.h"
#include "named-objects/identity.h"
#include "tests/hostile/sandbox.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <sys/stat.h>

static char fixture_base[] = "/tmp/weir-identity-XXXXXX", fixture_socket[64], fixture_mount[160];
static wr_object fixture_listener;

static inline void
fixture_make(void)
{
        char why[256];

        cr_assert_not_null(mkdtemp(fixture_base));
        cr_assert(eq(int, chmod(fixture_base, 0755), 0)); /* other users connect, too */
        snprintf(fixture_socket, sizeof fixture_socket, "%s/bus", fixture_base);
        snprintf(fixture_mount, sizeof fixture_mount, "--bind %s %s", fixture_base, fixture_base);
        cr_assert(eq(int, wr_endpoint_listen(&fixture_listener, fixture_socket, why, sizeof why), WEIR_OK), "%s", why);
}

static inline void
fixture_remove(void)
{
        wr_endpoint_unlisten(fixture_listener, fixture_socket);
        rmdir(fixture_base);
}

/* The next client. Bounded, since a sandbox that fails to start says nothing. */
static inline wr_object
fixture_accept(void)
{
        struct pollfd wait = { .fd = fixture_listener, .events = POLLIN };
        wr_object connection;

        cr_assert(eq(int, poll(&wait, 1, 20000), 1), "nobody connected");
        cr_assert(eq(int, wr_endpoint_accept(fixture_listener, &connection), WEIR_OK));
        return connection;
}

static char fixture_why[512];

static inline enum weir_result
fixture_ask(wr_object connection, const char *package, struct wr_identity *identity)
{
        wr_object process;
        enum weir_result result =
                wr_identity_of(connection, package, identity, &process, fixture_why, sizeof fixture_why);

        cr_assert(eq(int, process == WR_NO_OBJECT, result != WEIR_OK));
        wr_object_close(process);
        return result;
}

static inline void
fixture_end(pid_t child, wr_object connection)
{
        child_end(child);
        wr_object_close(connection);
}

/* A plain process that connects and waits to be killed. */
static inline int
fixture_connect(void *argument)
{
        wr_object connection;

        (void)argument;
        if (wr_endpoint_connect(&connection, fixture_socket, NULL, 0) != WEIR_OK)
                return CHILD_CANNOT_BEGIN;
        for (;;)
                pause();
}

#endif
