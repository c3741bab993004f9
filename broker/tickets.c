/*
 * A ticket's life. The creator's identity is kept with it and asked anew with every decision: what its creator lost,
 * its holders lose, too.
 */
#include "broker/tickets.h"

#include "broker/handlers.h"
#include "broker/listing.h"
#include "bus/topic.h"
#include "named-objects/random.h"
#include "named-objects/sentence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS   INT64_C(1000000000)
#define REMEMBER_NS (INT64_C(3600) * SECOND_NS)

static const char unknown[] = "denied: this broker knows no such ticket. It was made by another one, or by this one"
                              " before it was started anew. Ask for another: weir ticket new TOPIC --read";

void
wr_tickets_open(struct wr_tickets *tickets)
{
        *tickets = (struct wr_tickets){ .count = 0 };
        wr_list_clear(&tickets->list);
}

/* Nobody holds it. */
static void
forget(struct wr_tickets *tickets, struct wr_ticket_entry *entry)
{
        wr_list_remove(&entry->link);
        tickets->count--;
        wr_quota_drop(entry->holders_account);
        wr_quota_drop(entry->account);
        free(entry->creator);
        wr_hmac_wipe(entry, sizeof(*entry));
        free(entry);
}

void
wr_tickets_close(struct wr_tickets *tickets)
{
        while (!wr_list_empty(&tickets->list))
                forget(tickets, WR_LIST_OWNER(tickets->list.next, struct wr_ticket_entry, link));
}

struct wr_ticket_entry *
wr_tickets_find(const struct wr_tickets *tickets, uint64_t id)
{
        WR_LIST_EACH(link, &tickets->list)
        {
                struct wr_ticket_entry *entry = WR_LIST_OWNER(link, struct wr_ticket_entry, link);

                if (entry->id == id)
                        return entry;
        }
        return NULL;
}

static enum wr_ticket_state
state_of(const struct wr_ticket_entry *entry, int64_t now_ns)
{
        if (entry->is_revoked)
                return WR_TICKET_REVOKED;
        if (entry->expires_ns <= now_ns)
                return WR_TICKET_EXPIRED;
        return entry->uses != 0 && entry->used >= entry->uses ? WR_TICKET_USED_UP : WR_TICKET_VALID;
}

/* ---- making ---------------------------------------------------------------------------------------------------- */

static bool
request_sound(struct wr_session *session, const struct wr_message *message)
{
        const uint32_t all = WR_MAY_SUBSCRIBE | WR_MAY_PUBLISH | WR_MAY_MAP | WR_MAY_OBSERVE | WR_MAY_STALL;
        const struct wr_message_ticket *wanted = &message->ticket;
        const char *why;

        if (!wr_topic_pattern_valid(wanted->topic, &why))
                wr_session_refuse(session, message->request, WEIR_E_USAGE, "'%s' is no topic and no pattern: %s",
                                  wanted->topic, why);
        else if (wanted->rights == 0 || (wanted->rights & ~all) != 0)
                wr_session_refuse(session, message->request, WEIR_E_USAGE,
                                  "a ticket for '%s' needs a right: subscribe, publish or observe", wanted->topic);
        else if (wanted->ttl_ns <= 0)
                wr_session_refuse(session, message->request, WEIR_E_USAGE,
                                  "a ticket for '%s' needs a time to live above 0", wanted->topic);
        else if (wanted->uses > WR_TICKET_USES_MAX)
                wr_session_refuse(session, message->request, WEIR_E_USAGE,
                                  "a ticket has at most %d uses that are counted; 0: any number", WR_TICKET_USES_MAX);
        else
                return true;
        return false;
}

