/*
 * The search. An execution is the list of its decisions (who goes on, which value a load sees), each a number below a
 * count; it is run from the start every time, which costs less than saving and restoring stacks. Depth first: the last
 * decision that has another answer is changed and the execution runs again.
 *
 * A state that was met before with no more preemptions spent leads nowhere new: the execution is left there. A state
 * is the hash of memory, buffers, and for each actor all that it has read, from which follows where it is.
 */
#include "tests/model/explorer.h"

#undef malloc
#undef calloc
#undef free
#undef memset

#include <stdarg.h>
#include <stdio.h>

/* Written by plant.py into the source with the bug; a model without one has none of them. */
extern const char explore_twin_name[] __attribute__((weak));
extern const char explore_twin_finds[] __attribute__((weak));
extern const char explore_twin_broken[] __attribute__((weak));

enum { BOUND_MAX = 7 }; /* what the low bits of a state's key hold */

struct decision {
        uint16_t chosen, count;
};

struct explorer explorer;

static struct decision path[PATH_MAX_DECISIONS];
static int path_length, path_done;
static uint64_t *seen; /* open addressing; low three bits: preemptions spent */
static size_t seen_room, seen_count;
static uint64_t schedule_count;
static int more_preemptions; /* --more: a longer look than the tests have time for */

/* ---- states ---- */

static void
seen_clear(void)
{
        if (seen == NULL)
                seen_room = 1 << 16;
        else
                free(seen);
        seen = calloc(seen_room, sizeof *seen);
        seen_count = 0;
}

static uint64_t *
seen_place(uint64_t key)
{
        size_t at = (size_t)(key >> 3) * UINT64_C(0x9E3779B97F4A7C15) & (seen_room - 1);

        while (seen[at] != 0 && seen[at] >> 3 != key >> 3)
                at = (at + 1) & (seen_room - 1);
        return &seen[at];
}

static void
seen_grow(void)
{
        uint64_t *old = seen;
        size_t old_room = seen_room;

        seen_room *= 4;
        seen = calloc(seen_room, sizeof *seen);
        for (size_t i = 0; i < old_room; i++)
                if (old[i] != 0)
                        *seen_place(old[i]) = old[i];
        free(old);
}

/* True when there is nothing new behind this state. */
static bool
seen_before(uint64_t hash)
{
        uint64_t key = (hash | UINT64_C(1) << 63) & ~UINT64_C(7);
        uint64_t spent = (uint64_t)explorer.preemptions;
        uint64_t *place = seen_place(key);

        if (*place != 0 && (*place & 7) <= spent)
                return true;
        if (*place == 0 && ++seen_count * 2 > seen_room) {
                seen_grow();
                place = seen_place(key);
        }
        *place = key | spent;
        return false;
}

/* ---- decisions ---- */

unsigned
explorer_decide(unsigned count)
{
        struct decision *decision;

        if (count == 1)
                return 0;
        if (path_done == PATH_MAX_DECISIONS)
                explore_fail("an execution of more than %d decisions", PATH_MAX_DECISIONS);
        decision = &path[path_done++];
        if (path_done > path_length) {
                *decision = (struct decision){ 0, (uint16_t)count };
                path_length = path_done;
        } else if (decision->count != count) {
                fprintf(stderr, "the model is not repeatable: it has a variable outside explore_alloc\n");
                abort();
        }
        return decision->chosen;
}

unsigned
explore_choose(unsigned count)
{
        struct actor *actor = &explorer.actors[explorer.current];
        unsigned chosen;

        explorer_schedule(false); /* a state of its own, before the answer is part of it */
        chosen = explorer_decide(count);
        actor->history = machine_mix(actor->history, UINT64_C(1) << 46 | chosen);
        return chosen;
}

/* The next execution; false when all were run. */
static bool
backtrack(void)
{
        while (path_length > 0 && path[path_length - 1].chosen + 1 == path[path_length - 1].count)
                path_length--;
        if (path_length == 0)
                return false;
        path[path_length - 1].chosen++;
        return true;
}

static bool
can_run(const struct actor *actor)
{
        return actor->status == STATUS_READY ||
               (actor->status == STATUS_PAUSED && actor->paused_at != explorer.changes);
}

/* Nobody can go on: what is still on its way arrives, and wakes who waits for a change. */
static void
nobody_runs(void)
{
        bool any = false;

        for (int i = 0; i < explorer.actor_count; i++)
                any |= machine_drain(&explorer.actors[i]);
        for (int i = 0; i < explorer.actor_count; i++) {
                machine_forget_stale(&explorer.actors[i]);
                if (explorer.actors[i].status == STATUS_PAUSED && !any)
                        explore_fail("%s spins for ever", explorer.model->actors[i].name);
        }
        for (int i = 0; i < explorer.actor_count; i++)
                if (explorer.actors[i].status == STATUS_PAUSED)
                        return;
        _longjmp(explorer.main, OUTCOME_END);
}

