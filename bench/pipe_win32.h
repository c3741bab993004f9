/* Two named pipes of one direction each, there and back, for peers of bytes; they have a name for a moment. */
#ifndef BENCH_PIPE_WIN32_H
#define BENCH_PIPE_WIN32_H

#include "bench/peer.h"

/* Fills in link->inherited. Of messages: each write is one message, and is read whole. */
bool
bench_pipe_prepare(struct bench_link *link, bool of_messages);

#endif
