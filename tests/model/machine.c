/*
 * The machine under the explorer. What a store does becomes visible later, what a load sees may be old:
 *
 *   store    goes into the actor's own buffer. It leaves when somebody else's load chooses to see it, at a full fence,
 *            or when nobody could go on otherwise. Stores to one word leave in order; a release store, and any store
 *            behind a release fence, leaves after all before it; others leave in any order.
 *   load     of the actor's own buffered store: that value. Else a choice: the word in memory; one of the stores that
 *            others still hold back (which leaves then, with all that must leave before it); or an older value that
 *            has been overwritten since this actor's last acquire.
 *   acquire  after it no load returns anything older than what was in memory then.
 *
 * Choosing at the load when a store left is complete: a store that leaves at any other moment is not to be told from
 * one that leaves just before it is first seen. For the same reason an actor is interrupted only before it loads a
 * word that others write and at fences, sleeps and wakes, never before a plain store.
 *
 * A barrier of the system reaches one process after the other; between them the others go on, its caller waits. That it
 * never falls among plain stores is complete, too: one before them leaves all open that it leaves, and more.
 *
 * Not modelled: a store that runs ahead of an earlier load of the same actor; memory that is neither a word of
 * bus/atomic.h nor shared (the private books of a process that two of its threads share under a latch) is plain.
 */
#include "tests/model/explorer.h"

#undef memcpy
#undef memset
#undef malloc
#undef calloc
#undef realloc
#undef free

#include <assert.h>
#include <stdio.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { WORDS = (EXPLORE_SHARED_BYTES + EXPLORE_PRIVATE_BYTES) / 8 };

/* One array, so that a word has one number: shared memory first, what is private to a process behind it. */
static _Alignas(4096) uint8_t world[EXPLORE_SHARED_BYTES + EXPLORE_PRIVATE_BYTES];
static size_t shared_used, private_used;
static uint8_t writers[WORDS], readers[WORDS]; /* bit per actor, learned in all executions so far */

uint64_t
machine_mix(uint64_t hash, uint64_t value)
{
        hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
        return hash ^ (hash >> 29);
}

static struct actor *
self(void)
{
        return &explorer.actors[explorer.current];
}

static bool
is_shared(const void *memory)
{
        return (const uint8_t *)memory >= world && (const uint8_t *)memory < world + EXPLORE_SHARED_BYTES;
}

static size_t
word_number(const void *at)
{
        size_t offset = (size_t)((const uint8_t *)at - world);

        if ((const uint8_t *)at < world || offset >= sizeof world) {
                fprintf(stderr, "a shared word at %p lies outside the model's memory\n", at);
                abort();
        }
        return offset / 8;
}

static uint64_t
peek(const void *at, size_t size)
{
        uint64_t value = 0;

        memcpy(&value, at, size);
        return value;
}

/* ---- what is known of words: who reads and who writes them ---- */

static bool
others_write(const void *at)
{
        return (writers[word_number(at)] & ~(1u << explorer.current)) != 0;
}

static void
learn(uint8_t *mine, const uint8_t *theirs, const void *at)
{
        size_t number = word_number(at);
        uint8_t bit = (uint8_t)(1u << explorer.current);

        if ((mine[number] & bit) != 0)
                return;
        mine[number] |= bit;
        if ((theirs[number] & ~bit) != 0)
                explorer.learned = true;
}

/* ---- memory ---- */

static void
commit(uint8_t *at, size_t size, uint64_t value)
{
        size_t number = word_number(at);
        uint8_t *word = world + number * 8;
        uint64_t before = peek(word, 8), old = peek(at, size);

        if (old == value)
                return;
        memcpy(at, &value, size);
        if (is_shared(at))
                explorer.shared_hash ^= machine_mix(number + 1, before) ^ machine_mix(number + 1, peek(word, 8));
}

/* The others may go on reading the old value for a while. */
static void
remember_stale(int writer, const uint8_t *at, size_t size)
{
        if (explorer.tso || explorer.model->fresh_loads)
                return;
        for (int i = 0; i < explorer.actor_count; i++) {
                struct actor *actor = &explorer.actors[i];
                int place = actor->stale_count;

                if (i == writer || (readers[word_number(at)] & (1u << i)) == 0)
                        continue;
                if (actor->stale_count == STALE_MAX)
                        machine_forget_stale(actor), place = 0;
                while (place > 0 && actor->stale[place - 1].at > at) {
                        actor->stale[place] = actor->stale[place - 1];
                        place--;
                }
                actor->stale[place] = (struct stale){ at, peek(at, size), (uint32_t)size };
                actor->stale_count++;
        }
}

