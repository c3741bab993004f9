/*
 * A relay's life:
 *
 *      begun      charged; its client's end waits to be sent as an errand; the agent was started with the other end
 *      stood in   the agent said hello with the key: its session is the client's in all but the memory
 *      over       by the end of either session, or because the agent did not come in time
 *
 * The agent's thread is not the broker's: all that we do to it is to hang up its stream and to end its session.
 */
#include "broker/relaying.h"

#include "broker/handlers.h"
#include "named-objects/random.h"
#include "named-objects/sentence.h"
#include "named-objects/stream.h"
#include "named-objects/user.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { AGENT_SECONDS = 5 };

static const enum wr_message_kind any = WR_HELLO; /* as in session.c: whatever comes next is the answer */

const struct wr_session *
wr_relaying_asker(const struct wr_session *session)
{
        return session->relay ? session->relay->client : session;
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

static void
forget(struct wr_relay *relay)
{
        struct wr_server *server = relay->client->server;

        if (!relay->agent) {
                server->relays_awaited--;
                wr_object_close(relay->order.stream);
        } else {
                relay->agent->relay = NULL;
        }
        if (relay->is_charged)
                wr_quota_return(&server->accounts, relay->client->account, WR_QUOTA_CONNECTIONS, 1);
        wr_object_close(relay->far_end);
        wr_list_remove(&relay->errand.link);
        wr_list_remove(&relay->link);
        wr_list_remove(&relay->client_link);
        server->relay_count--;
        free(relay);
}

/* Its agent ends, whatever it is doing: its peers hear of it as they would of its client. */
static void
end(struct wr_relay *relay, bool said_bye)
{
        struct wr_session *agent = relay->agent;
        struct wr_relay_starter *starter = relay->client->server->starter;
        uint64_t id = relay->id;

        forget(relay);
        if (agent) {
                agent->said_bye = said_bye;
                agent->is_cut = true;
                wr_session_doom(agent);
        }
        starter->stop(starter, id);
}

void
wr_relaying_leave(struct wr_session *session)
{
        if (session->relay) {
                session->is_cut = true; /* it is not waited for: a relay ends with its stream */
                forget(session->relay);
        }
        WR_LIST_EACH(link, &session->relays)
        {
                end(WR_LIST_OWNER(link, struct wr_relay, client_link), session->said_bye);
        }
}

bool
wr_relaying_is_of(const struct wr_session *agent, const struct wr_session *client)
{
        return agent->relay && agent->relay->client == client;
}

void
wr_relaying_closed(struct wr_session *agent)
{
        end(agent->relay, true);
}

void
wr_relaying_tick(struct wr_server *server)
{
        if (server->starter)
                server->starter->reap(server->starter);
        WR_LIST_EACH(link, &server->relays)
        {
                struct wr_relay *relay = WR_LIST_OWNER(link, struct wr_relay, link);
                bool is_stuck = relay->far_end != WR_NO_OBJECT || !relay->agent;

                if (!is_stuck || relay->until_ns > server->now_ns)
                        continue;
                if (!relay->is_told)
                        wr_session_refuse(relay->client, relay->request, WEIR_E_NO_PATH,
                                          "no path: the relay for '%s' could not be set up in time. Try again",
                                          wr_refusal_topic(&relay->order.request));
                end(relay, relay->client->said_bye);
        }
}

/* ---- the beginning --------------------------------------------------------------------------------------------- */

static enum weir_result
relay_send(struct wr_session *session, struct wr_errand *errand)
{
        struct wr_relay *relay = WR_LIST_OWNER(errand, struct wr_relay, errand);
        struct wr_message message = { .kind = WR_RELAY, .request = relay->request };
        enum weir_result result;

        message.relay.id = relay->id;
        message.relay.path = relay->path;
        memcpy(message.relay.why, relay->why, sizeof(message.relay.why));
        result = wr_session_send_objects(session, &message, &relay->far_end, 1, any, 0);
        if (result == WEIR_OK) {
                wr_object_close(relay->far_end);
                relay->far_end = WR_NO_OBJECT;
                relay->is_told = true;
        }
        return result;
}

static void
key_make(char key[WR_RELAY_KEY_ROOM])
{
        wr_sentence(key, WR_RELAY_KEY_ROOM, "%016" PRIx64 "%016" PRIx64, wr_random(), wr_random());
}

static enum weir_result
agent_start(struct wr_relay *relay, char *sentence, size_t room)
{
        struct wr_relay_starter *starter = relay->client->server->starter;
        enum weir_result result = starter->start(starter, &relay->order, sentence, room);

        if (result == WEIR_OK)
                relay->order.stream = WR_NO_OBJECT; /* the agent's */
        return result;
}

/* Over TCP the client says the key on a connection of its own, and that becomes the stream. */
static enum weir_result
stream_make(struct wr_relay *relay, char *sentence, size_t room)
{
        wr_object ends[2];
        enum weir_result result;

        if (relay->path == WR_PATH_TCP)
                return WEIR_OK;
        result = wr_stream_pair(relay->client->connection.hook.object, ends);
        if (result < 0) {
                wr_sentence(sentence, room,
                            "the broker has no descriptor left for a relay. Raise its limit of open files (ulimit -n)");
                return result;
        }
        relay->order.stream = ends[0];
        relay->far_end = ends[1];
        return agent_start(relay, sentence, room);
}

static struct wr_relay *
relay_new(struct wr_session *session, const struct wr_message *message, int64_t wait_ns)
{
        struct wr_server *server = session->server;
        struct wr_relay *relay = calloc(1, sizeof(*relay));

        if (!relay)
                return NULL;
        relay->id = relay->order.id = wr_random();
        relay->client = session;
        relay->request = message->request;
        relay->order.turn_ns = server->now_ns + wait_ns;
        relay->until_ns = relay->order.turn_ns + AGENT_SECONDS * WR_SERVER_TICK_NS;
        relay->far_end = relay->order.stream = WR_NO_OBJECT;
        relay->order.address = server->address;
        relay->order.request = *message;
        relay->errand.run = relay_send;
        key_make(relay->order.key);
        wr_list_clear(&relay->errand.link);
        wr_list_append(&server->relays, &relay->link);
        wr_list_append(&session->relays, &relay->client_link);
        server->relay_count++;
        server->relays_awaited++;
        return relay;
}

static void
tcp_tell(struct wr_relay *relay)
{
        struct wr_message message = { .kind = WR_RELAY, .request = relay->request };

        message.relay.id = relay->id;
        message.relay.path = relay->path;
        memcpy(message.relay.why, relay->why, sizeof(message.relay.why));
        memcpy(message.relay.key, relay->order.key, sizeof(message.relay.key));
        wr_session_send(relay->client, &message);
        relay->is_told = true;
}

/* A relay and a turn for it, as far as the identity may have them. */
static enum weir_result
charge(struct wr_session *session, int64_t *wait_ns, char *sentence, size_t room)
{
        struct wr_server *server = session->server;
        enum weir_result result;

        if (server->relay_count >= WR_RELAYS_MAX) {
                wr_sentence(
                        sentence, room,
                        "quota: %d endpoints are relayed, which is the most of one broker. Close some, or grant 'map'",
                        WR_RELAYS_MAX);
                return WEIR_E_QUOTA;
        }
        result = wr_quota_charge(&server->accounts, session->account, WR_QUOTA_CONNECTIONS, 1, sentence, room);
        if (result < 0)
                return result;
        *wait_ns = wr_quota_relay(session->account, server->now_ns);
        if (*wait_ns >= 0)
                return WEIR_OK;
        wr_quota_return(&server->accounts, session->account, WR_QUOTA_CONNECTIONS, 1);
        wr_sentence(sentence, room,
                    "quota: %s%s may open %" PRIu64 " relayed endpoints a second, and %d seconds' worth of them wait"
                    " for their turn. Try again in a moment, keep them open, or raise relays_per_second under [quota]"
                    " in the broker's policy file",
                    session->account->key, session->account->creator ? ", by tickets over TCP," : "",
                    server->accounts.limits->relays_per_second, WR_QUOTA_TURN_SECONDS);
        return WEIR_E_QUOTA;
}

static enum weir_result
begin(struct wr_session *session, const struct wr_relay_wish *wish, enum wr_path path, const char *why)
{
        struct wr_server *server = session->server;
        char sentence[512] = "";
        struct wr_relay *relay = NULL;
        int64_t wait_ns = 0;
        enum weir_result result = charge(session, &wait_ns, sentence, sizeof(sentence));

        if (result < 0) {
                wr_session_refuse(session, wish->message->request, result, "%s", sentence);
                return WEIR_FULL;
        }
        relay = relay_new(session, wish->message, wait_ns);
        if (!relay) {
                wr_quota_return(&server->accounts, session->account, WR_QUOTA_CONNECTIONS, 1);
                wr_session_refuse(session, wish->message->request, WEIR_E_NO_MEMORY,
                                  "the broker has no memory for a relay: close some endpoints");
                return WEIR_FULL;
        }
        relay->is_charged = true;
        relay->path = path;
        wr_sentence(relay->why, sizeof(relay->why), "%s", why);
        result = stream_make(relay, sentence, sizeof(sentence));
        if (result < 0) {
                wr_session_refuse(session, wish->message->request, result, "%s", sentence);
                forget(relay);
        } else if (path == WR_PATH_TCP) {
                tcp_tell(relay);
        } else {
                wr_session_errand(session, &relay->errand);
        }
        return WEIR_FULL;
}

/* ---- the choice ------------------------------------------------------------------------------------------------ */

static bool
may_map(const struct wr_session *session, const struct wr_relay_wish *wish, char *sentence, size_t room)
{
        if (wish->is_pattern && wr_tickets_could(session, wish->topic, wish->rights | WR_MAY_MAP))
                return true;
        return wr_tickets_decide(session, wish->topic, WR_MAY_MAP, sentence, room);
}

static enum weir_result
refuse(struct wr_session *session, const struct wr_relay_wish *wish, const char *why)
{
        wr_session_refuse(session, wish->message->request, WEIR_E_NO_PATH, "no path: %s", why);
        return WEIR_E_NO_PATH;
}

static void
why_relayed(const struct wr_session *session, const struct wr_relay_wish *wish, bool has_map, char *why, size_t room)
{
        const char *path = session->is_by_ticket ? "tcp" : "pipe";
        char where[WR_RELAY_WHY_ROOM];

        if (session->is_by_ticket) {
                wr_sentence(why, room, "tcp: connected with a ticket");
        } else if (has_map && wish->require == WR_PATH_PIPE) {
                wr_sentence(why, room, "pipe: .require asks for it");
        } else if (has_map) {
                wr_sentence(why, room, "pipe: this client cannot map memory of others, or is told not to (WEIR_PATH)");
        } else {
                wr_policy_where(session->server->policy, wish->topic, WR_MAY_MAP, where, sizeof(where));
                wr_sentence(why, room, "%s: has '%s', not 'map' (%s)", path,
                            wish->rights & WR_MAY_PUBLISH ? "publish" : "subscribe", where);
        }
}

/* "" where there is nothing against it. */
static void
against(const struct wr_session *session, const struct wr_relay_wish *wish, const char *no_map, char *why, size_t room)
{
        why[0] = '\0';
        if (wish->require > WR_PATH_TCP)
                wr_sentence(why, room,
                            "this broker offers shared memory, a pipe, and TCP to who connects by it; path %" PRIu32
                            " was required. Leave .require at 0",
                            wish->require);
        else if (wish->require == WR_PATH_SHM && session->is_by_ticket)
                wr_sentence(why, room, "shared memory does not go over TCP. Leave .require at 0");
        else if (wish->require == WR_PATH_SHM && no_map[0])
                wr_sentence(why, room, "%s", no_map);
        else if (wish->require == WR_PATH_SHM && session->has_no_memory)
                wr_sentence(why, room,
                            "shared memory is required, and this client cannot map any, or is told not to (WEIR_PATH)");
        else if (wish->require != WR_PATH_ANY && wish->require != WR_PATH_SHM &&
                 (wish->require == WR_PATH_TCP) != session->is_by_ticket)
                wr_sentence(why, room, "this client is connected by %s, and %s is required. Leave .require at 0",
                            session->is_by_ticket ? "TCP" : "a pipe", session->is_by_ticket ? "a pipe" : "TCP");
        else if (wish->require != WR_PATH_SHM && !session->server->starter)
                wr_sentence(why, room, "the program that this broker is a part of relays nothing");
}

enum weir_result
wr_relaying_choose(struct wr_session *session, const struct wr_relay_wish *wish)
{
        bool can_map = !session->has_no_memory && !session->is_by_ticket, has_map;
        char no_map[768] = "", why[768];

        if (session->relay)
                return WEIR_OK;
        has_map = may_map(session, wish, no_map, sizeof(no_map));
        if (has_map)
                no_map[0] = '\0';
        if (has_map && can_map && (wish->require == WR_PATH_ANY || wish->require == WR_PATH_SHM))
                return WEIR_OK;
        if (!session->server->starter && wish->require == WR_PATH_ANY && no_map[0]) {
                wr_session_refuse(session, wish->message->request, WEIR_E_DENIED, "%s", no_map);
                return WEIR_E_DENIED;
        }
        against(session, wish, no_map, why, sizeof(why));
        if (why[0])
                return refuse(session, wish, why);
        why_relayed(session, wish, has_map, why, WR_RELAY_WHY_ROOM);
        return begin(session, wish, session->is_by_ticket ? WR_PATH_TCP : WR_PATH_PIPE, why);
}

/* ---- the agent ------------------------------------------------------------------------------------------------- */

bool
wr_relaying_expects(const struct wr_server *server, uint32_t pid)
{
        return server->relays_awaited > 0 && pid == wr_user_process();
}

/* All bytes are looked at: how long it takes tells nothing. */
static bool
is_same_key(const char *a, const char *b)
{
        unsigned char differs = 0;

        for (int i = 0; i < WR_RELAY_KEY_ROOM; i++)
                differs |= (unsigned char)(a[i] ^ b[i]);
        return differs == 0;
}

static struct wr_relay *
awaited(struct wr_server *server, const char *key)
{
        struct wr_relay *found = NULL;

        WR_LIST_EACH(link, &server->relays)
        {
                struct wr_relay *relay = WR_LIST_OWNER(link, struct wr_relay, link);

                if (is_same_key(relay->order.key, key) && !relay->agent)
                        found = relay;
        }
        return found;
}

/* From now on it is the client, to all who ask. */
static void
stand_in(struct wr_session *session, struct wr_relay *relay)
{
        struct wr_server *server = session->server;
        struct wr_session *client = relay->client;
        struct wr_account *own = session->account;

        if (!session->is_uncharged)
                wr_quota_return(&server->accounts, own, WR_QUOTA_CONNECTIONS, 1);
        session->is_uncharged = false; /* the relay's charge is its own from here on */
        relay->is_charged = false;
        session->account = client->account;
        session->account->references++;
        wr_quota_drop(own);
        memset(&session->identity, 0, sizeof(session->identity));
        memcpy(&session->identity, &client->identity, wr_identity_size(&client->identity));
        memcpy(session->name, client->name, sizeof(session->name));
        memcpy(session->identity_text, client->identity_text, sizeof(session->identity_text));
        memcpy(session->who, client->who, sizeof(session->who));
        session->relay = relay;
        session->is_agent = true;
        relay->agent = session;
        server->relays_awaited--;
}

/* An agent of ours whose client has gone meanwhile. That is nothing for the log. */
static void
come_too_late(struct wr_session *session, uint32_t request)
{
        struct wr_message message = { .kind = WR_REFUSAL, .request = request };

        message.refusal.result = WEIR_E_CLOSED;
        wr_sentence(message.refusal.sentence, sizeof(message.refusal.sentence), "the client of this relay has gone");
        wr_session_send(session, &message);
        session->is_cut = true;
        wr_session_doom(session);
}

bool
wr_relaying_greet(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_hello *hello = &message->hello;
        struct wr_accounts *accounts = &session->server->accounts;
        struct wr_relay *relay = NULL;
        char sentence[512];

        session->has_no_memory = (hello->flags & WR_HELLO_NO_MEMORY) != 0;
        if (hello->flags & WR_HELLO_STANDS_IN) {
                if (session->identity.pid == wr_user_process()) {
                        relay = awaited(session->server, hello->key);
                        if (relay)
                                stand_in(session, relay);
                        else
                                come_too_late(session, message->request);
                        return relay != NULL;
                }
                wr_session_cut(session, message->request, WEIR_E_DENIED,
                               "denied: no relay waits for an agent with this key");
                return false;
        }
        if (!session->is_uncharged)
                return true;
        if (wr_quota_charge(accounts, session->account, WR_QUOTA_CONNECTIONS, 1, sentence, sizeof(sentence)) < 0) {
                wr_session_cut(session, message->request, WEIR_E_QUOTA, "%s", sentence);
                return false;
        }
        session->is_uncharged = false;
        return true;
}

const char *
wr_relaying_key(const struct wr_server *server, uint64_t id)
{
        WR_LIST_EACH(link, &server->relays)
        {
                const struct wr_relay *relay = WR_LIST_OWNER(link, struct wr_relay, link);

                if (relay->id == id && relay->path == WR_PATH_TCP && !relay->is_connected)
                        return relay->order.key;
        }
        return NULL;
}

bool
wr_relaying_connected(struct wr_server *server, const char *key, wr_object stream)
{
        struct wr_relay *relay = awaited(server, key);
        char sentence[512];

        if (!relay || relay->path != WR_PATH_TCP || relay->is_connected)
                return false;
        relay->order.stream = stream;
        key_make(relay->order.key); /* the client's is used up; this one is told to the agent alone */
        if (agent_start(relay, sentence, sizeof(sentence)) < 0) {
                relay->order.stream = WR_NO_OBJECT;
                end(relay, false);
                return false;
        }
        relay->is_connected = true;
        if (relay->until_ns < server->now_ns + AGENT_SECONDS * WR_SERVER_TICK_NS)
                relay->until_ns = server->now_ns + AGENT_SECONDS * WR_SERVER_TICK_NS;
        return true;
}

enum wr_path
wr_relaying_path(const struct wr_session *session, char *why, size_t room)
{
        const struct wr_relay *relay = session->relay;

        wr_sentence(why, room, "%s", relay ? relay->why : "shm: the policy grants it 'map'");
        return relay ? relay->path : WR_PATH_SHM;
}