/* Only what the rules give to the session itself may it hand on: not what it has by a ticket. */
static bool
request_permitted(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_policy *policy = session->server->policy;
        const struct wr_message_ticket *wanted = &message->ticket;
        char sentence[768];

        if (session->is_by_ticket) {
                wr_session_refuse(session, message->request, WEIR_E_DENIED,
                                  "denied: who is connected by a ticket makes no other");
                return false;
        }
        if (strchr(wanted->topic, '*') && wr_policy_could(policy, &session->identity, wanted->topic, wanted->rights))
                return true;
        for (uint32_t right = WR_MAY_SUBSCRIBE; right <= WR_MAY_STALL; right <<= 1)
                if ((wanted->rights & right) && !wr_policy_decide(policy, &session->identity, wanted->topic,
                                                                  (enum wr_right)right, sentence, sizeof(sentence))) {
                        wr_session_refuse(session, message->request, WEIR_E_DENIED, "%s%s", sentence,
                                          right == WR_MAY_MAP ? "; or hand on what you have: --no-map" : "");
                        return false;
                }
        return true;
}

/* The oldest that ended and that nobody holds; NULL: none. */
static struct wr_ticket_entry *
oldest_ended(const struct wr_tickets *tickets, int64_t now_ns)
{
        WR_LIST_EACH(link, &tickets->list)
        {
                struct wr_ticket_entry *entry = WR_LIST_OWNER(link, struct wr_ticket_entry, link);

                if (entry->sessions == 0 && state_of(entry, now_ns) != WR_TICKET_VALID)
                        return entry;
        }
        return NULL;
}

static bool
has_room(struct wr_session *session, uint32_t request)
{
        struct wr_server *server = session->server;
        struct wr_tickets *tickets = &server->tickets;
        uint32_t held = 0;

        WR_LIST_EACH(link, &tickets->list)
        {
                const struct wr_ticket_entry *entry = WR_LIST_OWNER(link, struct wr_ticket_entry, link);

                held += entry->account == session->account && state_of(entry, server->now_ns) == WR_TICKET_VALID;
        }
        if (tickets->count == WR_TICKETS_MAX && oldest_ended(tickets, server->now_ns))
                forget(tickets, oldest_ended(tickets, server->now_ns));
        if (held < WR_TICKETS_ACCOUNT_MAX && tickets->count < WR_TICKETS_MAX)
                return true;
        wr_session_refuse(session, request, WEIR_E_QUOTA,
                          "quota: %" PRIu32 " tickets of this identity can still be redeemed, %d is the most of one, "
                          "and %d of all. Revoke some: weir ticket ls, weir ticket revoke ID",
                          held, WR_TICKETS_ACCOUNT_MAX, WR_TICKETS_MAX);
        return false;
}

/* With a reference of its own to the creator's account. NULL: no memory. */
static struct wr_ticket_entry *
entry_new(struct wr_session *session, const struct wr_message_ticket *wanted)
{
        struct wr_server *server = session->server;
        size_t size = wr_identity_size(&session->identity);
        struct wr_ticket_entry *entry = calloc(1, sizeof(*entry));

        if (!entry)
                return NULL;
        entry->creator = malloc(size);
        entry->account = entry->creator ? wr_quota_account(&server->accounts, &session->identity) : NULL;
        entry->holders_account = entry->account ? wr_quota_account_of_tickets(entry->account) : NULL;
        if (!entry->holders_account) {
                wr_quota_drop(entry->account);
                free(entry->creator);
                free(entry);
                return NULL;
        }
        memcpy(entry->creator, &session->identity, size);
        do {
                entry->id = wr_random();
        } while (entry->id == 0 || wr_tickets_find(&server->tickets, entry->id));
        entry->serial = ++server->tickets.made;
        entry->rights = wanted->rights;
        entry->uses = wanted->uses;
        entry->made_ns = server->now_ns;
        entry->expires_ns = wanted->ttl_ns > INT64_MAX - server->now_ns ? INT64_MAX : server->now_ns + wanted->ttl_ns;
        memcpy(entry->topic, wanted->topic, sizeof(entry->topic));
        memcpy(entry->who, session->who, sizeof(entry->who));
        memcpy(entry->identity, session->identity_text, sizeof(entry->identity));
        wr_list_append(&server->tickets.list, &entry->link);
        server->tickets.count++;
        return entry;
}

