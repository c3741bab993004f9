/*
 * Messages are read while there are tokens in the identity's bucket, at most a handful per turn so that nobody keeps
 * the others waiting. Without a token the client is not cut, only not read: its socket fills up and it waits.
 */
#include "broker/handlers.h"
#include "broker/relaying.h"

#include "named-objects/lifeline.h"
#include "named-objects/random.h"
#include "named-objects/sentence.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES_PER_TURN = 32, LAST_WORDS_MAX = 256 };

static const enum wr_message_kind any = WR_HELLO; /* in `owes`: whatever comes next is the answer */

static wr_handler greet, pong, bye, stop, package_socket, reload;

/* What a client may send. Kinds without a handler are the broker's. */
static const struct {
        wr_handler *handle;
} from_client[] = {
        [WR_HELLO] = { greet },
        [WR_PUBLISH] = { wr_publication_request },
        [WR_READY] = { wr_publication_ready },
        [WR_SUBSCRIBE] = { wr_subscription_request },
        [WR_PAIR_ACK] = { wr_pairing_ack },
        [WR_PAIR_READY] = { wr_pairing_ready },
        [WR_EVICT] = { wr_publication_evict },
        [WR_CLOSE_LANE] = { wr_publication_close },
        [WR_CLOSE_SUBSCRIPTION] = { wr_subscription_close },
        [WR_PAIR_DONE] = { wr_pairing_done },
        [WR_PONG] = { pong },
        [WR_STATS] = { wr_listing_stats },
        [WR_PAIR_STATS] = { wr_listing_pair_stats },
        [WR_LIST] = { wr_listing_request },
        [WR_WHO] = { wr_listing_who },
        [WR_STATUS] = { wr_listing_status },
        [WR_STOP] = { stop },
        [WR_PACKAGE_SOCKET] = { package_socket },
        [WR_TICKET] = { wr_tickets_make },
        [WR_REDEEM] = { wr_tickets_redeem },
        [WR_TICKETS] = { wr_listing_tickets },
        [WR_TICKET_REVOKE] = { wr_tickets_revoke },
        [WR_RELOAD] = { reload },
        [WR_WATCH] = { wr_watch_request },
        [WR_PEER] = { wr_watch_peer },
        [WR_HOLDS] = { wr_rejoin_holds },
        [WR_REJOIN] = { wr_rejoin_publication },
        [WR_MOVE] = { wr_move_request },
        [WR_LANE_MOVED] = { wr_move_done },
        [WR_BYE] = { bye },
};

/* ---- out ------------------------------------------------------------------------------------------------------ */

void
wr_session_doom(struct wr_session *session)
{
        if (session->is_doomed && !session->is_away)
                return;
        session->is_doomed = true;
        wr_list_remove(&session->doomed_link);
        wr_list_append(&session->server->doomed, &session->doomed_link);
}

/* Its connection failed: by its client, which hung up, or by us. */
static void
lose(struct wr_session *session, enum weir_result result)
{
        session->is_cut |= result != WEIR_E_CLOSED;
        wr_session_doom(session);
}

void
wr_session_send(struct wr_session *session, const struct wr_message *message)
{
        enum weir_result result;

        if (session->is_doomed)
                return;
        result = wr_connection_send(&session->connection, message);
        if (result == WEIR_E_QUOTA)
                wr_log_line(&session->server->log, session->account, session->server->now_ns, WR_LOG_WARNING,
                            "cut %s: it does not read its messages", session->who);
        if (result < 0)
                lose(session, result);
}

static void
refusal_send(struct wr_session *session, uint32_t request, enum weir_result result, const char *verb,
             const char *format, va_list arguments)
{
        struct wr_message message = { .kind = WR_REFUSAL, .request = request };
        struct wr_server *server = session->server;

        message.refusal.result = result;
        vsnprintf(message.refusal.sentence, sizeof(message.refusal.sentence), format, arguments);
        server->refusals++;
        wr_log_line(&server->log, session->account, server->now_ns, WR_LOG_WARNING, "%s %s: %s", verb, session->who,
                    message.refusal.sentence);
        wr_listing_refused(session, result, wr_refusal_topic(session->asking), message.refusal.sentence);
        wr_session_send(session, &message);
}

