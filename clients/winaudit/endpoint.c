/*
 * The broker's door, by weir's own halves: who may open it, who it is then, and which of two brokers counts. Each
 * client is one of our children, which opens the pipe as libweir does and says one byte.
 */
#include "named-objects/endpoint.h"
#include "clients/winaudit/launch.h"
#include "clients/winaudit/open.h"
#include "clients/winaudit/peer.h"
#include "named-objects/identity.h"
#include "named-objects/object_win32.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 5000 };

static void
path_make(char path[AUDIT_TASK_NAME_MAX])
{
        char name[AUDIT_NAME_MAX];

        audit_name(name);
        snprintf(path, AUDIT_TASK_NAME_MAX, "\\\\.\\pipe\\%s", name);
}

static bool
listens(wr_object *listener, const char *path, struct audit_seen *seen)
{
        char sentence[200] = "";
        enum weir_result result = wr_endpoint_listen(listener, path, sentence, sizeof sentence);

        if (result != WEIR_OK)
                audit_saw_that(seen, GetLastError(), "does not listen: %s", sentence);
        return result == WEIR_OK;
}

/* "full trust", "the package weir.winaudit with its capability", ...: as the broker would put it. */
static void
tell_identity(const struct audit *audit, wr_object connection, struct audit_seen *seen)
{
        struct wr_identity *identity = calloc(1, sizeof *identity);
        char sentence[200] = "no memory";
        wr_object process = WR_NO_OBJECT;
        enum weir_result result = WEIR_E_NO_MEMORY;

        if (identity != NULL)
                result = wr_identity_of(connection, NULL, identity, &process, sentence, sizeof sentence);
        if (result != WEIR_OK)
                audit_saw_that(seen, GetLastError(), "is nobody: %s", sentence);
        else if (!wr_sid_equal(&identity->user, &audit->user))
                audit_saw_that(seen, ERROR_SUCCESS, "another user");
        else if (process == WR_NO_OBJECT)
                audit_saw_that(seen, ERROR_SUCCESS, "its process cannot be opened");
        else if (identity->trust == WR_TRUST_PACKAGE && strcmp(identity->package, AUDIT_PROFILE) != 0)
                audit_saw_that(seen, ERROR_SUCCESS, "the package %s", identity->package);
        else if (identity->trust == WR_TRUST_PACKAGE)
                audit_saw_that(seen, ERROR_SUCCESS, "our package%s%s",
                               identity->is_less_privileged ? ", less privileged" : "",
                               wr_sid_list_has(&identity->sids, &audit->capability, WR_SID_CAPABILITY)
                                       ? ", with its capability"
                                       : ", without its capability");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "%s", identity->trust == WR_TRUST_FULL ? "full trust" : "confined");
        wr_object_close(process);
        free(identity);
}

struct door_row {
        enum audit_who who;
        bool admitted; /* by the broker, as its policy would: user and package */
};

/* The pipe is open at the client; what does the broker see? */
static void
run_said(struct audit *audit, const struct door_row *row, wr_object listener, uint64_t pipe, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_SAY, .handle = pipe };
        struct wr_waitable *waitable = wr_object_waitable(listener);
        wr_object connection = WR_NO_OBJECT;
        struct audit_reply reply;

        if (!audit_ask(audit, row->who, &request, &reply, seen))
                return;
        if (reply.code != ERROR_SUCCESS || waitable == NULL ||
            WaitForSingleObject(waitable->readable, PATIENCE_MS) != WAIT_OBJECT_0 ||
            wr_endpoint_accept(listener, &connection) != WEIR_OK)
                audit_saw_that(seen, reply.code, "nobody comes");
        else
                tell_identity(audit, connection, seen);
        wr_object_close(connection);
}