/* A key for it, told in the answer and nowhere else. */
static bool
key_make(const struct wr_server *server, struct wr_ticket_entry *entry, struct wr_message_ticket_is *answer)
{
        struct wr_ticket ticket = { .id = entry->id, .port = server->tcp_port };
        bool made;

        for (size_t i = 0; i < sizeof(ticket.key); i += sizeof(uint64_t)) {
                uint64_t bits = wr_random();

                memcpy(ticket.key + i, &bits, sizeof(bits));
        }
        wr_sentence(ticket.address, sizeof(ticket.address), "%s", server->address);
        made = wr_ticket_verifier_make(&entry->verifier, ticket.key) &&
               wr_ticket_write(&ticket, answer->text, sizeof(answer->text));
        answer->id = entry->id;
        wr_hmac_wipe(&ticket, sizeof(ticket));
        return made;
}

static void
rights_text(uint32_t rights, char *text, size_t room)
{
        static const char *const names[] = { "subscribe", "publish", "map", "observe", "stall" };
        size_t used = 0;

        for (size_t i = 0; i < sizeof(names) / sizeof(*names) && used < room; i++)
                if (rights & (1u << i)) {
                        wr_sentence(text + used, room - used, "%s%s", used ? ", " : "", names[i]);
                        used += strlen(text + used);
                }
}

static void
made_log(struct wr_session *session, const struct wr_ticket_entry *entry)
{
        struct wr_server *server = session->server;
        char rights[64] = "", uses[32] = "any number of", time[48] = "as long as this broker lives";

        rights_text(entry->rights, rights, sizeof(rights));
        if (entry->uses != 0)
                wr_sentence(uses, sizeof(uses), "%" PRIu32, entry->uses);
        if (entry->expires_ns != INT64_MAX)
                wr_sentence(time, sizeof(time), "%.0f s", (double)(entry->expires_ns - entry->made_ns) / 1e9);
        wr_log_line(&server->log, session->account, server->now_ns, WR_LOG_NOTICE,
                    "ticket %016" PRIx64 " for '%s' (%s), %s use%s, %s, made by %s", entry->id, entry->topic, rights,
                    uses, entry->uses == 1 ? "" : "s", time, session->who);
}

void
wr_tickets_make(struct wr_session *session, const struct wr_message *message)
{
        struct wr_message answer = { .kind = WR_TICKET_IS, .request = message->request };
        struct wr_ticket_entry *entry;

        if (!request_sound(session, message) || !request_permitted(session, message) ||
            !has_room(session, message->request))
                return;
        entry = entry_new(session, &message->ticket);
        if (!entry || !key_make(session->server, entry, &answer.ticket_is)) {
                if (entry)
                        forget(&session->server->tickets, entry);
                wr_session_refuse(session, message->request, WEIR_E_NO_MEMORY,
                                  "the broker has no memory left for another ticket");
                return;
        }
        made_log(session, entry);
        wr_session_send(session, &answer);
        wr_hmac_wipe(&answer, sizeof(answer));
}

/* ---- redeeming ------------------------------------------------------------------------------------------------- */

static void
ended_text(const struct wr_ticket_entry *entry, enum wr_ticket_state state, int64_t now_ns, char *sentence, size_t room)
{
        const char *again = "Ask who gave it for another: weir ticket new TOPIC --read";

        if (state == WR_TICKET_EXPIRED)
                wr_sentence(sentence, room, "denied: the ticket for '%s' expired %.0f s ago. %s", entry->topic,
                            (double)(now_ns - entry->expires_ns) / 1e9, again);
        else if (state == WR_TICKET_USED_UP)
                wr_sentence(sentence, room, "denied: the ticket for '%s' is used up: it had %" PRIu32 " use%s. %s",
                            entry->topic, entry->uses, wr_s(entry->uses), again);
        else
                wr_sentence(sentence, room, "denied: the ticket for '%s' was revoked: ask who gave it for another",
                            entry->topic);
}

