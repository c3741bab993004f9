/* What the parts of the explorer share among themselves; models see explore.h only. */
#ifndef EXPLORER_H
#define EXPLORER_H

#include "tests/model/atomic_model.h"
#include "tests/model/explore.h"

#include <setjmp.h>

enum {
        BUFFER_MAX = 128, /* stores that wait in one actor's buffer; the oldest leaves when it is full */
        STALE_MAX = 128,
        PATH_MAX_DECISIONS = 8192,
        NAMES_MAX = 96,
        STACK_BYTES = 128 * 1024,
};

/* A store that the actor made and nobody else sees yet. */
struct pending {
        uint8_t *at;
        uint64_t value;
        uint32_t size, epoch; /* release fences before it */
        bool release;
};

/* An older value of a word, which a load of this actor may still return. Sorted by address, oldest first. */
struct stale {
        const uint8_t *at;
        uint64_t value;
        uint32_t size;
};

enum status { STATUS_READY, STATUS_PAUSED, STATUS_SLEEPS, STATUS_DONE };

struct actor {
        jmp_buf base, here; /* of the trampoline; of the last switch away */
        uint8_t *stack;
        enum status status;
        bool started;
        bool read_old;      /* since its last pause a load returned an old value */
        const void *word;   /* it sleeps on */
        uint64_t paused_at; /* world.changes when it paused */
        uint64_t history;   /* hash of all that it has read: what it will do next follows from it */
        uint32_t epoch;
        int buffer_count, stale_count;
        struct pending buffer[BUFFER_MAX];
        struct stale stale[STALE_MAX];
};

enum step_kind {
        STEP_LOAD,
        STEP_STORE,
        STEP_RELEASE,
        STEP_CHANGE,
        STEP_FENCE,
        STEP_NOTE,
        STEP_SLEEP,
        STEP_WOKEN,
        STEP_RAISE,
        STEP_PAUSE,
        STEP_BARRIER,
        STEP_REACHED,
        STEP_DONE,
        STEP_STALE,
};

struct step {
        int actor;
        enum step_kind kind;
        const void *at;
        uint64_t value;
        const char *text;
};

struct explorer {
        const struct explore_model *model;
        int actor_count;
        int current;         /* -1: setup or end runs, alone */
        int alone;           /* the process that setup plays */
        unsigned registered; /* bit per process: it has the barrier of the system */
        struct actor actors[EXPLORE_ACTORS_MAX];
        int bound, preemptions;
        uint64_t changes;     /* stores made: what a paused actor waits for */
        uint64_t shared_hash; /* of the words in shared memory */
        bool learned;         /* a word turned out to be shared: the search begins again */
        bool tso;             /* stores leave in order and loads are fresh, as on x86 */
        jmp_buf main;
        char failure[256];
        struct step steps[EXPLORE_STEPS_MAX];
        int step_count;
};

extern struct explorer explorer;

enum outcome { OUTCOME_START, OUTCOME_SEEN, OUTCOME_END, OUTCOME_FAILED };

/* explore.c: picks one of count and remembers it, so that each is tried in the end. */
unsigned
explorer_decide(unsigned count);

/* A place where another actor may go on instead. `stuck`: the current one cannot. */
void
explorer_schedule(bool stuck);

/* machine.c */
void
machine_reset(void);

uint64_t
machine_hash(void);

/* Lets the actor's stores out. True when there were any. */
bool
machine_drain(struct actor *actor);

void
machine_forget_stale(struct actor *actor);

uint64_t
machine_mix(uint64_t hash, uint64_t value);

/* Forgets which words are shared: that belongs to one model. */
void
machine_unlearn(void);

/* actor.c */
void
actor_prepare(void);

/* Goes on with the actor; returns when somebody switches back to `here` (NULL: never). */
void
actor_switch(int to, jmp_buf *here);

/* trace.c */
void
trace_step(enum step_kind kind, const void *at, uint64_t value, const char *text);

void
trace_reset(void);

void
trace_print(void);

#endif
