/*
 * The broker's wait. Nothing ready: the world goes on until something is, or until the time is over. What is ready is
 * given out in an order that the dice choose, and not all of it at once: the rest is still ready in the next turn.
 */
#include "broker/loop.h"

#include "tests/simulation/ledger.h"

#include <string.h>

enum { HOOKS_MAX = 512, BATCH_MAX = 16, ACTS_MAX = 64 };

struct wr_loop {
        wr_object number;
        struct wr_hook *hooks[HOOKS_MAX];
        unsigned count;
        struct {
                struct wr_hook *hook; /* NULL: removed meanwhile */
                unsigned ready;
        } batch[BATCH_MAX];
        unsigned batched;
};

static struct wr_loop the_loop;

void
sim_loop_clear(void)
{
        the_loop = (struct wr_loop){ .number = WR_NO_OBJECT };
}

bool
sim_loop_has(wr_object number)
{
        for (unsigned i = 0; i < the_loop.count; i++)
                if (the_loop.hooks[i]->object == number)
                        return true;
        return false;
}

enum weir_result
wr_loop_open(struct wr_loop **loop)
{
        enum weir_result result;

        sim_seam();
        sim_loop_clear();
        result = sim_object_open(sim_object_new(SIM_LOOP), &the_loop.number);
        if (result == WEIR_OK)
                *loop = &the_loop;
        return result;
}

void
wr_loop_close(struct wr_loop *loop)
{
        if (!loop)
                return;
        if (loop->count > 0)
                sim_fail("the loop is closed with %u hooks in it", loop->count);
        wr_object_close(loop->number);
}

enum weir_result
wr_loop_add(struct wr_loop *loop, struct wr_hook *hook, unsigned wanted)
{
        sim_seam();
        sim_object_any(hook->object);
        if (sim_loop_has(hook->object))
                sim_fail("descriptor %d is hooked twice", hook->object);
        if (loop->count == HOOKS_MAX || sim_one_in(sim.plan.memory_odds))
                return WEIR_E_QUOTA;
        hook->wanted = wanted;
        loop->hooks[loop->count++] = hook;
        return WEIR_OK;
}

enum weir_result
wr_loop_change(struct wr_loop *loop, struct wr_hook *hook, unsigned wanted)
{
        (void)loop;
        sim_seam();
        if (!sim_loop_has(hook->object))
                sim_fail("descriptor %d is waited for differently and is not hooked", hook->object);
        hook->wanted = wanted;
        return WEIR_OK;
}

void
wr_loop_remove(struct wr_loop *loop, struct wr_hook *hook)
{
        sim_seam();
        for (unsigned i = 0; i < loop->count; i++)
                if (loop->hooks[i] == hook)
                        loop->hooks[i--] = loop->hooks[--loop->count];
        for (unsigned i = 0; i < loop->batched; i++)
                if (loop->batch[i].hook == hook)
                        loop->batch[i].hook = NULL;
}

enum weir_result
wr_loop_catch_signals(struct wr_loop *loop)
{
        (void)loop;
        return WEIR_OK;
}

bool
wr_loop_stopping(const struct wr_loop *loop)
{
        (void)loop;
        return sim.wants_stop;
}

bool
wr_loop_hung_up(struct wr_loop *loop)
{
        bool hung_up = sim.wants_reload;

        (void)loop;
        sim.wants_reload = false;
        return hung_up;
}

static unsigned
ready_of(const struct wr_hook *hook)
{
        const struct sim_object *object = sim_object_any(hook->object);

        switch (object->kind) {
        case SIM_SOCKET: return sim_socket_ready(object->line) & (hook->wanted | WR_READY_HANGUP);
        case SIM_LISTENER: return sim_listener_ready(object) ? hook->wanted & WR_READY_READ : 0;
        case SIM_PROCESS: return object->is_over ? hook->wanted & WR_READY_READ : 0;
        default: return 0;
        }
}

static void
batch_add(struct wr_loop *loop, struct wr_hook *hook, unsigned ready)
{
        unsigned at = loop->batched < BATCH_MAX ? loop->batched++ : (unsigned)sim_below(BATCH_MAX);

        loop->batch[at].hook = hook;
        loop->batch[at].ready = ready;
}

/* False: nothing is ready. */
static bool
gather(struct wr_loop *loop)
{
        unsigned few = sim_one_in(3) ? 1 + (unsigned)sim_below(3) : BATCH_MAX;

        loop->batched = 0;
        for (unsigned i = 0; i < loop->count; i++) {
                unsigned ready = ready_of(loop->hooks[i]);

                if (ready != 0)
                        batch_add(loop, loop->hooks[i], ready);
        }
        for (unsigned i = loop->batched; i > 1; i--) {
                unsigned other = (unsigned)sim_below(i);
                struct wr_hook *hook = loop->batch[other].hook;
                unsigned ready = loop->batch[other].ready;

                loop->batch[other] = loop->batch[i - 1];
                loop->batch[i - 1].hook = hook;
                loop->batch[i - 1].ready = ready;
        }
        if (loop->batched > few)
                loop->batched = few;
        return loop->batched > 0;
}

static void
pass(struct wr_loop *loop, int64_t until_ns)
{
        int64_t late_ns = sim_one_in(4) ? (int64_t)sim_below((uint64_t)sim.plan.late_ns) : 0;
        bool is_ready = gather(loop);
        bool is_spinning = is_ready;
        int64_t woken_ns = is_ready ? sim.now_ns : until_ns;

        for (int acts = 0; acts < ACTS_MAX;) {
                int64_t next_ns = sim_next_ns();

                /* It is woken, and others run until it gets the processor. */
                if (next_ns > woken_ns + late_ns)
                        break;
                if (next_ns > sim.now_ns)
                        sim.now_ns = next_ns;
                sim_act();
                if (sim.wants_stop || sim.wants_reload)
                        woken_ns = sim.now_ns;
                if (!is_ready && gather(loop)) {
                        is_ready = true;
                        woken_ns = sim.now_ns < until_ns ? sim.now_ns : until_ns;
                }
                acts += is_ready;
        }
        if (sim.now_ns < woken_ns)
                sim.now_ns = woken_ns;
        sim.idle_turns = is_spinning ? sim.idle_turns + 1 : 0; /* until something is said or heard */
}

enum weir_result
wr_loop_wait(struct wr_loop *loop, int64_t timeout_ns)
{
        int64_t until_ns = sim.now_ns + (timeout_ns > 0 ? (timeout_ns + SIM_MS - 1) / SIM_MS * SIM_MS : 0);

        sim_seam();
        sim.in_turn = false;
        sim_check_turn(timeout_ns);
        pass(loop, until_ns);
        gather(loop);
        sim.turns++;
        sim.in_turn = true;
        return WEIR_OK;
}

void
wr_loop_dispatch(struct wr_loop *loop)
{
        for (unsigned i = 0; i < loop->batched; i++) {
                struct wr_hook *hook = loop->batch[i].hook;

                if (!hook)
                        continue;
                hook->call(hook, loop->batch[i].ready);
                ledger_follow(); /* what was answered may wait, and what is there now may end before it goes */
        }
        loop->batched = 0;
}