/* The place in it of somebody who has redeemed it, and is not there any more; NULL: there is none. */
static struct wr_ticket_use *
use_of(struct wr_ticket_entry *entry, uint64_t redeemer)
{
        uint32_t known = entry->used < WR_TICKET_USES_MAX ? entry->used : WR_TICKET_USES_MAX;

        for (uint32_t i = 0; i < known; i++) {
                struct wr_ticket_use *use = &entry->holders[i];

                if (use->redeemer == redeemer && (!use->session || use->session->is_doomed))
                        return use;
        }
        return NULL;
}

static void
let_go(struct wr_session *session)
{
        struct wr_ticket_entry *entry = session->ticket;

        session->ticket = NULL;
        entry->sessions--;
        entry->sessions_tcp -= session->is_by_ticket;
}

/* It has the ticket no more: another connection of the same client does. */
static void
use_leave(struct wr_ticket_use *use)
{
        if (!use->session)
                return;
        let_go(use->session);
        use->session = NULL;
}

/* Many may have the text of one whose uses are not counted, and one of them must not be all of its holders. */
static bool
is_crowded(const struct wr_session *session, const struct wr_ticket_entry *entry)
{
        return session->is_by_ticket && entry->uses == 0 && entry->sessions_tcp >= WR_TICKET_TCP_MAX;
}

enum weir_result
wr_tickets_give(struct wr_session *session, struct wr_ticket_entry *entry, uint64_t redeemer, char *sentence,
                size_t room)
{
        struct wr_server *server = session->server;
        enum wr_ticket_state state = state_of(entry, server->now_ns);
        struct wr_ticket_use *use = state == WR_TICKET_REVOKED ? NULL : use_of(entry, redeemer);

        if (session->ticket) {
                wr_sentence(sentence, room, "this connection has redeemed a ticket already: open another bus");
                return WEIR_E_USAGE;
        }
        if (!use && state != WR_TICKET_VALID) {
                ended_text(entry, state, server->now_ns, sentence, room);
                return WEIR_E_DENIED;
        }
        if (is_crowded(session, entry) && !(use && use->session)) {
                wr_sentence(sentence, room,
                            "quota: %d connections over TCP were opened by the ticket for '%s', the most of one whose"
                            " uses are not counted. Close some, or ask who gave it for another: weir ticket new TOPIC"
                            " --read",
                            WR_TICKET_TCP_MAX, entry->topic);
                return WEIR_E_QUOTA;
        }
        if (!use) {
                use = &entry->holders[entry->used++ % WR_TICKET_USES_MAX];
                use->session = NULL; /* of uses beyond number the ring forgets the oldest, who keeps what it has */
                wr_log_line(&server->log, session->account, server->now_ns, WR_LOG_NOTICE,
                            "ticket %016" PRIx64 " of %s for '%s' redeemed by %s", entry->id, entry->who, entry->topic,
                            session->who);
        }
        use_leave(use);
        *use = (struct wr_ticket_use){ redeemer, session };
        session->ticket = entry;
        entry->sessions++;
        entry->sessions_tcp += session->is_by_ticket;
        return WEIR_OK;
}

/* "0f..." to bytes. */
static bool
key_read(const char *text, uint8_t key[WR_HMAC_BYTES])
{
        static const char digits[] = "0123456789abcdef";

        if (strlen(text) != 2 * WR_HMAC_BYTES)
                return false;
        for (size_t i = 0; i < 2 * WR_HMAC_BYTES; i++) {
                const char *digit = strchr(digits, text[i]);

                if (!digit)
                        return false;
                key[i / 2] = (uint8_t)(i % 2 == 0 ? (digit - digits) << 4 : key[i / 2] | (digit - digits));
        }
        return true;
}

