/*
 * `weir sub --deadline`: is every topic's next frame there in time? Counted from the frame before it; for the first one
 * from the topic's first publisher on, and while nobody publishes from the start, since then no frame can come either.
 */
#ifndef CLI_SUB_DEADLINE_H
#define CLI_SUB_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/weir.h>

struct sub_deadline {
        int64_t limit_ns;   /* 0: none is set */
        const char *wanted; /* the topic or the pattern */
        int64_t alone_ns;   /* since when nobody publishes it; 0: somebody did */
        struct sub_deadline_topic *topics;
        size_t count;
        bool is_missed, has_frames;
        char text[320]; /* which, and by how much */
};

/* Nobody has joined yet. */
void
sub_deadline_begin(struct sub_deadline *deadline, const char *wanted, int64_t limit_ns, int64_t now_ns);

/* A publisher of the topic has joined. */
void
sub_deadline_joined(struct sub_deadline *deadline, const char *topic, int64_t now_ns);

/* A frame came. False: the one before it in its topic is too long ago. */
bool
sub_deadline_frame(struct sub_deadline *deadline, const struct weir_frame *frame);

/* Nothing was there at `looked_ns`. False: it should have been. */
bool
sub_deadline_silence(struct sub_deadline *deadline, int64_t looked_ns);

/* When the next one is due; INT64_MAX: none. */
int64_t
sub_deadline_next_ns(const struct sub_deadline *deadline);

/* The end: whoever waited for a frame and got none at all has missed it, too. */
void
sub_deadline_close(struct sub_deadline *deadline);

#endif