void
machine_forget_stale(struct actor *actor)
{
        actor->read_old |= actor->stale_count > 0; /* it may have read them, and what came since is still to be read */
        actor->stale_count = 0;
}

static void
leave_buffer(struct actor *actor, const struct pending *store)
{
        int writer = (int)(actor - explorer.actors);

        if (peek(store->at, store->size) != store->value)
                remember_stale(writer, store->at, store->size);
        commit(store->at, store->size, store->value);
        explorer.changes++;
}

/* Lets out the store at `last` and all that must be seen before it. */
static void
drain_to(struct actor *actor, int last)
{
        bool leaves[BUFFER_MAX] = { false };
        int kept = 0;

        leaves[last] = true;
        for (int i = last - 1; i >= 0; i--)
                for (int j = i + 1; j <= last && !leaves[i]; j++)
                        leaves[i] = leaves[j] && (explorer.tso || actor->buffer[j].release ||
                                                  actor->buffer[i].at == actor->buffer[j].at ||
                                                  actor->buffer[i].epoch < actor->buffer[j].epoch);
        for (int i = 0; i < actor->buffer_count; i++) {
                if (i <= last && leaves[i])
                        leave_buffer(actor, &actor->buffer[i]);
                else
                        actor->buffer[kept++] = actor->buffer[i];
        }
        actor->buffer_count = kept;
}

bool
machine_drain(struct actor *actor)
{
        bool any = actor->buffer_count > 0;

        for (int i = 0; i < actor->buffer_count; i++)
                leave_buffer(actor, &actor->buffer[i]);
        actor->buffer_count = 0;
        actor->epoch = 0;
        return any;
}

/* ---- loads ---- */

static const struct pending *
own_store(const struct actor *actor, const void *at, size_t size)
{
        for (int i = actor->buffer_count - 1; i >= 0; i--)
                if (actor->buffer[i].at == at) {
                        assert(actor->buffer[i].size == size);
                        return &actor->buffer[i];
                }
        return NULL;
}

/* Old values up to and with `last` of the word can no longer be read. */
static void
drop_stale(struct actor *actor, const void *at, int last)
{
        int kept = 0;

        for (int i = 0; i < actor->stale_count; i++)
                if (actor->stale[i].at != at || i > last)
                        actor->stale[kept++] = actor->stale[i];
        actor->stale_count = kept;
}

/* Chooses which of the values that are to be had the load returns. */
static uint64_t
choose_value(struct actor *actor, const void *at, size_t size, bool fresh, enum step_kind *kind)
{
        struct {
                struct actor *holder;
                int place;
        } options[1 + 2 * BUFFER_MAX + STALE_MAX] = { { NULL, 0 } };
        unsigned count = 1, pick;

        for (int i = 0; i < explorer.actor_count; i++)
                for (int j = 0; i != explorer.current && j < explorer.actors[i].buffer_count; j++)
                        if (explorer.actors[i].buffer[j].at == at)
                                options[count].holder = &explorer.actors[i], options[count++].place = j;
        for (int i = 0; !fresh && i < actor->stale_count; i++)
                if (actor->stale[i].at == at)
                        options[count].holder = actor, options[count++].place = i;
        pick = explorer_decide(count);
        if (options[pick].holder == actor) {
                struct stale old = actor->stale[options[pick].place];

                assert(old.size == size);
                drop_stale(actor, at, options[pick].place - 1);
                *kind = STEP_STALE;
                actor->read_old = true;
                return old.value;
        }
        if (options[pick].holder != NULL)
                drain_to(options[pick].holder, options[pick].place);
        drop_stale(actor, at, STALE_MAX);
        return peek(at, size);
}

uint64_t
machine_load(const void *word, size_t size, bool acquire)
{
        struct actor *actor;
        const struct pending *own;
        enum step_kind kind = STEP_LOAD;
        uint64_t value;

        word_number(word);
        if (explorer.current < 0)
                return peek(word, size);
        actor = self();
        learn(readers, writers, word);
        own = own_store(actor, word, size);
        if (own == NULL && others_write(word))
                explorer_schedule(false);
        value = own != NULL ? own->value : choose_value(actor, word, size, false, &kind);
        if (acquire)
                machine_forget_stale(actor);
        actor->history = machine_mix(machine_mix(actor->history, word_number(word)), value);
        trace_step(kind, word, value, acquire ? "acquire" : NULL);
        return value;
}

