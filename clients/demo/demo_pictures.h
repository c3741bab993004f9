/* Decoded pictures kept in memory: what the passes show that measure the bus and not the decoder. */
#ifndef DEMO_PICTURES_H
#define DEMO_PICTURES_H

#include "clients/demo/demo.h"

struct demo_picture {
        void *data;
        uint64_t sum; /* demo_digest_fold() of it, taken when it was decoded */
};

struct demo_pictures {
        struct demo_picture *list;
        uint64_t count, bytes; /* bytes: of each */
        int error;             /* an errno */
};

/* Decodes until `count_max` different pictures are there, or the clip ends. False: pictures->error. */
bool
demo_pictures_open(struct demo_pictures *pictures, const struct demo_options *options, uint64_t count_max);

void
demo_pictures_close(struct demo_pictures *pictures);

#endif
