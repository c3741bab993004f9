/*
 * The explorer: runs a few actors over the real sources of bus/ under every schedule within a bound on preemptions,
 * on a machine whose memory is as weak as C11 lets it be (machine.c), and reports the first schedule that breaks a
 * rule, step by step.
 *
 *   explore.c   the search: decisions, replay from the start, states already seen
 *   machine.c   shared memory, store buffers, stale loads; what bus/atomic.h becomes
 *   actor.c     coroutines, sleep and wake
 *   trace.c     names of words, the schedule as text
 *   stand_in.c  malloc, the block heap, the hash and the barrier of the system
 *
 * A model gives setup() (runs alone, before each execution), its actors, and end() (runs alone, when each actor has
 * finished or sleeps for good). Everything that an actor keeps across steps lies on its stack or in memory from
 * explore_alloc, which is fresh and zero in each execution; a model has no other variables.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        EXPLORE_ACTORS_MAX = 3,
        EXPLORE_SHARED_BYTES = 32768,
        EXPLORE_PRIVATE_BYTES = 65536,
        EXPLORE_STEPS_MAX = 20000, /* of one execution: more is a loop without end */
};

struct explore_actor {
        const char *name;
        void (*run)(void);
        int process; /* a barrier reaches all actors of one process, or of each process that registered */
};

struct explore_model {
        const char *name; /* what it shows, a sentence */
        void (*setup)(void);
        struct explore_actor actors[EXPLORE_ACTORS_MAX]; /* up to the first without a name */
        void (*end)(void);
        int preemptions;   /* switches away from an actor that could go on */
        bool fresh_loads;  /* loads are never stale: only stores are reordered */
        const char *finds; /* NULL: it must hold. Else it must fail, with a sentence that contains this */
};

/* Runs the models, prints TAP lines, and returns the status for main: 0 when all hold. An executable with a source
 * that plant.py spoilt is right when one of the models finds the bug. --trace: print its schedule;
 * --tso: as on x86; --more: one more preemption. */
int
explore_main(const struct explore_model *models, size_t count, int argc, char **argv);

/* ---- for models ---------------------------------------------------------------------------------------------- */

/* Zero memory of this execution. `shared`: what two processes map; memcpy to and from it is done word by word. */
void *
explore_alloc(size_t bytes);

void *
explore_shared(size_t bytes, size_t align);

/* Blocks of 64 bytes in the heap that the next lane opens. */
void
explore_heap(uint64_t blocks);

/* In setup(): the process registers for the barriers of the system and has them itself. Who does not has none. */
void
explore_register(int process);

/* In setup(): what follows is done by this process. */
void
explore_as(int process);

/* How a word is called in the printed schedule. */
void
explore_name(const void *from, size_t bytes, const char *name);

/* Ends the execution: a rule is broken. */
void __attribute__((noreturn, format(printf, 1, 2))) explore_fail(const char *format, ...);

#define explore_check(condition, ...) ((condition) ? (void)0 : explore_fail(__VA_ARGS__))

/* A line of the schedule. */
void
explore_note(const char *text, uint64_t number);

/* The actor is at a place where all that it will use again is `place` and memory from explore_alloc: two executions
 * that meet here need not be told apart by how they came. */
void
explore_settle(uint64_t place);

/* One of `count` things happens, each in some execution. */
unsigned
explore_choose(unsigned count);

/* Sleeps while *word is value, as a futex does; explore_raise wakes all who sleep on the word. */
void
explore_sleep(const void *word, uint32_t value);

void
explore_raise(const void *word);

/* In end(): the actor of this name sleeps. */
bool
explore_sleeps(const char *name);

#endif