/* ---- stores ---- */

void
machine_store(void *word, size_t size, uint64_t value, bool release)
{
        struct actor *actor;

        word_number(word);
        if (explorer.current < 0) {
                commit(word, size, value);
                return;
        }
        actor = self();
        learn(writers, readers, word);
        if (actor->buffer_count == BUFFER_MAX)
                drain_to(actor, 0);
        actor->buffer[actor->buffer_count++] = (struct pending){
                .at = word, .value = value, .size = (uint32_t)size, .epoch = actor->epoch, .release = release
        };
        actor->history = machine_mix(actor->history, word_number(word) ^ UINT64_C(1) << 40);
        explorer.changes++;
        trace_step(release ? STEP_RELEASE : STEP_STORE, word, value, NULL);
}

static uint64_t
changed(enum machine_change how, uint64_t before, uint64_t expected, uint64_t value)
{
        switch (how) {
        case MACHINE_ADD: return before + value;
        case MACHINE_PUT: return value;
        case MACHINE_SWAP: return before == expected ? value : before;
        }
        return before;
}

uint64_t
machine_change(void *word, size_t size, enum machine_change how, uint64_t expected, uint64_t value)
{
        enum step_kind kind = STEP_CHANGE;
        struct actor *actor;
        uint64_t before;

        if (explorer.current < 0) {
                before = peek(word, size);
                commit(word, size, changed(how, before, expected, value));
                return before;
        }
        actor = self();
        learn(readers, writers, word);
        learn(writers, readers, word);
        explorer_schedule(false);
        machine_drain(actor);
        machine_forget_stale(actor);
        before = choose_value(actor, word, size, true, &kind);
        value = changed(how, before, expected, value);
        remember_stale(explorer.current, word, size);
        commit(word, size, value);
        explorer.changes++;
        actor->history = machine_mix(machine_mix(actor->history, word_number(word)), before);
        trace_step(kind, word, value, NULL);
        return before;
}

/* ---- fences ---- */

void
machine_fence(enum machine_fence kind)
{
        struct actor *actor;

        if (explorer.current < 0)
                return;
        actor = self();
        if (kind == MACHINE_FENCE_FULL) {
                if (actor->buffer_count > 0)
                        explorer_schedule(false);
                machine_drain(actor);
        }
        if (kind != MACHINE_FENCE_RELEASE)
                machine_forget_stale(actor);
        else if (actor->buffer_count > 0)
                actor->epoch++;
        actor->history = machine_mix(actor->history, UINT64_C(1) << 41 | kind);
        trace_step(STEP_FENCE, NULL, kind, NULL);
}

static bool
same_process(int actor)
{
        return explorer.model->actors[actor].process == explorer.model->actors[explorer.current].process;
}

void
machine_barrier(void)
{
        if (explorer.current < 0)
                return;
        explorer_schedule(false);
        for (int i = 0; i < explorer.actor_count; i++)
                if (same_process(i))
                        machine_drain(&explorer.actors[i]);
        for (int i = 0; i < explorer.actor_count; i++)
                if (same_process(i))
                        machine_forget_stale(&explorer.actors[i]);
        self()->history = machine_mix(self()->history, UINT64_C(1) << 42);
        trace_step(STEP_BARRIER, NULL, 0, NULL);
}

void
explore_register(int process)
{
        explorer.registered |= 1u << process;
}

void
explore_as(int process)
{
        explorer.alone = process;
}

static bool
is_registered(int process)
{
        return (explorer.registered & 1u << process) != 0;
}

bool
machine_registered(void)
{
        return is_registered(explorer.current < 0 ? explorer.alone : explorer.model->actors[explorer.current].process);
}

/* The system call is a full fence of the caller at its begin and its end. */
void
machine_barrier_system(void)
{
        bool first = true;

        explore_check(machine_registered(), "a process that has no barrier of the system asks for it");
        if (explorer.current < 0)
                return;
        explorer_schedule(false);
        machine_drain(self());
        for (int i = 0; i < explorer.actor_count; i++) {
                const struct explore_actor *other = &explorer.model->actors[i];

                if (i == explorer.current || !is_registered(other->process))
                        continue;
                if (!first)
                        explorer_schedule(false);
                first = false;
                machine_drain(&explorer.actors[i]);
                machine_forget_stale(&explorer.actors[i]);
                self()->history = machine_mix(self()->history, UINT64_C(1) << 46 | (unsigned)i);
                trace_step(STEP_REACHED, NULL, 0, other->name);
        }
        machine_forget_stale(self());
        self()->history = machine_mix(self()->history, UINT64_C(1) << 47);
        trace_step(STEP_FENCE, NULL, MACHINE_FENCE_FULL, NULL);
}

