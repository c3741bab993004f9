/*
 * The broker's own books, whenever it has nothing to do: lists against counts against tables, quotas against what
 * there is, descriptors against who has them, and every state against what would end it.
 */
#include "named-objects/sentence.h"
#include "tests/simulation/ledger.h"

#include <string.h>

enum { IDLE_TURNS_MAX = 40, LEAVE_SECONDS = 2, BASE_DESCRIPTORS = 2 /* loop, lock */, HOLD_BYTES = 4096 };

/* Bytes that the broker may hold for a session beside its queue, and for all. */
enum { SESSION_BYTES = 16 * 1024, BASE_BYTES = 512 * 1024 };

static unsigned
length(const struct wr_link *list)
{
        unsigned count = 0;

        WR_LIST_EACH(link, list)
        {
                count++;
        }
        return count;
}

static bool
is_in(const struct wr_link *list, const struct wr_link *wanted)
{
        WR_LIST_EACH(link, list)
        {
                if (link == wanted)
                        return true;
        }
        return false;
}

/* ---- pairs ---------------------------------------------------------------------------------------------------- */

/* Whatever a pair waits for must be there to come. */
static void
check_pairing(const struct wr_pairing *pairing)
{
        const struct wr_session *publisher = pairing->publication->session,
                                *subscriber = pairing->subscription->session;
        bool is_waiting = !wr_list_empty(&pairing->errand.link);

        if (publisher->is_away && pairing->state <= WR_PAIRING_ADDED)
                return; /* until it comes back, or does not */
        switch (pairing->state) {
        case WR_PAIRING_NEW:
                if (!is_waiting)
                        sim_fail("books: a pair that its publisher was not told of waits for nothing");
                break;
        case WR_PAIRING_ADDED:
                if (is_waiting || publisher->owes != WR_PAIR_ACK || publisher->owes_id != pairing->node.key)
                        sim_fail("books: a pair waits for a PAIR_ACK that nobody owes");
                break;
        case WR_PAIRING_ACKED:
                if (!is_in(&subscriber->errands, &pairing->errand.link))
                        sim_fail("books: a pair is attached and its subscriber will not be told");
                break;
        case WR_PAIRING_GIVEN:
                if (subscriber->is_away && !is_waiting)
                        break; /* it holds it, or gets it once more */
                if (is_waiting || subscriber->owes != WR_PAIR_READY || subscriber->owes_id != pairing->node.key)
                        sim_fail("books: a pair waits for a PAIR_READY that nobody owes");
                break;
        case WR_PAIRING_LIVE:
                if (pairing->page != WR_NO_OBJECT)
                        sim_fail("books: the page of a live pair is still open");
                break;
        }
        if (wr_registry_pairing(&sim.server.registry, pairing->node.key) != pairing)
                sim_fail("books: a pair is not found under its id");
}

static unsigned
check_publication(const struct wr_publication *publication)
{
        unsigned awaited = 0, descriptors = 0;

        WR_LIST_EACH(link, &publication->pairings)
        {
                const struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, publication_link);

                if (pairing->publication != publication)
                        sim_fail("books: a pair stands with a lane that is not its own");
                awaited += pairing->is_awaited;
                if (pairing->page != WR_NO_OBJECT) {
                        sim_object_at(pairing->page, SIM_REGION);
                        descriptors++;
                }
                check_pairing(pairing);
        }
        if (length(&publication->pairings) != publication->pairing_count)
                sim_fail("books: a lane counts %u pairs and has %u", publication->pairing_count,
                         length(&publication->pairings));
        if (publication->state == WR_PUBLICATION_OPENING && (publication->awaited != awaited || awaited == 0))
                sim_fail("books: a lane waits for %u pairs, %u are awaited", publication->awaited, awaited);
        if ((publication->state == WR_PUBLICATION_OPENING) == wr_list_empty(&publication->opening_link))
                sim_fail("books: a lane that is being opened has no deadline, or another has one");
        if (!publication->session->is_away && publication->state == WR_PUBLICATION_GRANTED &&
            wr_list_empty(&publication->errand.link) &&
            (publication->session->owes != WR_READY || publication->session->owes_id != publication->geometry.lane))
                sim_fail("books: a lane waits for a READY that nobody owes");
        if (publication->state == WR_PUBLICATION_MOVED && publication->pairing_count == 0)
                sim_fail("books: a lane moved, has no reader left, and is still there");
        if (wr_registry_publication(&sim.server.registry, publication->geometry.lane) != publication)
                sim_fail("books: a lane is not found under its id");
        if (publication->writable != WR_NO_OBJECT) {
                sim_object_at(publication->writable, SIM_REGION);
                descriptors++;
        }
        if (publication->read_only != WR_NO_OBJECT) {
                sim_object_at(publication->read_only, SIM_REGION);
                descriptors++;
        }
        return descriptors;
}

