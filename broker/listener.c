/*
 * Where clients come in: the ordinary socket, and one for each package whose sandbox was given one. Who connected is
 * settled here, once, before a byte is read.
 *
 * A few descriptors are kept in reserve. They are given up while a client is taken in, so that finding out who it is
 * never fails for want of one, and taken again at once; if that fails, the client that was taken in is told and let
 * go. So a broker without descriptors still answers, and its socket does not stay readable for ever.
 */
#include "broker/contend.h"
#include "broker/handlers.h"

#include "named-objects/address.h"
#include "named-objects/endpoint.h"
#include "named-objects/flag.h"
#include "named-objects/sentence.h"
#include "named-objects/watch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Where a process may have so many objects, as on Windows, none is kept in reserve: memory ends before. */
enum { ACCEPTS_PER_TURN = 16, OBJECTS_PLENTY = 1 << 24 };

#define PATIENCE_NS INT64_C(100000000) /* with whoever has a package socket, of a broker that has clients */

/* A last word to a client that gets no session. */
static void
turn_away(wr_object socket, enum weir_result result, const char *sentence)
{
        struct wr_message message = { .kind = WR_REFUSAL };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size, none = 0;

        message.refusal.result = result;
        wr_sentence(message.refusal.sentence, sizeof(message.refusal.sentence), "%s", sentence);
        size = wr_message_encode(&message, bytes);
        wr_endpoint_send(socket, bytes, size, NULL, 0);
        /* Its HELLO, should it be here already: closing with unread data would take our answer away. */
        wr_endpoint_receive(socket, bytes, sizeof(bytes), &size, NULL, &none);
        wr_object_close(socket);
}

static void
refuse(struct wr_server *server, struct wr_account *account, wr_object socket, enum weir_result result, const char *who,
       const char *sentence)
{
        struct wr_refusal refusal = { .result = result };

        server->refusals++;
        wr_sentence(refusal.account, sizeof(refusal.account), "%s", account ? account->key : "");
        wr_sentence(refusal.identity, sizeof(refusal.identity), "%s", who);
        wr_sentence(refusal.sentence, sizeof(refusal.sentence), "%s", sentence);
        wr_refusal_note(&server->refused, &refusal, server->now_ns);
        wr_log_line(&server->log, account ? account : &server->log.strangers, server->now_ns, WR_LOG_WARNING,
                    "refused a connection of %s: %s", who, sentence);
        turn_away(socket, result, sentence);
}

/* The machine's broker of Windows lives in a session of its own, and hands memory to whom it cannot open by a name that
 * all sessions share; a container is shown none of these. */
static bool
is_within_reach(const struct wr_server *server, const struct wr_identity *identity, wr_object process, char *sentence,
                size_t room)
{
        if (!identity->has_token || identity->trust != WR_TRUST_PACKAGE || process != WR_NO_OBJECT ||
            !wr_address_is_system(server->address))
                return true;
        wr_sentence(sentence, room,
                    "denied: a packaged program is reached by a broker of its own session only. Start one there: weir "
                    "broker install --user; it is looked for before this one");
        return false;
}

/* Identity, admission, account, session. Takes the socket over. NULL: refused. */
static struct wr_session *
admit(struct wr_listener *listener, wr_object socket)
{
        struct wr_server *server = listener->server;
        struct wr_identity identity = { 0 };
        struct wr_session *session;
        struct wr_account *account;
        wr_object process = WR_NO_OBJECT;
        char sentence[512] = "";
        bool is_agent;
        enum weir_result result =
                wr_identity_of(socket, listener->package, &identity, &process, sentence, sizeof(sentence));

        if (result < 0) {
                wr_object_close(process);
                refuse(server, NULL, socket, result, "somebody", sentence);
                return NULL;
        }
        is_agent = wr_relaying_expects(server, identity.pid);
        account = wr_quota_account(&server->accounts, &identity);
        if (!account) {
                wr_object_close(process);
                refuse(server, NULL, socket, WEIR_E_NO_MEMORY, "somebody",
                       "the broker has no memory left for another client. Close some connections");
                return NULL;
        }
        if (!is_within_reach(server, &identity, process, sentence, sizeof(sentence)) ||
            !wr_policy_admits(server->policy, &identity, sentence, sizeof(sentence)))
                result = WEIR_E_DENIED;
        else if (!is_agent)
                result = wr_quota_charge(&server->accounts, account, WR_QUOTA_CONNECTIONS, 1, sentence,
                                         sizeof(sentence));
        if (result < 0) {
                wr_object_close(process);
                refuse(server, account, socket, result, account->key, sentence);
                wr_quota_drop(account);
                return NULL;
        }
        session = wr_session_open(server, socket, process, &identity, account);
        if (session) {
                session->is_uncharged = is_agent;
        } else {
                if (!is_agent)
                        wr_quota_return(&server->accounts, account, WR_QUOTA_CONNECTIONS, 1);
                wr_quota_drop(account);
        }
        return session;
}

