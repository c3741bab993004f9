#include "tests/simulation/client.h"

#include "bus/layout.h"

#include <string.h>

struct sim_client sim_clients[SIM_CLIENTS_MAX];

bool
sim_client_has(const struct sim_client *client, enum sim_trait trait)
{
        return sim.phase == SIM_CHAOS && (client->traits & trait) != 0;
}

unsigned
sim_client_pid(const struct sim_line *line)
{
        return 100 + (unsigned)line->process->bytes; /* its number, kept where regions have their size */
}

int64_t
sim_client_think_ns(const struct sim_client *client)
{
        int64_t most_ns = sim_client_has(client, SIM_SLOW) ? 400 * SIM_MS : sim.plan.think_ns;

        if (sim.phase != SIM_CHAOS && most_ns > 5 * SIM_MS)
                most_ns = 5 * SIM_MS;
        return 1000 + (int64_t)sim_below((uint64_t)most_ns);
}

uint32_t
sim_client_request(struct sim_client *client)
{
        return ++client->requests;
}

/* ---- its process and connection ------------------------------------------------------------------------------- */

static void
born(struct sim_client *client)
{
        static unsigned count;

        if (sim.events == 0 && client->index == 0)
                count = 0;
        client->process = sim_object_new(SIM_PROCESS);
        client->process->bytes = count++;
        client->line = NULL;
}

static void
forget_connection(struct sim_client *client)
{
        if (client->held)
                sim_object_drop(client->held);
        client->held = NULL;
        client->is_welcome = client->is_deaf = false;
        client->letter_count = 0;
}

static void
forget_all(struct sim_client *client)
{
        forget_connection(client);
        client->is_coming_back = false;
        client->link_count = 0;
        memset(client->pubs, 0, sizeof(client->pubs));
        memset(client->subs, 0, sizeof(client->subs));
}

void
sim_client_hang_up(struct sim_client *client)
{
        if (client->line) {
                sim_trace("%u: hangs up", sim_client_pid(client->line));
                sim_line_hang_up(client->line);
        }
        client->line = NULL;
        forget_all(client);
        client->next_ns = sim.now_ns + sim_client_think_ns(client) * 4;
}

void
sim_client_lose_broker(struct sim_client *client)
{
        if (!sim.plan.has_rejoins || sim.phase == SIM_LEAVING || (client->traits & SIM_HOSTILE)) {
                sim_client_hang_up(client);
                return;
        }
        sim_line_hang_up(client->line);
        client->line = NULL;
        forget_connection(client);
        client->is_coming_back = true;
        client->next_ns = sim.now_ns + sim_client_think_ns(client);
        /* What was only asked for is not answered any more, and a successor that has not begun is abandoned. */
        for (unsigned i = 0; i < PUBS_MAX; i++) {
                client->pubs[i].successor = 0;
                if (client->pubs[i].stage != STAGE_OPEN)
                        client->pubs[i].stage = STAGE_NONE;
        }
        for (unsigned i = 0; i < SUBS_MAX; i++)
                if (client->subs[i].stage != STAGE_OPEN)
                        client->subs[i].stage = STAGE_NONE;
}

void
sim_client_die(struct sim_client *client)
{
        bool is_forked = client->line && sim_client_has(client, SIM_FORKS) && sim_one_in(2);

        if (client->line)
                sim_trace("%u: dies%s", sim_client_pid(client->line), is_forked ? ", a child keeps its socket" : "");
        client->process->is_over = true;
        if (is_forked) {
                client->line->client = NULL;
                client->line->is_innocent = false;
                client->line = NULL;
                forget_all(client);
        } else {
                sim_client_hang_up(client);
        }
        born(client);
        client->next_ns = sim.now_ns + 10 * sim_client_think_ns(client);
}