void
wr_session_refuse(struct wr_session *session, uint32_t request, enum weir_result result, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        refusal_send(session, request, result, "refused", format, arguments);
        va_end(arguments);
}

void
wr_session_cut(struct wr_session *session, uint32_t request, enum weir_result result, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        refusal_send(session, request, result, "cut", format, arguments);
        va_end(arguments);
        session->is_cut = true;
        wr_session_doom(session);
}

void
wr_session_pump(struct wr_session *session)
{
        while (!session->is_doomed && session->owes == 0 && !wr_list_empty(&session->errands)) {
                struct wr_errand *errand = WR_LIST_OWNER(session->errands.next, struct wr_errand, link);

                /* Out of the list first: an errand that comes to nothing may free what it is part of. */
                wr_list_remove(&errand->link);
                if (errand->run(session, errand) == WEIR_FULL) {
                        wr_list_append(session->errands.next, &errand->link); /* in front */
                        break;
                }
        }
        if (!session->is_doomed && session->listing.phase != WR_LISTING_NONE)
                wr_listing_go_on(session);
        if (session->is_watch_behind)
                wr_watch_catch_up(session);
}

void
wr_session_errand(struct wr_session *session, struct wr_errand *errand)
{
        wr_list_append(&session->errands, &errand->link);
        if (session->owes == 0 && !session->is_collecting)
                wr_session_pump(session);
}

enum weir_result
wr_session_send_objects(struct wr_session *session, const struct wr_message *message, const wr_object *objects,
                        size_t count, enum wr_message_kind answer, uint64_t id)
{
        enum weir_result result = wr_connection_send_objects(&session->connection, message, objects, count);

        if (result == WEIR_OK) {
                session->owes = answer;
                session->owes_id = id;
                return WEIR_OK;
        }
        if (result == WEIR_E_CLOSED)
                wr_session_doom(session);
        /* Full, or too many descriptors of this user are in flight: the next tick tries again. Or it hung up: then it
         * waits for a client that comes back. */
        return WEIR_FULL;
}

void
wr_session_answered(struct wr_session *session, enum wr_message_kind answer, uint64_t id)
{
        if (session->owes != answer || session->owes_id != id)
                return;
        session->owes = 0;
        wr_session_pump(session);
}

/* ---- in ------------------------------------------------------------------------------------------------------- */

/* What it is called, in lists and sentences. */
static void
who_set(struct wr_session *session, const struct wr_message_hello *hello)
{
        wr_identity_text(&session->identity, session->identity_text, sizeof(session->identity_text));
        memcpy(session->name, hello->name, sizeof(session->name));
        for (char *at = session->name; *at; at++)
                if ((unsigned char)*at < 0x20 || *at == 0x7f)
                        *at = '?';
        wr_sentence(session->who, sizeof(session->who), "%s (pid %" PRIu32 ", %s)",
                    session->name[0] ? session->name : "unnamed", session->identity.pid, session->identity_text);
}

static void
greet(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_hello *hello = &message->hello;
        struct wr_message welcome = { .kind = WR_WELCOME, .request = message->request };
        enum weir_result result;
        wr_object held;

        if (hello->layout != WR_LAYOUT) {
                wr_session_cut(session, message->request, WEIR_E_VERSION,
                               "version: your weir has memory layout %" PRIu32 ", this broker's has %d. Update the"
                               " older",
                               hello->layout, WR_LAYOUT);
                return;
        }
        if (!wr_relaying_greet(session, message))
                return;
        if (!session->relay)
                who_set(session, hello);
        result = wr_lifeline_create(session->process.object, &held, &session->lifeline);
        if (result < 0) {
                session->lifeline = WR_NO_OBJECT;
                wr_session_cut(
                        session, message->request, result,
                        "the broker has no descriptor left for a client. Close some connections, or raise its limit of"
                        " open files (ulimit -n)");
                return;
        }
        welcome.welcome = (struct wr_message_welcome){
                .session = session->id,
                .clock_ns = session->server->now_ns,
                .scope = session->server->scope,
                .layout = WR_LAYOUT,
        };
        memcpy(welcome.welcome.identity, session->identity_text, sizeof(welcome.welcome.identity));
        result = wr_session_send_objects(session, &welcome, &held, 1, any, 0);
        wr_object_close(held);
        if (result != WEIR_OK)
                wr_session_doom(session); /* the first message on a fresh socket: there is no waiting for room */
        session->is_greeted = true;
        wr_list_remove(&session->greeting_link);
}

