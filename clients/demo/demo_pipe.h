/* The same pictures through a pipe: what a frame looks like there. */
#ifndef DEMO_PIPE_H
#define DEMO_PIPE_H

#include <stdint.h>

/* Before each picture; one write carries both. */
struct demo_pipe_header {
        int64_t stamp_ns;
        uint64_t tag; /* demo_digest_fold() of the picture */
};

#endif
