/*
 * A turn: wait until something is ready or due, read the clock once, let the hooks run, do what is due, bury who was
 * doomed. Burying tells others, who may be doomed by it in turn, so it goes on until nobody is left.
 *
 *      due                                   kept in order in
 *      a client without its HELLO            greeting
 *      a publisher whose pairs are late      opening
 *      a client over its rate                paused     (all of them 10 ms after the first)
 *      a client that hung up and lives       away
 *      PING, errands to be tried again       the tick, every second
 */
#include "broker/server.h"

#include "broker/contend.h"
#include "broker/handlers.h"
#include "bus/os/clock.h"
#include "named-objects/address.h"
#include "named-objects/endpoint.h"
#include "named-objects/flag.h"
#include "named-objects/random.h"
#include "named-objects/region.h"
#include "named-objects/sentence.h"
#include "named-objects/watch.h"

#include <inttypes.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)

enum {
        PAUSE_NS = 10 * 1000000,
        LATE_NS = 100 * 1000000, /* no broker that runs is so late */
        GREET_SECONDS = 2,
        REVOKE_SECONDS = 5,
        AWAY_SECONDS = 1
};

/* ---- a turn --------------------------------------------------------------------------------------------------- */

static int64_t
earlier(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

static int64_t
due_ns(const struct wr_server *server)
{
        int64_t due = server->tick_ns;

        if (!wr_list_empty(&server->greeting))
                due = earlier(due,
                              WR_LIST_OWNER(server->greeting.next, struct wr_session, greeting_link)->greet_until_ns);
        if (!wr_list_empty(&server->opening))
                due = earlier(
                        due,
                        WR_LIST_OWNER(server->opening.next, struct wr_publication, opening_link)->opening_until_ns);
        if (!wr_list_empty(&server->away))
                due = earlier(due, WR_LIST_OWNER(server->away.next, struct wr_session, away_link)->away_until_ns);
        if (!wr_list_empty(&server->paused))
                due = earlier(due, server->resume_ns);
        return due;
}

/* These lists are in the order of their deadlines, since every deadline is as long as the others. */
static void
cut_silent(struct wr_server *server)
{
        WR_LIST_EACH(link, &server->greeting)
        {
                struct wr_session *session = WR_LIST_OWNER(link, struct wr_session, greeting_link);

                if (session->greet_until_ns > server->now_ns)
                        return;
                wr_list_remove(&session->greeting_link);
                wr_session_cut(session, 0, WEIR_E_CLOSED, "no HELLO came in time: connect again, and say it first");
        }
}

static void
open_late(struct wr_server *server)
{
        WR_LIST_EACH(link, &server->opening)
        {
                struct wr_publication *publication = WR_LIST_OWNER(link, struct wr_publication, opening_link);

                if (publication->opening_until_ns > server->now_ns)
                        return;
                wr_publication_settle(publication, true);
        }
}

/* We were stopped, and so were those who come back kept from being heard: they have their time anew. */
static void
wait_for_away(struct wr_server *server, int64_t late_ns)
{
        if (late_ns < LATE_NS)
                return;
        WR_LIST_EACH(link, &server->away)
        {
                WR_LIST_OWNER(link, struct wr_session, away_link)->away_until_ns = server->now_ns + WR_SERVER_AWAY_NS;
        }
}

static void
bury_away(struct wr_server *server)
{
        WR_LIST_EACH(link, &server->away)
        {
                struct wr_session *session = WR_LIST_OWNER(link, struct wr_session, away_link);

                if (session->away_until_ns > server->now_ns)
                        return;
                wr_session_doom(session);
        }
}

/* Who was paused in this turn waits like the others: read again at once, it would only be found without a token. */
static void
resume_paused(struct wr_server *server)
{
        if (server->resume_ns == 0 && !wr_list_empty(&server->paused))
                server->resume_ns = server->now_ns + PAUSE_NS;
        if (server->now_ns < server->resume_ns)
                return;
        server->resume_ns = 0;
        WR_LIST_EACH(link, &server->paused)
        {
                wr_session_resume(WR_LIST_OWNER(link, struct wr_session, paused_link));
        }
}

static void
ping_all(struct wr_server *server)
{
        struct wr_message message = { .kind = WR_PING, .ping = { (uint64_t)server->now_ns } };

        WR_LIST_EACH(link, &server->sessions)
        {
                struct wr_session *session = WR_LIST_OWNER(link, struct wr_session, link);

                wr_session_pump(session);
                wr_pairing_tick(session);
                if (!session->is_greeted || session->ping_out)
                        continue;
                session->ping_out = true;
                wr_session_send(session, &message);
        }
}

/* The first listener is the ordinary one. Who finds another socket in its place has been deposed. */
static bool
is_deposed(const struct wr_server *server)
{
        const struct wr_listener *listener = WR_LIST_OWNER(server->listeners.next, struct wr_listener, link);

        return !listener->is_passed && !wr_endpoint_owns(listener->hook.object, listener->path);
}

static void
stop_if_deposed(struct wr_server *server)
{
        if (!is_deposed(server))
                return;
        wr_log_line(&server->log, NULL, server->now_ns, WR_LOG_WARNING,
                    "the socket at %s is no longer this broker's: it stops", server->address);
        server->is_stopping = true;
}

/* Nobody guesses a name of ours by accident. */
static void
names_look(struct wr_server *server)
{
        uint32_t taken = wr_region_names_taken();

        if (taken == server->names_taken)
                return;
        wr_log_line(&server->log, NULL, server->now_ns, WR_LOG_WARNING,
                    "%" PRIu32 " names of 128 random bits were taken already when an object was to be made: a program"
                    " of this session tries to be where our objects are. Others were used",
                    taken - server->names_taken);
        server->names_taken = taken;
}

static void
tell(struct wr_server *server, enum wr_server_news news)
{
        if (server->overseer)
                server->overseer->tell(server->overseer, server, news);
}

/* A client that came and went between two looks counts as one that is there. */
static void
idle_check(struct wr_server *server)
{
        if (server->session_count > 0 || server->sessions_made != server->busy_sessions) {
                server->busy_ns = server->now_ns;
                server->busy_sessions = server->sessions_made;
        } else if (server->idle_exit_ns != 0 && server->now_ns - server->busy_ns >= server->idle_exit_ns) {
                wr_log_line(&server->log, NULL, server->now_ns, WR_LOG_INFO, "no client for %.1f s: it stops",
                            (double)(server->now_ns - server->busy_ns) / 1e9);
                server->is_stopping = true;
        }
}

static void
tick(struct wr_server *server)
{
        server->tick_ns = server->now_ns + server->tick_every_ns;
        stop_if_deposed(server);
        wr_listener_spares(server, true);
        WR_LIST_EACH(link, &server->listeners)
        {
                wr_loop_change(server->loop, &WR_LIST_OWNER(link, struct wr_listener, link)->hook, WR_READY_READ);
        }
        ping_all(server);
        wr_reload_tick(server);
        wr_tickets_tick(server);
        wr_tcp_tick(server);
        wr_relaying_tick(server);
        names_look(server);
        wr_log_tick(&server->log, &server->accounts, server->now_ns);
        idle_check(server);
        tell(server, WR_SERVER_TICK);
}

static void
bury_doomed(struct wr_server *server)
{
        while (!wr_list_empty(&server->doomed))
                wr_session_bury(WR_LIST_OWNER(server->doomed.next, struct wr_session, doomed_link));
}

enum weir_result
wr_server_reload(struct wr_server *server, const char *who, char *sentence, size_t room)
{
        enum weir_result result;

        tell(server, WR_SERVER_RELOADING);
        result = wr_reload_run(server, who, sentence, room);
        tell(server, WR_SERVER_RELOADED);
        return result;
}

enum weir_result
wr_server_run(struct wr_server *server)
{
        char sentence[768];
        bool was_away;

        while (!server->is_stopping && !wr_loop_stopping(server->loop)) {
                int64_t due = due_ns(server);
                enum weir_result result = wr_loop_wait(server->loop, due - wr_clock_ns());

                if (result < 0)
                        return result;
                was_away = wr_clock_ns() - server->now_ns > server->tick_every_ns + AWAY_SECONDS * SECOND_NS;
                server->now_ns = wr_clock_ns();
                wait_for_away(server, server->now_ns - due);
                /* Who was stopped for long may have been deposed. Then clients that hung up did not die, they have
                 * gone to the other one, and nobody must hear of it from here. */
                if (was_away)
                        stop_if_deposed(server);
                if (server->is_stopping)
                        break;
                wr_loop_dispatch(server->loop);
                if (wr_loop_hung_up(server->loop))
                        wr_server_reload(server, "SIGHUP", sentence, sizeof(sentence));
                cut_silent(server);
                open_late(server);
                bury_away(server);
                resume_paused(server);
                if (server->now_ns >= server->tick_ns)
                        tick(server);
                bury_doomed(server);
        }
        return WEIR_OK;
}

/* ---- begin and end -------------------------------------------------------------------------------------------- */

static enum weir_result
descriptors_check(char *sentence, size_t room)
{
        uint32_t most = wr_watch_objects_max();

        if (most >= WR_SERVER_DESCRIPTORS_MIN)
                return WEIR_OK;
        wr_sentence(sentence, room,
                    "this process may open %" PRIu32 " descriptors, a broker needs at least %d: ulimit -n %d", most,
                    WR_SERVER_DESCRIPTORS_MIN, WR_SERVER_DESCRIPTORS_MIN);
        return WEIR_E_QUOTA;
}

static enum weir_result
claim_take(struct wr_server *server, char *sentence, size_t room)
{
        enum weir_result result = wr_claim_take(&server->claim, server->address, WR_CONTEND_NS, sentence, room);

        if (result == WEIR_FULL)
                wr_sentence(sentence, room,
                            "another process is the broker at '%s'. Look at it: weir broker status -b %s; end it: weir "
                            "broker stop -b %s; or listen elsewhere: weir broker run --address PATH",
                            server->address, server->address, server->address);
        return result;
}

/* "ID=PATH" of the options. */
static enum weir_result
package_socket_open(struct wr_server *server, const char *text, char *sentence, size_t room)
{
        char package[WR_PACKAGE_MAX + 1];
        const char *equals = strchr(text, '=');

        if (!equals || (size_t)(equals - text) >= sizeof(package)) {
                wr_sentence(sentence, room, "'%s' is no package socket: write ID=PATH", text);
                return WEIR_E_USAGE;
        }
        memcpy(package, text, (size_t)(equals - text));
        package[equals - text] = '\0';
        return wr_listener_open(server, package, equals + 1, sentence, room);
}

/* The broker's own socket, or all that were passed. */
static enum weir_result
listen_first(struct wr_server *server, const struct wr_server_options *options, char *sentence, size_t room)
{
        struct wr_activation *activation = options->activation;
        enum weir_result result = WEIR_OK;

        if (!activation || activation->count == 0)
                return wr_listener_open(server, NULL, server->address, sentence, room);
        for (size_t i = 0; result == WEIR_OK && i < activation->count; i++)
                result = wr_listener_adopt(server, &activation->sockets[i], sentence, room);
        return result;
}

static enum weir_result
listen_all(struct wr_server *server, const struct wr_server_options *options, char *sentence, size_t room)
{
        enum weir_result result = listen_first(server, options, sentence, room);

        for (size_t i = 0; result == WEIR_OK && options->package_sockets && options->package_sockets[i]; i++)
                result = package_socket_open(server, options->package_sockets[i], sentence, room);
        return result;
}

/* Those of the policy file. Clients wait already: whoever has such a place does not get long. */
static void
listen_listed(struct wr_server *server)
{
        const char *package, *socket;

        for (size_t i = 0; wr_policy_socket(server->policy, i, &package, &socket); i++)
                wr_listener_try_listed(server, package, socket);
}

static void
clear(struct wr_server *server, struct wr_policy *policy, const struct wr_log *log)
{
        *server = (struct wr_server){ .policy = policy, .log = *log, .claim.lock = WR_NO_OBJECT };
        wr_list_clear(&server->listeners);
        wr_list_clear(&server->sessions);
        wr_list_clear(&server->greeting);
        wr_list_clear(&server->paused);
        wr_list_clear(&server->doomed);
        wr_list_clear(&server->away);
        wr_list_clear(&server->opening);
        wr_list_clear(&server->watching);
        wr_list_clear(&server->relays);
        for (int i = 0; i < WR_SERVER_SPARE_DESCRIPTORS; i++)
                server->spares[i] = WR_NO_OBJECT;
}

enum weir_result
wr_server_open(struct wr_server *server, const struct wr_server_options *options, struct wr_policy *policy,
               const struct wr_log *log, char *sentence, size_t room)
{
        enum weir_result result;

        clear(server, policy, log);
        server->now_ns = server->started_ns = wr_clock_ns();
        server->busy_ns = server->now_ns;
        server->idle_exit_ns = options->idle_exit_ns;
        server->overseer = options->overseer;
        server->starter = options->starter;
        server->tick_every_ns = options->tick_ns ? options->tick_ns : WR_SERVER_TICK_NS;
        server->tick_ns = server->now_ns + server->tick_every_ns;
        server->greet_ns = options->greet_ns ? options->greet_ns : GREET_SECONDS * SECOND_NS;
        server->revoke_ns = options->revoke_ns ? options->revoke_ns : REVOKE_SECONDS * SECOND_NS;
        server->scope = wr_address_is_system(options->address) ? WR_SCOPE_SYSTEM : WR_SCOPE_USER;
        wr_sentence(server->address, sizeof(server->address), "%s", options->address);
        wr_quota_open(&server->accounts, wr_policy_limits(policy), options->reserve_max);
        wr_tickets_open(&server->tickets);
        wr_sentence(sentence, room, "the broker at '%s' could not start", server->address);
        result = wr_registry_open(&server->registry, wr_random);
        if (result == WEIR_OK)
                result = descriptors_check(sentence, room);
        if (result == WEIR_OK && (!options->activation || options->activation->count == 0))
                result = claim_take(server, sentence, room);
        if (result == WEIR_OK)
                result = wr_loop_open(&server->loop);
        if (result == WEIR_OK && options->catches_signals)
                result = wr_loop_catch_signals(server->loop);
        if (result == WEIR_OK)
                result = listen_all(server, options, sentence, room);
        if (result == WEIR_OK && options->tcp_port != 0)
                result = wr_tcp_open(server, (uint16_t)options->tcp_port, sentence, room);
        if (result == WEIR_OK) {
                server->is_open = true;
                listen_listed(server);
                wr_listener_spares(server, true);
                wr_log_line(&server->log, NULL, server->now_ns, WR_LOG_INFO, "the broker listens at %s",
                            server->address);
        } else {
                wr_server_close(server);
        }
        return result;
}

void
wr_server_close(struct wr_server *server)
{
        server->is_stopping = true;
        WR_LIST_EACH(link, &server->sessions)
        {
                struct wr_session *session = WR_LIST_OWNER(link, struct wr_session, link);
                struct wr_message bye = { .kind = WR_BYE, .bye = { WEIR_E_NO_BROKER, "the broker stops" } };

                wr_session_send(session, &bye);
                wr_session_doom(session);
        }
        bury_doomed(server);
        WR_LIST_EACH(link, &server->listeners)
        {
                wr_listener_close(WR_LIST_OWNER(link, struct wr_listener, link));
        }
        if (server->starter)
                server->starter->stop_all(server->starter);
        wr_listener_spares(server, false);
        wr_tcp_close(server);
        wr_loop_close(server->loop);
        if (server->registry.topics_by_name.buckets)
                wr_registry_close(&server->registry);
        wr_tickets_close(&server->tickets);
        wr_policy_close(server->policy);
        wr_refusal_close(&server->refused);
        wr_quota_close(&server->accounts);
        wr_log_close(&server->log);
        wr_claim_give(&server->claim, server->address); /* last: who takes it next finds the address free */
}
