/* One lane with one reader over the real sources, as small as it can be: what the lane models begin with. */
#ifndef LANE_WORLD_H
#define LANE_WORLD_H

#include "tests/model/atomic_model.h"

#include "bus/lane.h"
#include "tests/model/explore.h"

struct lane_plan {
        uint32_t ring_bytes, inline_max, heap_bytes;
        uint32_t hash;          /* mostly WR_HASH_NONE: the protocol must do without */
        uint32_t payload_bytes; /* of the inline frames */
        uint32_t before;        /* frames published before the actors start */
        uint32_t frames;        /* and by the publisher actor */
        uint32_t history;
        uint32_t announcements;
        uint64_t start;          /* first position */
        bool reliable, attached; /* attached before the frames of `before` */
        bool ends;               /* the publisher writes END */
        bool batch;              /* the publisher wakes once, behind its last frame */
        bool uneven;             /* every second frame has no payload */
        bool sly;                /* payloads look like headers */
        uint32_t keep;           /* the reader's */
        unsigned registered;     /* bit per process: it has the barrier of the system; publisher 0, reader 1 */
        unsigned fencing;        /* likewise: it says that it fences, whatever it has */
};

/* All that both actors know; in the execution's memory. */
struct lane_world {
        struct lane_plan plan;
        struct wr_lane_geometry geometry;
        struct wr_lane_writer writer;
        struct wr_pair_writer pair;
        struct wr_lane_reader reader;
        struct wr_pair_words *words;
        struct wr_lane_start started; /* where the reader began */
        struct wr_taken taken;
        uint8_t *segment;
        uint64_t published;     /* counted frames */
        uint64_t sleeps, wakes; /* of the reader */
        uint64_t room_sleeps, room_wakes;
        uint64_t received, lost, skipped;
        uint64_t turns;         /* in which the reader was ready and took nothing */
        uint64_t positions[32]; /* of the frames, by sequence */
        uint64_t copy[16];
};

extern struct lane_world *world;

/* Fresh memory, a writer, and unless the plan says otherwise an attached reader and the frames of `before`. */
void
lane_world_open(const struct lane_plan *plan);

/* Publishing side. */
enum weir_result
lane_world_publish(void);

void
lane_world_wake(void);

void
lane_world_attach(void);

/* Content of frame `sequence`, word `i` of it. */
uint64_t
lane_world_word(uint64_t sequence, uint64_t i);

/* Publishes plan.frames, for which a reader is never waited; wakes, ends as the plan says. */
void
lane_world_publisher(void);

/* Publishes plan.frames, sleeps where there is no room; wakes, ends as the plan says. */
void
lane_world_waiting_publisher(void);

/* Reading side: opens the reader where attach said. */
void
lane_world_reader_open(void);

/* Takes once; a delivered frame is checked against what was published. Anything but OK, EMPTY and ENDED fails. */
enum weir_result
lane_world_take(void);

/* Sleeps until woken, unless there is something to take. */
void
lane_world_sleep(void);

/* Takes until all is read, or until END where the plan has one; sleeps where there is nothing. */
void
lane_world_reader(void);

/* In end(): everything was told, nobody sleeps. */
void
lane_world_all_was_told(void);

/* Tells a publisher that waits for room. */
void
lane_world_room(void);

/* The reader has received or lost everything. */
bool
lane_world_read_all(void);

#endif