static void
run_door(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const struct door_row *row = check->with;
        const struct wr_sid guests[2] = { audit->user, audit->package };
        struct audit_request request = { .task = AUDIT_OPEN,
                                         .kind = AUDIT_PIPE,
                                         .rights = GENERIC_READ | GENERIC_WRITE,
                                         .flags = SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION };
        char path[AUDIT_TASK_NAME_MAX];
        struct audit_reply reply;
        wr_object listener;

        path_make(path);
        snprintf(request.name, sizeof request.name, "%.300s-0", path);
        if (audit_peer_process(audit, row->who, seen) == NULL || !listens(&listener, path, seen))
                return;
        if (row->admitted && wr_endpoint_admit(listener, guests, 2) != WEIR_OK) {
                audit_saw_that(seen, GetLastError(), "nobody could be admitted");
        } else if (audit_ask(audit, row->who, &request, &reply, seen)) {
                if (reply.code != ERROR_SUCCESS)
                        audit_saw(seen, reply.code);
                else
                        run_said(audit, row, listener, reply.value, seen);
                audit_peer_close(audit, row->who, reply.value);
        }
        wr_endpoint_unlisten(listener, path);
}

/* A broker at the same address, while the one before it still holds its pipe. */
static void
run_successor(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        wr_object first, second;
        char path[AUDIT_TASK_NAME_MAX];

        (void)audit;
        (void)check;
        path_make(path);
        if (!listens(&first, path, seen))
                return;
        if (listens(&second, path, seen)) {
                if (wr_endpoint_owns(second, path) && !wr_endpoint_owns(first, path))
                        audit_saw_that(seen, ERROR_SUCCESS, "the second counts");
                else
                        audit_saw_that(seen, ERROR_SUCCESS, "the second does not count");
                wr_endpoint_unlisten(second, path);
        }
        wr_endpoint_unlisten(first, path);
}

/* Our own client at our own broker: who listens is looked at. */
static void
run_connect(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        char path[AUDIT_TASK_NAME_MAX], sentence[200] = "";
        wr_object listener, connection;
        enum weir_result result;

        (void)audit;
        (void)check;
        path_make(path);
        if (!listens(&listener, path, seen))
                return;
        result = wr_endpoint_connect(&connection, path, sentence, sizeof sentence);
        if (result == WEIR_OK)
                audit_saw_that(seen, ERROR_SUCCESS, "believes it");
        else
                audit_saw_that(seen, GetLastError(), "does not: %s", sentence);
        wr_object_close(connection);
        wr_endpoint_unlisten(listener, path);
}

#define DOOR(w, a)                          \
        &(const struct door_row)            \
        {                                   \
                .who = (w), .admitted = (a) \
        }
#define OPENS_PIPE "CreateFile of the endpoint, wr_endpoint_accept, wr_identity_of"

static const struct audit_check checks[] = {
        { "a broker's successor takes the next generation, and counts", "wr_endpoint_listen, twice",
          EXACTLY(0, "the second counts"), AS_WINDOWS, run_successor, NULL },
        { "a client believes a broker of its own user", "wr_endpoint_connect", EXACTLY(0, "believes it"), AS_WINDOWS,
          run_connect, NULL },
        { "the broker knows a program of its user", OPENS_PIPE, EXACTLY(0, "full trust"), AS_WINDOWS, run_door,
          DOOR(AUDIT_STRIPPED, false) },
        { "the broker does not let in low integrity", OPENS_PIPE, REFUSED, EXACTLY(0, "full trust"), run_door,
          DOOR(AUDIT_LOW, false) },
        { "the broker does not let in a restricted token", OPENS_PIPE, REFUSED, EXACTLY(0, "full trust"), run_door,
          DOOR(AUDIT_RESTRICTED, false) },
        { "the broker does not let in a container that nothing admits", OPENS_PIPE, REFUSED, NOT_TO_TRY, run_door,
          DOOR(AUDIT_CONTAINER, false) },
        { "the broker knows a container that it admits", OPENS_PIPE, EXACTLY(0, "our package, with its capability"),
          NOT_TO_TRY, run_door, DOOR(AUDIT_CONTAINER, true) },
        { "the broker knows an LPAC that it admits", OPENS_PIPE,
          EXACTLY(0, "our package, less privileged, with its capability"), NOT_TO_TRY, run_door,
          DOOR(AUDIT_LPAC, true) },
};

const struct audit_theme audit_endpoint = { "endpoint", checks, sizeof checks / sizeof *checks };