void
wr_tickets_redeem(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_redeem *redeem = &message->redeem;
        struct wr_ticket_entry *entry = wr_tickets_find(&session->server->tickets, redeem->id);
        struct wr_message done = { .kind = WR_DONE, .request = message->request };
        uint8_t key[WR_HMAC_BYTES];
        char sentence[512];
        enum weir_result result = WEIR_E_DENIED;

        wr_sentence(sentence, sizeof(sentence), "%s", unknown);
        if (session->is_by_ticket)
                wr_sentence(sentence, sizeof(sentence), "this connection was opened by a ticket");
        else if (entry && key_read(redeem->key, key) && wr_ticket_verify(&entry->verifier, key))
                result = wr_tickets_give(session, entry, redeem->redeemer, sentence, sizeof(sentence));
        wr_hmac_wipe(key, sizeof(key));
        if (result < 0)
                wr_session_refuse(session, message->request, result, "%s", sentence);
        else
                wr_session_send(session, &done);
}

void
wr_tickets_leave(struct wr_session *session)
{
        struct wr_ticket_entry *entry = session->ticket;

        for (uint32_t i = 0; entry && i < WR_TICKET_USES_MAX; i++)
                if (entry->holders[i].session == session) {
                        use_leave(&entry->holders[i]);
                        return;
                }
        /* Of a ticket with uses beyond number its place may be another's by now. */
        if (entry)
                let_go(session);
}

/* ---- deciding -------------------------------------------------------------------------------------------------- */

static bool
gives(const struct wr_ticket_entry *entry, const char *topic, uint32_t rights)
{
        return entry && !entry->is_revoked && (entry->rights & rights) == rights &&
               (strcmp(entry->topic, topic) == 0 || wr_topic_matches(entry->topic, topic));
}

/* Why somebody who has nothing but this ticket may not, and what would be the ticket for it. */
static void
refusal_text(const struct wr_ticket_entry *entry, const char *topic, enum wr_right right, char *sentence, size_t room)
{
        bool is_for_topic = entry && (strcmp(entry->topic, topic) == 0 || wr_topic_matches(entry->topic, topic));
        char given[64] = "nothing", missing[16] = "";

        if (entry && entry->is_revoked) {
                ended_text(entry, WR_TICKET_REVOKED, 0, sentence, room);
                return;
        }
        if (entry)
                rights_text(entry->rights, given, sizeof(given));
        rights_text(right, missing, sizeof(missing));
        if (is_for_topic)
                wr_sentence(sentence, room,
                            "denied: '%s': the ticket grants %s on '%s', not '%s'. Ask for one with it: weir ticket "
                            "new '%s' %s",
                            topic, given, entry->topic, missing, entry->topic,
                            right == WR_MAY_STALL     ? "--read --reliable"
                            : right == WR_MAY_PUBLISH ? "--write"
                                                      : "--read");
        else
                wr_sentence(sentence, room, "denied: '%s': the ticket grants %s on '%s', and nothing else", topic,
                            given, entry ? entry->topic : "");
}

bool
wr_tickets_decide(const struct wr_session *session, const char *topic, enum wr_right right, char *sentence, size_t room)
{
        const struct wr_policy *policy = session->server->policy;
        const struct wr_ticket_entry *entry = session->ticket;

        if (!session->is_by_ticket && wr_policy_decide(policy, &session->identity, topic, right, sentence, room))
                return true;
        if (gives(entry, topic, right))
                return wr_policy_decide(policy, entry->creator, topic, right, session->is_by_ticket ? sentence : NULL,
                                        room);
        if (session->is_by_ticket && sentence)
                refusal_text(entry, topic, right, sentence, room);
        return false;
}

bool
wr_tickets_could(const struct wr_session *session, const char *pattern, uint32_t rights)
{
        const struct wr_policy *policy = session->server->policy;
        const struct wr_ticket_entry *entry = session->ticket;
        size_t own, asked;

        if (!session->is_by_ticket && wr_policy_could(policy, &session->identity, pattern, rights))
                return true;
        if (!entry || entry->is_revoked || (entry->rights & rights) != rights ||
            !wr_policy_could(policy, entry->creator, pattern, rights))
                return false;
        /* Of two patterns that meet without one being the other, each topic is asked about when it comes. */
        if (!strchr(entry->topic, '*'))
                return wr_topic_matches(pattern, entry->topic);
        own = strcspn(entry->topic, "*");
        asked = strcspn(pattern, "*");
        return strncmp(entry->topic, pattern, own < asked ? own : asked) == 0;
}