static void
connect(struct sim_client *client)
{
        struct wr_message hello = { .kind = WR_HELLO };
        unsigned listener = client->identity == 3 && sim_one_in(2) ? 1 + (unsigned)sim_below(2) : 0;

        client->next_ns = sim.now_ns + 2 * sim_client_think_ns(client);
        client->line = sim_line_connect(client, listener);
        if (!client->line)
                return; /* nobody is there: again later */
        client->line->process = client->process;
        client->line->identity = client->identity;
        client->line->is_innocent = (client->traits & SIM_HOSTILE) == 0;
        client->requests = 0;
        sim_trace("%u: connects to %s", sim_client_pid(client->line), sim_listener_path(listener));
        if (sim_client_has(client, SIM_SILENT) && sim_one_in(2))
                return;
        hello.request = sim_client_request(client);
        hello.hello.layout = WR_LAYOUT + (sim_client_has(client, SIM_GARBLES) && sim_one_in(8));
        snprintf(hello.hello.name, sizeof(hello.hello.name), "client %u", client->index);
        sim_client_write(client, &hello, sim_one_in(4) ? sim_client_think_ns(client) : 0);
}

/* ---- letters -------------------------------------------------------------------------------------------------- */

void
sim_client_write_bytes(struct sim_client *client, const void *bytes, size_t size, bool has_objects)
{
        struct client_letter *letter = &client->outbox[client->letter_count];

        if (client->letter_count == OUTBOX_MAX)
                return; /* it has written too much already */
        client->letter_count++;
        letter->due_ns = sim.now_ns;
        letter->size = size;
        letter->has_objects = has_objects;
        memcpy(letter->bytes, bytes, size);
}

void
sim_client_write(struct sim_client *client, const struct wr_message *message, int64_t after_ns)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = wr_message_encode(message, bytes);
        unsigned count = client->letter_count;

        sim_client_write_bytes(client, bytes, size, false);
        if (client->letter_count > count)
                client->outbox[count].due_ns += after_ns;
        if (client->next_ns > sim.now_ns + after_ns)
                client->next_ns = sim.now_ns + after_ns;
}

/* What is due, oldest first. False: the connection takes no more. */
static bool
post(struct sim_client *client)
{
        while (client->letter_count > 0) {
                unsigned first = 0;

                for (unsigned i = 1; i < client->letter_count; i++)
                        if (client->outbox[i].due_ns < client->outbox[first].due_ns)
                                first = i;
                if (client->outbox[first].due_ns > sim.now_ns)
                        return true;
                if (!sim_line_send(client->line, client->outbox[first].bytes, client->outbox[first].size,
                                   client->outbox[first].has_objects))
                        return false;
                client->letter_count--;
                memmove(&client->outbox[first], &client->outbox[first + 1],
                        (client->letter_count - first) * sizeof(client->outbox[0]));
        }
        return true;
}

/* ---- links ---------------------------------------------------------------------------------------------------- */

void
sim_client_forget_link(struct sim_client *client, uint64_t pair)
{
        for (unsigned i = 0; i < client->link_count; i++)
                if (client->links[i].pair == pair) {
                        client->links[i] = client->links[--client->link_count];
                        return;
                }
}

void
sim_client_release(struct sim_client *client, uint64_t subscription, int64_t after_ns)
{
        for (unsigned i = 0; i < client->link_count && subscription != 0;) {
                struct wr_message done = { .kind = WR_PAIR_DONE, .pair_done = { client->links[i].pair } };

                if (client->links[i].subscription != subscription) {
                        i++;
                        continue;
                }
                if (!sim_client_has(client, SIM_NO_DONE))
                        sim_client_write(client, &done, after_ns);
                client->links[i] = client->links[--client->link_count];
        }
}

/* ---- a turn of its own ---------------------------------------------------------------------------------------- */

static void
read_some(struct sim_client *client)
{
        unsigned most = 1 + (unsigned)sim_below(6);

        for (unsigned i = 0; i < most && client->line && !client->is_deaf; i++) {
                struct sim_packet *packet = sim_line_receive(client->line);

                if (!packet) {
                        if (!client->line->at_broker)
                                sim_client_lose_broker(client);
                        return;
                }
                sim_client_reply(client, packet);
                sim_packet_free(packet);
        }
}

