/*
 * Actors as coroutines. Each has a stack for the life of the process; an execution that is given up half-way is simply
 * left, and the next one begins again at the foot of the stack (base). _setjmp makes no system call, swapcontext
 * makes two.
 */
#include "tests/model/explorer.h"

#undef memcpy /* the kernel looks at memory itself */

#include <ucontext.h>

static volatile int preparing;

static void
trampoline(void)
{
        if (_setjmp(explorer.actors[preparing].base) == 0)
                _longjmp(explorer.main, 1);
        explorer.model->actors[explorer.current].run();
        explorer.actors[explorer.current].status = STATUS_DONE;
        explorer.changes++; /* who waits for it looks again */
        trace_step(STEP_DONE, NULL, 0, NULL);
        explorer_schedule(true);
        abort();
}

void
actor_prepare(void)
{
        static uint8_t stacks[EXPLORE_ACTORS_MAX][STACK_BYTES] __attribute__((aligned(64)));
        static ucontext_t contexts[EXPLORE_ACTORS_MAX];

        for (preparing = 0; preparing < EXPLORE_ACTORS_MAX; preparing++) {
                ucontext_t *context = &contexts[preparing];

                getcontext(context);
                context->uc_stack.ss_sp = stacks[preparing];
                context->uc_stack.ss_size = STACK_BYTES;
                makecontext(context, trampoline, 0);
                if (_setjmp(explorer.main) == 0)
                        setcontext(context);
        }
}

void
actor_switch(int to, jmp_buf *here)
{
        struct actor *actor = &explorer.actors[to];

        if (here != NULL && _setjmp(*here) != 0)
                return;
        explorer.current = to;
        if (actor->started)
                _longjmp(actor->here, 1);
        actor->started = true;
        _longjmp(actor->base, 1);
}

void
explore_sleep(const void *word, uint32_t value)
{
        struct actor *actor = &explorer.actors[explorer.current];
        uint32_t now;

        explorer_schedule(false);
        machine_drain(actor); /* the system call is a full fence */
        machine_forget_stale(actor);
        memcpy(&now, word, sizeof now);
        actor->history = machine_mix(actor->history, (uint64_t)now << 32 | value);
        trace_step(STEP_SLEEP, word, now, now == value ? "sleeps" : "has changed");
        if (now != value)
                return;
        actor->status = STATUS_SLEEPS;
        actor->word = word;
        explorer_schedule(true);
        trace_step(STEP_WOKEN, word, 0, NULL);
}

void
explore_raise(const void *word)
{
        struct actor *actor = &explorer.actors[explorer.current];

        explorer_schedule(false);
        machine_drain(actor);
        machine_forget_stale(actor);
        actor->history = machine_mix(actor->history, UINT64_C(1) << 43);
        trace_step(STEP_RAISE, word, 0, NULL);
        for (int i = 0; i < explorer.actor_count; i++)
                if (explorer.actors[i].status == STATUS_SLEEPS && explorer.actors[i].word == word)
                        explorer.actors[i].status = STATUS_READY;
}

void
machine_pause(void)
{
        struct actor *actor = &explorer.actors[explorer.current];

        /* It waits for a change, or has just read what is old: that does not stay for ever. */
        machine_forget_stale(actor);
        actor->paused_at = explorer.changes - (actor->read_old ? 1 : 0);
        actor->read_old = false;
        actor->history = machine_mix(actor->history, UINT64_C(1) << 44);
        actor->status = STATUS_PAUSED;
        trace_step(STEP_PAUSE, NULL, 0, NULL);
        explorer_schedule(true);
}

void
explore_settle(uint64_t place)
{
        explorer.actors[explorer.current].history = machine_mix(UINT64_C(1) << 45, place);
}

bool
explore_sleeps(const char *name)
{
        for (int i = 0; i < explorer.actor_count; i++)
                if (strcmp(explorer.model->actors[i].name, name) == 0)
                        return explorer.actors[i].status == STATUS_SLEEPS;
        abort();
}