static void
check_subscription(const struct wr_subscription *subscription)
{
        if (length(&subscription->pairings) != subscription->pairing_count)
                sim_fail("books: a subscription counts %u pairs and has %u", subscription->pairing_count,
                         length(&subscription->pairings));
        if (subscription->is_closing && subscription->pairing_count == 0)
                sim_fail("books: a subscription is closed, has no pair, and is still there");
        if (wr_registry_subscription(&sim.server.registry, subscription->node.key) != subscription)
                sim_fail("books: a subscription is not found under its id");
}

/* ---- sessions ------------------------------------------------------------------------------------------------- */

/* It keeps its process, to see that end, and its life-line, for who joins what it has. */
static unsigned
check_away(const struct wr_session *session)
{
        if (session->connection.hook.object != WR_NO_OBJECT)
                sim_fail("leak: a session is away, and its connection open");
        if (!session->is_doomed || !wr_list_empty(&session->doomed_link) ||
            !is_in(&sim.server.away, &session->away_link))
                sim_fail("books: a session is away, and not where it is waited for");
        if (sim.now_ns > session->away_until_ns + SIM_SECOND)
                sim_fail("deadlines: a session is away for long, and the broker waits on");
        return 1 + (session->lifeline != WR_NO_OBJECT);
}

static void
check_pages(const struct wr_session *session)
{
        unsigned pages = 0;

        WR_LIST_EACH(link, &session->subscriptions)
        {
                const struct wr_subscription *subscription = WR_LIST_OWNER(link, struct wr_subscription, session_link);

                WR_LIST_EACH(each, &subscription->pairings)
                {
                        pages += WR_LIST_OWNER(each, struct wr_pairing, subscription_link)->page != WR_NO_OBJECT;
                }
        }
        if (session->pages != pages)
                sim_fail("books: a session counts %u pages and has %u", session->pages, pages);
}

static unsigned
check_session(struct wr_session *session)
{
        struct sim_line *line = session->is_away ? ledger_line_of(session)
                                                 : sim_object_at(session->connection.hook.object, SIM_SOCKET)->line;
        bool is_waiting;

        line->session = session;
        sim_object_at(session->process.object, SIM_PROCESS);
        check_pages(session);
        if (session->is_away)
                return check_away(session);
        if (session->is_doomed)
                sim_fail("books: a session is doomed and not buried");
        if (session->connection.queued_bytes > WR_QUEUE_BYTES_MAX)
                sim_fail("bounds: %zu bytes wait for %u", session->connection.queued_bytes, sim_client_pid(line));
        if (session->is_greeted == !wr_list_empty(&session->greeting_link))
                sim_fail("books: a session has no deadline for its HELLO, or has one after it");
        is_waiting = !wr_list_empty(&session->paused_link) || session->listing.phase != WR_LISTING_NONE;
        if (session->connection.is_reading == is_waiting)
                sim_fail("books: a session is not read and nobody will read it again, or the other way round");
        if (session->owes == 0 && !wr_list_empty(&session->errands) &&
            !(session->connection.hook.wanted & WR_READY_WRITE) && !line->was_full)
                sim_fail("books: an errand waits and nothing is in its way");
        if (line->owes != session->owes ||
            (session->owes != WR_HELLO && session->owes != 0 && line->owes_id != session->owes_id))
                sim_fail("books: the broker believes that %u owes %s", sim_client_pid(line),
                         session->owes ? wr_message_name(session->owes) : "nothing");
        return 2 + (session->lifeline != WR_NO_OBJECT);
}

/* ---- quotas --------------------------------------------------------------------------------------------------- */

struct account_sum {
        const struct wr_account *account;
        uint64_t references, away, held[WR_QUOTAS];
};

static struct account_sum sums[SIM_IDENTITIES];

static struct account_sum *
sum_of(const struct wr_account *account)
{
        for (unsigned i = 0; i < SIM_IDENTITIES; i++) {
                if (!sums[i].account)
                        sums[i].account = account;
                if (sums[i].account == account)
                        return &sums[i];
        }
        sim_fail("quota: there are more accounts than identities");
}

static unsigned
charged(const struct wr_link *holds)
{
        unsigned count = 0;

        WR_LIST_EACH(link, holds)
        {
                count += WR_LIST_OWNER(link, struct wr_hold, link)->is_charged;
        }
        return count;
}

