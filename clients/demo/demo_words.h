/* What the demo says of the system that it runs on. Two halves: demo_words_linux.c, demo_words_win32.c. */
#ifndef DEMO_WORDS_H
#define DEMO_WORDS_H

#include "clients/demo/demo_results.h"

struct demo_words {
        const char *passes[DEMO_PASSES]; /* by enum demo_kind: their titles */
        const char *with_sandbox;        /* the producer is..., up to the end of the line */
        const char *without_sandbox;
        const char *filling;        /* how pictures come into the lent memory */
        const char *outside;        /* what the pixels are compared with */
        const char *who_is_refused; /* the stranger, for people */
        const char *stranger;       /* what the broker's refusal has to call it by */
        const char *nothing_to_attack_with;
};

extern const struct demo_words demo_words;

#endif