bool
wr_listener_spares(struct wr_server *server, bool take)
{
        bool is_whole = true;

        if (wr_watch_objects_max() >= OBJECTS_PLENTY)
                return true;
        for (int i = 0; i < WR_SERVER_SPARE_DESCRIPTORS; i++) {
                if (take && server->spares[i] == WR_NO_OBJECT) {
                        if (wr_flag_create(&server->spares[i]) < 0) {
                                server->spares[i] = WR_NO_OBJECT;
                                is_whole = false;
                        }
                } else if (!take) {
                        wr_object_close(server->spares[i]);
                        server->spares[i] = WR_NO_OBJECT;
                }
        }
        return is_whole;
}

/* One client, or none. False: no more for now. */
static bool
take_in(struct wr_listener *listener)
{
        struct wr_server *server = listener->server;
        struct wr_session *session;
        enum weir_result result;
        wr_object socket;

        wr_listener_spares(server, false);
        result = wr_endpoint_accept(listener->hook.object, &socket);
        session = result == WEIR_OK ? admit(listener, socket) : NULL;
        if (!wr_listener_spares(server, true) && session) {
                wr_session_cut(session, 0, WEIR_E_QUOTA,
                               "quota: the broker has no descriptor left for another client. Close some connections, or"
                               " raise its limit of open files (ulimit -n)");
                return false; /* it is buried, and its descriptors are back, before the next is taken in */
        }
        /* The system itself has none left: looking again at once would be a busy wait. The next tick looks again. */
        if (result != WEIR_OK && result != WEIR_EMPTY)
                wr_loop_change(server->loop, &listener->hook, 0);
        return result == WEIR_OK;
}

static void
listener_ready(struct wr_hook *hook, unsigned ready)
{
        (void)ready;
        for (int i = 0; i < ACCEPTS_PER_TURN && take_in(hook->owner); i++)
                ;
}

static struct wr_listener *
at_path(struct wr_server *server, const char *path)
{
        WR_LIST_EACH(link, &server->listeners)
        {
                struct wr_listener *listener = WR_LIST_OWNER(link, struct wr_listener, link);

                if (strcmp(listener->path, path) == 0)
                        return listener;
        }
        return NULL;
}

static enum weir_result
wanted_check(struct wr_server *server, const char *package, const char *path, char *sentence, size_t room)
{
        struct wr_listener *old = at_path(server, path);

        if (strlen(path) >= sizeof(old->path)) {
                wr_sentence(sentence, room, "'%s' is longer than a socket's path may be: %zu bytes", path,
                            sizeof(old->path) - 1);
                return WEIR_E_USAGE;
        }
        if (package && !wr_identity_package_valid(package)) {
                wr_sentence(sentence, room, "'%.255s' is no name of a package", package);
                return WEIR_E_USAGE;
        }
        if (old && (!package || !old->package)) {
                wr_sentence(sentence, room, "'%s' is the broker's own socket", path);
                return WEIR_E_USAGE;
        }
        if (old && old->is_passed && strcmp(old->package, package) != 0) {
                wr_sentence(sentence, room, "'%s' was passed to the broker as the socket of the package %s", path,
                            old->package);
                return WEIR_E_USAGE;
        }
        if (!old && server->listener_count > WR_PACKAGE_SOCKETS_MAX) {
                wr_sentence(sentence, room,
                            "quota: %d package sockets are open, which is the most. Take one that no package needs out "
                            "of the policy file, then: weir broker reload",
                            WR_PACKAGE_SOCKETS_MAX);
                return WEIR_E_QUOTA;
        }
        return WEIR_OK;
}

/* Not listening yet, and in no list. NULL: no memory. */
static struct wr_listener *
make(struct wr_server *server, const char *package, const char *path)
{
        struct wr_listener *listener = calloc(1, sizeof(*listener));

        if (!listener)
                return NULL;
        *listener = (struct wr_listener){ .server = server, .hook = { .call = listener_ready, .owner = listener } };
        listener->hook.object = listener->claim.lock = WR_NO_OBJECT;
        wr_list_clear(&listener->link);
        wr_sentence(listener->path, sizeof(listener->path), "%s", path);
        listener->package = package ? strdup(package) : NULL;
        if (package && !listener->package) {
                free(listener);
                return NULL;
        }
        return listener;
}

static enum weir_result
admit_guests(const struct wr_listener *listener, const struct wr_policy *policy, char *sentence, size_t room)
{
        enum weir_result result = WEIR_E_NO_MEMORY;
        struct wr_sid *guests;
        size_t count;

        if (wr_policy_guests(policy, &guests, &count)) {
                result = wr_endpoint_admit(listener->hook.object, guests, count);
                free(guests);
        }
        if (result < 0)
                wr_sentence(sentence, room, "'%s' cannot be opened to whom the rules name", listener->path);
        return result;
}

enum weir_result
wr_listener_admit(struct wr_server *server, const struct wr_policy *policy, char *sentence, size_t room)
{
        enum weir_result result = WEIR_OK;

        WR_LIST_EACH(link, &server->listeners)
        {
                if (result == WEIR_OK)
                        result = admit_guests(WR_LIST_OWNER(link, struct wr_listener, link), policy, sentence, room);
        }
        return result;
}