static void
sums_make(void)
{
        memset(sums, 0, sizeof(sums));
        WR_LIST_EACH(link, &sim.server.sessions)
        {
                const struct wr_session *session = WR_LIST_OWNER(link, struct wr_session, link);
                struct account_sum *sum = sum_of(session->account);

                sum->references++;
                sum->held[WR_QUOTA_ALLOCATED_BYTES] += HOLD_BYTES * charged(&session->holds);
                sum->held[WR_QUOTA_CONNECTIONS] += !session->is_away;
                sum->away += session->is_away;
                WR_LIST_EACH(each, &session->publications)
                {
                        const struct wr_publication *publication =
                                WR_LIST_OWNER(each, struct wr_publication, session_link);

                        sum->held[WR_QUOTA_LANES] += publication->is_lane_charged;
                        sum->held[WR_QUOTA_RESERVE_BYTES] += publication->geometry.segment_bytes;
                }
        }
        WR_LIST_EACH(link, &sim.server.registry.subscriptions)
        {
                const struct wr_subscription *subscription = WR_LIST_OWNER(link, struct wr_subscription, link);
                struct account_sum *sum = sum_of(subscription->session->account);

                sum->held[WR_QUOTA_SUBSCRIPTIONS] += subscription->charged;
                sum->held[WR_QUOTA_ALLOCATED_BYTES] += HOLD_BYTES * charged(&subscription->holds);
                WR_LIST_EACH(each, &subscription->pairings)
                {
                        sum->held[WR_QUOTA_ALLOCATED_BYTES] +=
                                WR_LIST_OWNER(each, struct wr_pairing, subscription_link)->page_bytes;
                }
        }
}