void
explorer_schedule(bool stuck)
{
        int options[EXPLORE_ACTORS_MAX], current = explorer.current, next;
        unsigned count = 0;

        do {
                if (!stuck)
                        options[count++] = current;
                for (int i = 0; (stuck || explorer.preemptions < explorer.bound) && i < explorer.actor_count; i++)
                        if (i != current && can_run(&explorer.actors[i]))
                                options[count++] = i;
                if (stuck && current >= 0 && can_run(&explorer.actors[current]))
                        options[count++] = current;
                if (count == 0)
                        nobody_runs();
        } while (count == 0);
        if (path_done == path_length && (explorer.learned || seen_before(machine_hash())))
                _longjmp(explorer.main, OUTCOME_SEEN);
        next = options[explorer_decide(count)];
        explorer.actors[next].status = STATUS_READY;
        if (next == current)
                return;
        if (!stuck)
                explorer.preemptions++;
        actor_switch(next, current < 0 ? NULL : &explorer.actors[current].here);
}

void
explore_fail(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(explorer.failure, sizeof explorer.failure, format, arguments);
        va_end(arguments);
        _longjmp(explorer.main, OUTCOME_FAILED);
}

/* ---- executions ---- */

static enum outcome
run_once(void)
{
        volatile bool ended = false;
        enum outcome outcome = (enum outcome)_setjmp(explorer.main);

        if (outcome == OUTCOME_START) {
                machine_reset();
                trace_reset();
                path_done = explorer.preemptions = 0;
                explorer.current = -1;
                schedule_count++;
                explorer.model->setup();
                explorer_schedule(true);
        }
        if (outcome == OUTCOME_END && !ended) {
                ended = true;
                explorer.current = -1;
                explorer.model->end();
        }
        return outcome;
}

/* True when no schedule with up to `bound` preemptions breaks a rule. */
static bool
search(const struct explore_model *model, int bound)
{
        explorer.model = model;
        explorer.bound = bound;
        explorer.actor_count = 0;
        while (explorer.actor_count < EXPLORE_ACTORS_MAX && model->actors[explorer.actor_count].name != NULL)
                explorer.actor_count++;
        machine_unlearn();
        do {
                explorer.learned = false;
                path_length = 0;
                schedule_count = 0;
                seen_clear();
                do {
                        if (run_once() == OUTCOME_FAILED)
                                return false;
                } while (!explorer.learned && backtrack());
        } while (explorer.learned);
        return true;
}

static bool
holds(const struct explore_model *model)
{
        int bound = model->preemptions + more_preemptions;
        bool good = search(model, bound < BOUND_MAX ? bound : BOUND_MAX);

        printf("# %s: states %zu, schedules %llu, up to %d preemptions\n", model->name, seen_count,
               (unsigned long long)schedule_count, explorer.bound);
        if (model->finds != NULL)
                return !good && strstr(explorer.failure, model->finds) != NULL;
        if (!good) {
                printf("# %s: %s (schedule of %d steps)\n", model->name, explorer.failure, explorer.step_count);
                trace_print();
        }
        return good;
}

/* The bug must be found, with as few preemptions as it takes, by one of the models. */
static bool
twin_is_found(const struct explore_model *models, size_t count, bool show)
{
        char sentence[512];
        bool found = false;

        for (size_t at = 0; at < count * (BOUND_MAX + 1) && !found; at++) {
                const struct explore_model *model = &models[at % count];
                int bound = (int)(at / count);

                if (bound > model->preemptions || search(model, bound))
                        continue;
                snprintf(sentence, sizeof sentence, "%s: %s", model->name, explorer.failure);
                found = strstr(sentence, explore_twin_finds) != NULL;
                printf("# %s\n# states %zu, schedules %llu\n", sentence, seen_count,
                       (unsigned long long)schedule_count);
                if (show)
                        trace_print();
        }
        return found;
}

/* Prints the TAP line of the planted bug. */
static int
run_twin(const struct explore_model *models, size_t count, bool show)
{
        if (explore_twin_broken[0] != 0) {
                printf("not ok - twin \"%s\" is not planted: %s\n", explore_twin_name, explore_twin_broken);
                return 1;
        }
        if (!twin_is_found(models, count, show)) {
                printf("not ok - twin \"%s\" does not fail with: %s\n", explore_twin_name, explore_twin_finds);
                return 1;
        }
        printf("ok - twin \"%s\" fails: %s (schedule of %d steps, %d preemptions)\n", explore_twin_name,
               explorer.failure, explorer.step_count, explorer.preemptions);
        return 0;
}

int
explore_main(const struct explore_model *models, size_t count, int argc, char **argv)
{
        bool good = true, show = false;

        for (int i = 1; i < argc; i++) {
                show |= strcmp(argv[i], "--trace") == 0;
                explorer.tso |= strcmp(argv[i], "--tso") == 0;
                more_preemptions += strcmp(argv[i], "--more") == 0;
        }
        actor_prepare();
        if (explore_twin_name != NULL)
                return run_twin(models, count, show);
        for (size_t i = 0; i < count; i++) {
                bool held = holds(&models[i]);

                printf("%s - %s\n", held ? "ok" : "not ok", models[i].name);
                fflush(stdout);
                good = good && held;
        }
        return !good;
}
