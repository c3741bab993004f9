/*
 * The agents that there are. One that has ended is joined at the next tick, or with all of them: so none is left behind
 * the server, and nobody waits for one that is at work.
 */
#include "broker/relay/relay.h"

#include "broker/relay/agent.h"
#include "clients/c/error.h"
#include "named-objects/sentence.h"

#include <stdlib.h>

struct pool {
        struct wr_relay_starter starter; /* first: the server knows the pool by it */
        wr_mutex lock;                   /* the list, and what agent.h says */
        struct wr_agent *agents;
};

/* The lock is held. */
static void
hang_up(struct wr_agent *agent)
{
        wr_store32_release(&agent->stopping, 1);
        if (agent->stream != WR_NO_OBJECT)
                wr_stream_hang_up(agent->stream);
}

/* Takes one off the list that has ended, or any. NULL: there is none. */
static struct wr_agent *
take_off(struct pool *pool, bool any)
{
        struct wr_agent **at = &pool->agents, *agent;

        wr_mutex_lock(&pool->lock);
        while (*at && !any && !wr_load32_acquire(&(*at)->has_ended))
                at = &(*at)->next;
        agent = *at;
        if (agent)
                *at = agent->next;
        wr_mutex_unlock(&pool->lock);
        return agent;
}

static void
join(struct pool *pool, bool any)
{
        struct wr_agent *agent;

        while ((agent = take_off(pool, any))) {
                wr_thread_join(agent->thread);
                free(agent);
        }
}

static enum weir_result
start(struct wr_relay_starter *starter, const struct wr_relay_order *order, char *sentence, size_t room)
{
        struct pool *pool = (struct pool *)(void *)starter;
        struct wr_agent *agent = calloc(1, sizeof *agent);

        join(pool, false);
        if (!agent) {
                wr_sentence(sentence, room, "the broker has no memory for a relay: close some endpoints");
                return WEIR_E_NO_MEMORY;
        }
        agent->lock = &pool->lock;
        agent->id = order->id;
        agent->stream = order->stream;
        agent->turn_ns = order->turn_ns;
        agent->request = order->request;
        wr_sentence(agent->key, sizeof agent->key, "%s", order->key);
        wr_sentence(agent->address, sizeof agent->address, "%s", order->address);
        wr_mutex_lock(&pool->lock);
        if (!wr_thread_start(&agent->thread, wr_agent_main, agent, 0)) {
                wr_mutex_unlock(&pool->lock);
                free(agent);
                wr_sentence(sentence, room, "the broker has no thread left for a relay: close some endpoints");
                return WEIR_E_NO_MEMORY;
        }
        agent->next = pool->agents;
        pool->agents = agent;
        wr_mutex_unlock(&pool->lock);
        return WEIR_OK;
}

static void
stop(struct wr_relay_starter *starter, uint64_t id)
{
        struct pool *pool = (struct pool *)(void *)starter;

        wr_mutex_lock(&pool->lock);
        for (struct wr_agent *agent = pool->agents; agent; agent = agent->next)
                if (agent->id == id)
                        hang_up(agent);
        wr_mutex_unlock(&pool->lock);
}

static void
reap(struct wr_relay_starter *starter)
{
        join((struct pool *)(void *)starter, false);
}

static void
stop_all(struct wr_relay_starter *starter)
{
        struct pool *pool = (struct pool *)(void *)starter;

        wr_mutex_lock(&pool->lock);
        for (struct wr_agent *agent = pool->agents; agent; agent = agent->next)
                hang_up(agent);
        wr_mutex_unlock(&pool->lock);
        join(pool, true);
}

struct wr_relay_starter *
wr_relay_open(void)
{
        struct pool *pool = calloc(1, sizeof *pool);

        if (!pool)
                return NULL;
        pool->starter = (struct wr_relay_starter){ start, stop, reap, stop_all };
        wr_mutex_init(&pool->lock);
        return &pool->starter;
}

void
wr_relay_close(struct wr_relay_starter *starter)
{
        struct pool *pool = (struct pool *)(void *)starter;

        if (!pool)
                return;
        stop_all(starter); /* where the server could not be opened */
        wr_mutex_destroy(&pool->lock);
        free(pool);
}

void
wr_relay_explain(const char *address, const char *reason)
{
        if (address[0])
                wr_error(WEIR_OK, "cannot embed a broker at '%s': %s", address, reason);
        else
                wr_error(WEIR_OK, "cannot embed a broker: %s", reason);
}