static void
check_quotas(void)
{
        const struct wr_accounts *accounts = &sim.server.accounts;
        uint64_t all[WR_QUOTAS] = { 0 };

        sums_make();
        WR_LIST_EACH(link, &accounts->list)
        {
                const struct wr_account *account = WR_LIST_OWNER(link, struct wr_account, link);
                const struct account_sum *sum = sum_of(account);

                if (account->references != sum->references)
                        sim_fail("quota: %s has %llu references and %llu sessions", account->key,
                                 (unsigned long long)account->references, (unsigned long long)sum->references);
                if (account->away != sum->away || account->away > accounts->limits->of[WR_QUOTA_CONNECTIONS])
                        sim_fail("bounds: %s has %llu connections that are away, %llu are counted, and %llu may be",
                                 account->key, (unsigned long long)sum->away, (unsigned long long)account->away,
                                 (unsigned long long)accounts->limits->of[WR_QUOTA_CONNECTIONS]);
                for (enum wr_quota i = 0; i < WR_QUOTAS; i++) {
                        if (account->held[i] != sum->held[i])
                                sim_fail("quota: %s is charged %llu of %s and has %llu", account->key,
                                         (unsigned long long)account->held[i], wr_quota_name(i),
                                         (unsigned long long)sum->held[i]);
                        if (sim.plan.reloads == 0 && account->held[i] > accounts->limits->of[i])
                                sim_fail("quota: %s holds %llu of %llu %s", account->key,
                                         (unsigned long long)account->held[i],
                                         (unsigned long long)accounts->limits->of[i], wr_quota_name(i));
                        all[i] += account->held[i];
                }
        }
        for (enum wr_quota i = 0; i < WR_QUOTAS; i++)
                if (accounts->held[i] != all[i])
                        sim_fail("quota: all together are charged %llu of %s and have %llu",
                                 (unsigned long long)accounts->held[i], wr_quota_name(i), (unsigned long long)all[i]);
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static void
check_topics(void)
{
        const struct wr_registry *registry = &sim.server.registry;
        unsigned publications = 0, pairs = 0;

        WR_LIST_EACH(link, &registry->topics)
        {
                const struct wr_topic *topic = WR_LIST_OWNER(link, struct wr_topic, link);

                if (length(&topic->publications) != topic->publication_count ||
                    length(&topic->subscriptions) != topic->subscription_count)
                        sim_fail("books: '%s' counts other endpoints than it has", topic->name);
                if (topic->publication_count + topic->retired_count + topic->subscription_count == 0)
                        sim_fail("books: '%s' is there and nobody is on it", topic->name);
                if (wr_registry_topic(registry, topic->name) != topic)
                        sim_fail("books: '%s' is not found by its name", topic->name);
        }
        WR_LIST_EACH(link, &sim.server.sessions)
        {
                WR_LIST_EACH(each, &WR_LIST_OWNER(link, struct wr_session, link)->publications)
                {
                        publications++;
                        pairs += WR_LIST_OWNER(each, struct wr_publication, session_link)->pairing_count;
                }
        }
        if (registry->topics_by_name.count != length(&registry->topics) ||
            registry->publications_by_lane.count != publications || registry->pairings_by_id.count != pairs ||
            registry->subscriptions_by_id.count != length(&registry->subscriptions))
                sim_fail("books: a table counts what no list has");
}

static unsigned
check_sessions(void)
{
        unsigned descriptors = 0;

        WR_LIST_EACH(link, &sim.server.sessions)
        {
                descriptors += check_session(WR_LIST_OWNER(link, struct wr_session, link));
        }
        if (length(&sim.server.sessions) != sim.server.session_count)
                sim_fail("books: %u sessions are counted, there are %u", sim.server.session_count,
                         length(&sim.server.sessions));
        return descriptors;
}

static void
check_descriptors(unsigned expected)
{
        expected += BASE_DESCRIPTORS + sim.server.listener_count;
        WR_LIST_EACH(link, &sim.server.listeners)
        {
                expected += WR_LIST_OWNER(link, struct wr_listener, link)->claim.lock != WR_NO_OBJECT;
        }
        for (int i = 0; i < WR_SERVER_SPARE_DESCRIPTORS; i++)
                expected += sim.server.spares[i] != WR_NO_OBJECT;
        if (sim_objects_open() != expected)
                sim_fail("leak: the broker has %u descriptors open, and %u are known to anybody", sim_objects_open(),
                         expected);
}

static void
check_books(void)
{
        const struct wr_registry *registry = &sim.server.registry;
        unsigned descriptors = check_sessions();
        size_t most = BASE_BYTES + sim.server.session_count * (size_t)(WR_QUEUE_BYTES_MAX + SESSION_BYTES);

        WR_LIST_EACH(link, &sim.server.sessions)
        {
                WR_LIST_EACH(each, &WR_LIST_OWNER(link, struct wr_session, link)->publications)
                {
                        descriptors += check_publication(WR_LIST_OWNER(each, struct wr_publication, session_link));
                        most += 2048;
                }
        }
        WR_LIST_EACH(link, &registry->subscriptions)
        {
                const struct wr_subscription *subscription = WR_LIST_OWNER(link, struct wr_subscription, link);

                check_subscription(subscription);
                most += 2048 + subscription->pairing_count * 1024;
        }
        check_descriptors(descriptors);
        check_topics();
        check_quotas();
        if (sim_memory_bytes() > most)
                sim_fail("bounds: the broker holds %zu bytes, there is use for %zu", sim_memory_bytes(), most);
}

void
sim_check_empty(void)
{
        if (sim.server.session_count != 0 || sim.server.registry.topics_by_name.count != 0)
                sim_fail("leak: everybody left, and the broker has %u sessions and %zu topics",
                         sim.server.session_count, sim.server.registry.topics_by_name.count);
        for (int i = 0; i < WR_QUOTAS; i++)
                if (sim.server.accounts.held[i] != 0)
                        sim_fail("quota: everybody left, and %llu of %s are held",
                                 (unsigned long long)sim.server.accounts.held[i], wr_quota_name(i));
}

void
sim_check_closed(const char *when)
{
        if (sim_objects_open() != 0)
                sim_fail("leak: %s leaves %u descriptors open", when, sim_objects_open());
        if (sim_memory_bytes() != 0)
                sim_fail("leak: %s leaves %zu bytes allocated", when, sim_memory_bytes());
}

static void
phase_go_on(void)
{
        if (sim.phase == SIM_CALM && sim.now_ns >= sim.phase_ns) {
                ledger_check_together();
                sim_trace("---- everybody leaves");
                sim.phase = SIM_LEAVING;
                sim.phase_ns = sim.now_ns + LEAVE_SECONDS * SIM_SECOND;
                sim_clients_leave();
        } else if (sim.phase == SIM_LEAVING && sim.now_ns >= sim.phase_ns) {
                sim_check_empty();
                sim.phase = SIM_OVER;
                sim.wants_stop = true;
        }
}

void
sim_check_turn(int64_t timeout_ns)
{
        if (sim.idle_turns > IDLE_TURNS_MAX)
                sim_fail("spin: the broker woke %d times in a row and did nothing", IDLE_TURNS_MAX);
        check_books();
        ledger_settle(timeout_ns);
        phase_go_on();
}
