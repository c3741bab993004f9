/* `weir sub --deadline`: is every topic's next frame there in time? Counted from its first frame on. */
#ifndef CLI_SUB_DEADLINE_H
#define CLI_SUB_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/weir.h>

struct sub_deadline {
        int64_t limit_ns; /* 0: none is set */
        struct sub_deadline_topic *topics;
        size_t count;
        bool is_missed;
        char text[320]; /* which, and by how much */
};

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