static void
pong(struct wr_session *session, const struct wr_message *message)
{
        (void)message;
        session->ping_out = false;
}

static void
bye(struct wr_session *session, const struct wr_message *message)
{
        (void)message;
        session->said_bye = true;
        wr_session_doom(session);
}

/* True for the broker's own user in full trust; else the request was refused. */
static bool
is_own(struct wr_session *session, uint32_t request, const char *what)
{
        if (!session->is_by_ticket && wr_policy_is_own(session->server->policy, &session->identity))
                return true;
        wr_session_refuse(session, request, WEIR_E_DENIED,
                          "denied: only a full-trust process of the broker's own user"
                          " may %s",
                          what);
        return false;
}

static void
done(struct wr_session *session, uint32_t request)
{
        struct wr_message message = { .kind = WR_DONE, .request = request };

        wr_session_send(session, &message);
}

static void
stop(struct wr_session *session, const struct wr_message *message)
{
        if (!is_own(session, message->request, "stop it"))
                return;
        wr_log_line(&session->server->log, NULL, session->server->now_ns, WR_LOG_NOTICE, "stopped by %s", session->who);
        done(session, message->request);
        session->server->is_stopping = true;
}

static void
package_socket(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_package_socket *wanted = &message->package_socket;
        char sentence[512];
        enum weir_result result;

        if (!is_own(session, message->request, "open a package's socket"))
                return;
        result = wr_listener_open(session->server, wanted->package, wanted->path, sentence, sizeof(sentence));
        if (result < 0)
                wr_session_refuse(session, message->request, result, "%s", sentence);
        else
                done(session, message->request);
}

static void
reload(struct wr_session *session, const struct wr_message *message)
{
        char sentence[768];
        enum weir_result result;

        if (!is_own(session, message->request, "reload its policy"))
                return;
        result = wr_server_reload(session->server, session->who, sentence, sizeof(sentence));
        if (result < 0)
                wr_session_refuse(session, message->request, result, "%s", sentence);
        else
                done(session, message->request);
}

static void
handle(struct wr_session *session, const struct wr_message *message)
{
        wr_handler *handler = NULL;

        session->asking = message;
        if (session->owes == any)
                wr_session_answered(session, any, 0);
        if ((size_t)message->kind < sizeof(from_client) / sizeof(*from_client))
                handler = from_client[message->kind].handle;
        if (!handler)
                wr_session_cut(session, message->request, WEIR_E_CORRUPT, "%s is the broker's to send",
                               wr_message_name(message->kind));
        else if (session->is_greeted == (message->kind == WR_HELLO))
                wr_session_cut(session, message->request, WEIR_E_CORRUPT,
                               session->is_greeted ? "a second HELLO" : "%s came before HELLO",
                               wr_message_name(message->kind));
        else
                handler(session, message);
        session->asking = NULL;
}

/* One message. False: no more for now. */
static bool
take(struct wr_session *session)
{
        struct wr_server *server = session->server;
        struct wr_message message;
        enum weir_result result;
        unsigned version = 0;
        const char *why;

        if (session->is_doomed || session->listing.phase != WR_LISTING_NONE || !session->connection.is_reading)
                return false;
        if (!wr_quota_message(session->account, server->now_ns)) {
                wr_connection_read(&session->connection, false);
                wr_list_append(&server->paused, &session->paused_link);
                return false;
        }
        result = wr_connection_receive(&session->connection, &message, &version, &why);
        switch (result) {
        case WEIR_OK: handle(session, &message); return true;
        case WEIR_EMPTY: return false;
        case WEIR_E_VERSION:
                wr_session_cut(session, message.request, WEIR_E_VERSION,
                               "version: you speak protocol %u, this broker speaks %d. Update the older", version,
                               WR_PROTOCOL);
                return false;
        case WEIR_E_CORRUPT: wr_session_cut(session, 0, WEIR_E_CORRUPT, "not a message of weir: %s", why); return false;
        default: lose(session, result); return false;
        }
}