/* Its object listens: now it is the server's. */
static enum weir_result
begin(struct wr_listener *listener)
{
        struct wr_server *server = listener->server;
        enum weir_result result = wr_loop_add(server->loop, &listener->hook, WR_READY_READ);

        if (result == WEIR_OK) {
                wr_list_append(&server->listeners, &listener->link);
                server->listener_count++;
        }
        return result;
}

/* One that follows another at its path, in the same broker, has its claim: they are one to everybody else. But not the
 * claim of one that lost its place, which a later generation has. */
static enum weir_result
claim(struct wr_listener *listener, struct wr_listener *old, char *sentence, size_t room)
{
        int64_t patience_ns = listener->server->is_open ? PATIENCE_NS : WR_CONTEND_NS;
        enum weir_result result;
        char whose[32] = "";
        uint32_t pid;

        if (!listener->package)
                return wr_endpoint_place(listener->path, sentence, room);
        if (old && wr_endpoint_owns(old->hook.object, old->path)) {
                listener->claim = old->claim;
                old->claim.lock = WR_NO_OBJECT;
                return WEIR_OK;
        }
        if (old)
                wr_claim_give(&old->claim, old->path);
        result = wr_claim_take(&listener->claim, listener->path, patience_ns, sentence, room);
        if (result != WEIR_FULL)
                return result;
        pid = wr_contend_pid(listener->path, patience_ns);
        if (pid != 0)
                wr_sentence(whose, sizeof(whose), " (pid %" PRIu32 ")", pid);
        wr_sentence(sentence, room,
                    "package socket '%s' is served by another broker%s: end it, or give this one another policy",
                    listener->path, whose);
        return WEIR_E_DENIED;
}

enum weir_result
wr_listener_open(struct wr_server *server, const char *package, const char *path, char *sentence, size_t room)
{
        struct wr_listener *listener, *old = at_path(server, path);
        enum weir_result result = wanted_check(server, package, path, sentence, room);

        if (result < 0)
                return result;
        if (old && old->is_passed)
                return WEIR_OK; /* it is there already, and whoever passed it keeps it */
        listener = make(server, package, path);
        if (!listener)
                return WEIR_E_NO_MEMORY;
        result = claim(listener, old, sentence, room);
        if (result == WEIR_OK)
                result = wr_endpoint_listen(&listener->hook.object, path, sentence, room);
        if (result == WEIR_OK)
                result = admit_guests(listener, server->policy, sentence, room);
        if (result == WEIR_OK)
                result = begin(listener);
        if (result != WEIR_OK && old && old->claim.lock == WR_NO_OBJECT) { /* it stays, and what it had is its own */
                old->claim = listener->claim;
                listener->claim.lock = WR_NO_OBJECT;
        }
        if (result != WEIR_OK)
                old = listener;
        if (old)
                wr_listener_close(old);
        return result;
}

enum weir_result
wr_listener_adopt(struct wr_server *server, struct wr_activation_socket *passed, char *sentence, size_t room)
{
        const char *package = wr_activation_package(passed->name);
        enum weir_result result = WEIR_E_NO_MEMORY;
        struct wr_listener *listener = NULL;

        if (at_path(server, passed->path)) {
                wr_sentence(sentence, room, "two sockets at '%s' were passed", passed->path);
                result = WEIR_E_USAGE;
        } else {
                listener = make(server, package, passed->path);
        }
        if (listener) {
                listener->is_passed = true;
                listener->hook.object = passed->object;
                passed->object = WR_NO_OBJECT;
                result = begin(listener);
        }
        if (listener && result < 0)
                wr_listener_close(listener);
        return result;
}

enum weir_result
wr_listener_open_listed(struct wr_server *server, const char *package, const char *path, char *sentence, size_t room)
{
        enum weir_result result = wr_listener_open(server, package, path, sentence, room);

        if (result == WEIR_OK)
                at_path(server, path)->is_of_policy = !at_path(server, path)->is_passed;
        return result;
}

void
wr_listener_try_listed(struct wr_server *server, const char *package, const char *path)
{
        char sentence[768] = "no memory";

        if (wr_listener_open_listed(server, package, path, sentence, sizeof(sentence)) < 0)
                wr_log_line(&server->log, NULL, server->now_ns, WR_LOG_WARNING,
                            "package %s has no socket, and gets none before the policy is reloaded: %s", package,
                            sentence);
}

void
wr_listener_close(struct wr_listener *listener)
{
        if (!wr_list_empty(&listener->link)) {
                wr_list_remove(&listener->link);
                listener->server->listener_count--;
                wr_loop_remove(listener->server->loop, &listener->hook);
        }
        if (listener->is_passed)
                wr_object_close(listener->hook.object);
        else
                wr_endpoint_unlisten(listener->hook.object, listener->path);
        wr_claim_give(&listener->claim, listener->path);
        free(listener->package);
        free(listener);
}