/* ---- blocks of memory ---- */

void *
machine_copy(void *to, const void *from, size_t bytes)
{
        if (explorer.current < 0 || (!is_shared(to) && !is_shared(from)))
                return memmove(to, from, bytes);
        assert((uintptr_t)to % 8 == 0 || !is_shared(to));
        for (size_t done = 0; done < bytes; done += 8) {
                size_t size = bytes - done < 8 ? bytes - done : 8;
                uint64_t value = is_shared(from) ? machine_load((const uint8_t *)from + done, size, false)
                                                 : peek((const uint8_t *)from + done, size);

                if (is_shared(to))
                        machine_store((uint8_t *)to + done, size, value, false);
                else
                        memcpy((uint8_t *)to + done, &value, size);
        }
        return to;
}

void *
machine_fill(void *to, int byte, size_t bytes)
{
        uint64_t value;

        if (explorer.current < 0 || !is_shared(to))
                return memset(to, byte, bytes);
        memset(&value, byte, 8);
        for (size_t done = 0; done < bytes; done += 8)
                machine_store((uint8_t *)to + done, bytes - done < 8 ? bytes - done : 8, value, false);
        return to;
}

void *
explore_shared(size_t bytes, size_t align)
{
        size_t from = (shared_used + align - 1) / align * align;

        shared_used = from + (bytes + 7) / 8 * 8;
        if (shared_used > EXPLORE_SHARED_BYTES)
                abort();
        return world + from;
}

void *
explore_alloc(size_t bytes)
{
        void *memory = world + EXPLORE_SHARED_BYTES + private_used;

        private_used += (bytes + 63) / 64 * 64;
        if (private_used > EXPLORE_PRIVATE_BYTES)
                abort();
        return memory;
}

/* ---- the whole ---- */

void
machine_reset(void)
{
        memset(world, 0, shared_used);
        memset(world + EXPLORE_SHARED_BYTES, 0, private_used);
        shared_used = private_used = 0;
        explorer.shared_hash = explorer.changes = 0;
        explorer.alone = 0;
        explorer.registered = 0;
        for (int i = 0; i < EXPLORE_ACTORS_MAX; i++) {
                struct actor *actor = &explorer.actors[i];

                actor->status = STATUS_READY;
                actor->started = actor->read_old = false;
                actor->buffer_count = actor->stale_count = 0;
                actor->history = 0;
                actor->epoch = 0;
        }
}

void
machine_unlearn(void)
{
        memset(writers, 0, sizeof writers);
        memset(readers, 0, sizeof readers);
}

static uint64_t
hash_actor(const struct actor *actor)
{
        uint64_t hash =
                machine_mix(actor->history, (uint64_t)actor->status << 8 | actor->started << 1 | actor->read_old);

        if (actor->status == STATUS_SLEEPS)
                hash = machine_mix(hash, (uintptr_t)actor->word);
        if (actor->status == STATUS_PAUSED)
                hash = machine_mix(hash, actor->paused_at == explorer.changes);
        for (int i = 0; i < actor->buffer_count; i++) {
                const struct pending *store = &actor->buffer[i];

                hash = machine_mix(machine_mix(hash, (uintptr_t)store->at), store->value);
                hash = machine_mix(hash, (uint64_t)(actor->epoch - store->epoch) << 1 | store->release);
        }
        hash = machine_mix(hash, 77);
        for (int i = 0; i < actor->stale_count; i++)
                hash = machine_mix(machine_mix(hash, (uintptr_t)actor->stale[i].at), actor->stale[i].value);
        return hash;
}

/* Of all that decides what can still happen. */
uint64_t
machine_hash(void)
{
        uint64_t hash = XXH3_64bits(world + EXPLORE_SHARED_BYTES, private_used) ^ explorer.shared_hash;

        for (int i = 0; i < explorer.actor_count; i++)
                hash = machine_mix(hash, hash_actor(&explorer.actors[i]));
        return machine_mix(hash, (uint64_t)explorer.current + 2);
}