static void
connection_ready(struct wr_hook *hook, unsigned ready)
{
        struct wr_session *session = hook->owner;

        if (ready & WR_READY_WRITE) {
                enum weir_result result = wr_connection_flush(&session->connection);

                if (result < 0)
                        lose(session, result);
                else
                        wr_session_pump(session);
        }
        for (int i = 0; i < MESSAGES_PER_TURN && take(session); i++)
                ;
        if ((ready & WR_READY_HANGUP) && !session->connection.is_reading)
                wr_session_doom(session); /* while it is not read, its hang-up is all that is seen */
}

static void
process_ended(struct wr_hook *hook, unsigned ready)
{
        struct wr_session *session = hook->owner;

        (void)ready;
        session->is_dead = true;
        for (int i = 0; i < MESSAGES_PER_TURN && take(session); i++)
                ;
        wr_session_doom(session);
}

void
wr_session_resume(struct wr_session *session)
{
        wr_list_remove(&session->paused_link);
        wr_connection_read(&session->connection, true);
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

struct wr_session *
wr_session_open(struct wr_server *server, wr_object socket, wr_object process, const struct wr_identity *identity,
                struct wr_account *account)
{
        struct wr_session *session = calloc(1, sizeof(*session));

        if (!session || wr_connection_open(&session->connection, server->loop, socket, connection_ready, session) < 0) {
                if (!session)
                        wr_object_close(socket);
                wr_object_close(process);
                free(session);
                return NULL;
        }
        session->server = server;
        session->id = wr_random();
        session->serial = ++server->sessions_made;
        memcpy(&session->identity, identity, wr_identity_size(identity)); /* the rest is 0 already */
        session->account = account;
        session->lifeline = WR_NO_OBJECT;
        session->greet_until_ns = server->now_ns + server->greet_ns;
        wr_sentence(session->who, sizeof(session->who), "pid %" PRIu32 " (%s)", identity->pid, account->key);
        wr_list_clear(&session->paused_link);
        wr_list_clear(&session->doomed_link);
        wr_list_clear(&session->away_link);
        wr_list_clear(&session->errands);
        wr_list_clear(&session->relays);
        wr_list_clear(&session->publications);
        wr_list_clear(&session->subscriptions);
        wr_list_clear(&session->unpaged);
        wr_list_clear(&session->watches);
        wr_list_clear(&session->watching_link);
        wr_list_clear(&session->holds);
        wr_list_append(&server->sessions, &session->link);
        wr_list_append(&server->greeting, &session->greeting_link);
        server->session_count++;
        session->process = (struct wr_hook){ .object = process, .call = process_ended, .owner = session };
        if (process != WR_NO_OBJECT && wr_loop_add(server->loop, &session->process, WR_READY_READ) < 0)
                wr_session_doom(session);
        wr_connection_read(&session->connection, true);
        return session;
}

/* Nothing is known of the process, and nothing is granted to this identity: it is for lists and sentences. */
struct wr_session *
wr_session_open_by_ticket(struct wr_server *server, wr_object stream, const struct wr_ticket_entry *entry)
{
        struct wr_identity identity = { .trust = WR_TRUST_CONFINED, .user = entry->creator->user };
        struct wr_session *session;

        wr_sentence(identity.why, sizeof(identity.why), "by its ticket %016" PRIx64 ", over TCP", entry->id);
        session = wr_session_open(server, stream, WR_NO_OBJECT, &identity, entry->holders_account);
        if (!session)
                return NULL;
        entry->holders_account->references++;
        session->is_by_ticket = true;
        wr_sentence(session->who, sizeof(session->who), "who holds ticket %016" PRIx64 " (over TCP)", entry->id);
        if (wr_connection_stream(&session->connection) < 0) {
                session->is_cut = true;
                wr_session_doom(session);
        }
        return session;
}

/* What it said that nobody has read matters for one thing only: BYE makes a close of what looks like a death. It may be
 * unread because it was over its rate, or because something of ours went to it when it had hung up already. */
static void
last_words(struct wr_session *session)
{
        enum weir_result result = WEIR_OK;
        struct wr_message message;
        unsigned version;
        const char *why;

        for (int i = 0; i < LAST_WORDS_MAX && result == WEIR_OK && !session->said_bye; i++) {
                result = wr_connection_receive(&session->connection, &message, &version, &why);
                session->said_bye = result == WEIR_OK && message.kind == WR_BYE;
        }
}

/*
 * It hung up without a word, and its process lives: it lost patience with us, or we were stopped for long. libweir
 * comes back at once, and meanwhile its readers read on. A process that dies is seen to hang up just before it is seen
 * to end: then it is not away for long.
 */
static bool
may_come_back(const struct wr_session *session)
{
        if (session->is_away || !session->is_greeted || session->said_bye || session->is_cut || session->is_dead ||
            session->server->is_stopping || session->is_by_ticket || session->relay) /* that is no process of its own */
                return false;
        return wr_rejoin_has_endpoints(session);
}

/* Who connects and hangs up again and again would else have us keep a process and a life-line for each. */
static void
away_bound(struct wr_server *server, struct wr_account *account)
{
        if (account->away++ < server->accounts.limits->of[WR_QUOTA_CONNECTIONS])
                return;
        WR_LIST_EACH(link, &server->away)
        {
                struct wr_session *oldest = WR_LIST_OWNER(link, struct wr_session, away_link);

                if (oldest->account == account) {
                        wr_list_remove(&oldest->away_link);
                        wr_session_doom(oldest);
                        return;
                }
        }
}

static void
go_away(struct wr_session *session)
{
        struct wr_server *server = session->server;

        session->is_away = true; /* no line for the log: it comes back, or is gone, and a death has one line */
        session->away_until_ns = server->now_ns + WR_SERVER_AWAY_NS;
        session->owes = 0;
        session->listing.phase = WR_LISTING_NONE;
        wr_watch_end(session);
        wr_rejoin_forget(&session->holds);
        wr_connection_close(&session->connection);
        wr_quota_return(&server->accounts, session->account, WR_QUOTA_CONNECTIONS, 1);
        away_bound(server, session->account);
        wr_list_remove(&session->paused_link);
        wr_list_remove(&session->doomed_link);
        wr_list_append(&server->away, &session->away_link);
}

/* Ends what it published and subscribed to, with a sentence for the others. */
static void
give_back(struct wr_session *session)
{
        enum weir_result reason = session->said_bye ? WEIR_OK : WEIR_E_CLOSED;
        char text[512];

        WR_LIST_EACH(link, &session->publications)
        {
                struct wr_publication *publication = WR_LIST_OWNER(link, struct wr_publication, session_link);

                wr_sentence(text, sizeof(text), "the publisher of '%s' %s: %s", publication->topic->name,
                            session->said_bye ? "closed" : "died", session->who);
                wr_publication_end(publication, reason, text);
        }
        WR_LIST_EACH(link, &session->subscriptions)
        {
                wr_subscription_end(WR_LIST_OWNER(link, struct wr_subscription, session_link), reason);
        }
}

void
wr_session_bury(struct wr_session *session)
{
        struct wr_server *server = session->server;

        if (!session->is_away)
                last_words(session);
        wr_relaying_leave(session);
        if (may_come_back(session)) {
                go_away(session);
                return;
        }
        if (session->is_greeted && !session->said_bye && !session->is_agent && !server->is_stopping)
                wr_log_line(&server->log, session->account, server->now_ns, WR_LOG_NOTICE, "gone: %s", session->who);
        wr_watch_end(session);
        give_back(session);
        wr_rejoin_forget(&session->holds);
        wr_tickets_leave(session);
        wr_connection_close(&session->connection);
        wr_loop_remove(server->loop, &session->process);
        wr_object_close(session->process.object);
        wr_object_close(session->lifeline);
        if (session->is_away)
                session->account->away--;
        else if (!session->is_uncharged)
                wr_quota_return(&server->accounts, session->account, WR_QUOTA_CONNECTIONS, 1);
        wr_quota_drop(session->account);
        wr_list_remove(&session->link);
        wr_list_remove(&session->greeting_link);
        wr_list_remove(&session->paused_link);
        wr_list_remove(&session->doomed_link);
        wr_list_remove(&session->away_link);
        server->session_count--;
        free(session);
}