static void
turn(struct sim_client *client)
{
        client->next_ns = sim.now_ns + sim_client_think_ns(client);
        if (!client->line) {
                if (sim.phase == SIM_LEAVING)
                        client->is_gone = true;
                else
                        connect(client);
                return;
        }
        if (sim_client_has(client, SIM_FREEZES) && sim_one_in(40)) {
                client->frozen_until_ns = sim.now_ns + (int64_t)sim_below(2 * SIM_SECOND);
                client->next_ns = client->frozen_until_ns;
                return;
        }
        if (sim_client_has(client, SIM_DEAF) && sim_one_in(30))
                client->is_deaf = true;
        read_some(client);
        if (!client->line)
                return;
        if (!client->is_deaf && !client->line->to_client.first && !client->line->at_broker) {
                sim_client_lose_broker(client);
                return;
        }
        if (sim_client_has(client, SIM_MORTAL) && sim_one_in(120)) {
                sim_client_die(client);
                return;
        }
        if (client->is_welcome && sim.phase == SIM_CHAOS && sim_one_in(sim.plan.patience)) {
                sim_trace("%u: loses patience", sim_client_pid(client->line));
                sim_client_lose_broker(client);
                return;
        }
        if (client->is_welcome)
                sim_client_wish(client);
        if (client->line && sim.phase == SIM_CHAOS)
                sim_client_mischief(client);
        if (client->line)
                post(client);
}

void
sim_clients_make(void)
{
        memset(sim_clients, 0, sizeof(sim_clients));
        for (unsigned i = 0; i < sim.plan.clients; i++) {
                struct sim_client *client = &sim_clients[i];

                client->index = i;
                client->identity = (unsigned)sim_below(SIM_IDENTITIES + 2) % SIM_IDENTITIES;
                for (unsigned trait = 1; trait <= SIM_FREEZES; trait <<= 1)
                        if ((sim.plan.traits_of_all & trait) && sim_one_in(sim.plan.traits_odds))
                                client->traits |= trait;
                born(client);
                client->next_ns = sim.now_ns + (int64_t)sim_below(300 * SIM_MS);
        }
}

static bool
is_calm(const struct sim_client *client)
{
        return sim.phase == SIM_CALM && client->late_wishes > 1;
}

int64_t
sim_clients_next_ns(void)
{
        int64_t next_ns = INT64_MAX;

        for (unsigned i = 0; i < sim.plan.clients; i++)
                if (!sim_clients[i].is_gone && sim_clients[i].next_ns < next_ns)
                        next_ns = sim_clients[i].next_ns;
        return next_ns;
}

void
sim_client_wake(struct sim_client *client)
{
        int64_t soon_ns = sim.now_ns + sim_client_think_ns(client);

        if (is_calm(client) && client->next_ns > soon_ns)
                client->next_ns = soon_ns;
}

static bool
is_idle(const struct sim_client *client)
{
        return is_calm(client) && client->line && !client->line->to_client.first && client->line->at_broker &&
               client->letter_count == 0;
}

void
sim_clients_act(void)
{
        struct sim_client *next = NULL;

        for (unsigned i = 0; i < sim.plan.clients; i++)
                if (!sim_clients[i].is_gone && (!next || sim_clients[i].next_ns < next->next_ns))
                        next = &sim_clients[i];
        if (!next)
                return;
        if (is_idle(next))
                next->next_ns = sim.now_ns + SIM_SECOND; /* or sim_client_wake */
        else
                turn(next);
}

void
sim_clients_calm(void)
{
        for (unsigned i = 0; i < sim.plan.clients; i++) {
                struct sim_client *client = &sim_clients[i];

                client->frozen_until_ns = 0;
                client->next_ns = sim.now_ns + (int64_t)sim_below(50 * SIM_MS);
                if (client->traits & SIM_HOSTILE)
                        sim_client_die(client);
                client->traits = 0;
        }
        for (unsigned i = 0; i < sim_line_count(); i++)
                if (!sim_line_at(i)->client && sim_line_at(i)->at_client)
                        sim_line_hang_up(sim_line_at(i)); /* of a child that kept it */
}

void
sim_clients_leave(void)
{
        for (unsigned i = 0; i < sim.plan.clients; i++) {
                struct sim_client *client = &sim_clients[i];
                struct wr_message bye = { .kind = WR_BYE };

                if (!client->line)
                        continue;
                client->letter_count = 0;
                if (sim_one_in(3)) {
                        sim_client_die(client);
                } else if (sim_one_in(2)) {
                        sim_client_hang_up(client);
                } else {
                        sim_client_write(client, &bye, 0);
                        post(client);
                        sim_client_hang_up(client);
                }
                client->is_gone = true;
        }
}