/* ---- looking at them, and revoking ----------------------------------------------------------------------------- */

static void
row_tell(struct wr_session *session, const struct wr_ticket_entry *entry)
{
        struct wr_message message = { .kind = WR_TICKET_ROW, .request = session->listing.request };
        int64_t now_ns = session->server->now_ns;

        message.ticket_row = (struct wr_message_ticket_row){
                .id = entry->id,
                .rights = entry->rights,
                .uses = entry->uses,
                .used = entry->used,
                .state = state_of(entry, now_ns),
                .sessions = entry->sessions,
                .age_ns = now_ns - entry->made_ns,
                .ttl_ns = entry->expires_ns == INT64_MAX ? INT64_MAX
                          : entry->expires_ns > now_ns   ? entry->expires_ns - now_ns
                                                         : 0,
        };
        memcpy(message.ticket_row.topic, entry->topic, sizeof(entry->topic));
        memcpy(message.ticket_row.identity, entry->identity, sizeof(entry->identity));
        wr_session_send(session, &message);
}

bool
wr_tickets_go_on(struct wr_session *session)
{
        WR_LIST_EACH(link, &session->server->tickets.list)
        {
                const struct wr_ticket_entry *entry = WR_LIST_OWNER(link, struct wr_ticket_entry, link);

                if (entry->serial <= session->listing.serial || session->is_by_ticket ||
                    !wr_listing_may_know(session, entry->account->key))
                        continue;
                if (!wr_listing_has_room(session))
                        return false;
                row_tell(session, entry);
                session->listing.serial = entry->serial;
        }
        return true;
}

void
wr_tickets_revoke(struct wr_session *session, const struct wr_message *message)
{
        struct wr_server *server = session->server;
        struct wr_message done = { .kind = WR_DONE, .request = message->request };
        struct wr_ticket_entry *entry = wr_tickets_find(&server->tickets, message->ticket_revoke.id);

        if (!entry || session->is_by_ticket || !wr_listing_may_know(session, entry->account->key)) {
                wr_session_refuse(session, message->request, WEIR_E_USAGE,
                                  "there is no ticket %016" PRIx64 " of yours. Those that there are: weir ticket ls",
                                  message->ticket_revoke.id);
                return;
        }
        if (!entry->is_revoked) {
                entry->is_revoked = true;
                wr_log_line(&server->log, session->account, server->now_ns, WR_LOG_NOTICE,
                            "ticket %016" PRIx64 " of %s for '%s' revoked by %s", entry->id, entry->who, entry->topic,
                            session->who);
                wr_reload_recheck(server);
        }
        wr_session_send(session, &done);
}

void
wr_tickets_tick(struct wr_server *server)
{
        WR_LIST_EACH(link, &server->tickets.list)
        {
                struct wr_ticket_entry *entry = WR_LIST_OWNER(link, struct wr_ticket_entry, link);
                enum wr_ticket_state state = state_of(entry, server->now_ns);

                /* Who used it up may come back until it expires. */
                if (state != WR_TICKET_EXPIRED && state != WR_TICKET_REVOKED)
                        continue;
                if (entry->ended_ns == 0) {
                        entry->ended_ns = server->now_ns;
                        if (state == WR_TICKET_EXPIRED)
                                wr_log_line(&server->log, entry->account, server->now_ns, WR_LOG_INFO,
                                            "ticket %016" PRIx64 " of %s for '%s' expired, used %" PRIu32 " time%s",
                                            entry->id, entry->who, entry->topic, entry->used, wr_s(entry->used));
                }
                if (entry->sessions == 0 && server->now_ns - entry->ended_ns > REMEMBER_NS)
                        forget(&server->tickets, entry);
        }
}
