/*
 * The agents of relayed endpoints, one thread each, for a program that links the broker and libweir. What they do is in
 * agent.h; who is to have one, and whom they stand in for, the broker decides (broker/relaying.h).
 */
#ifndef WR_RELAY_H
#define WR_RELAY_H

#include "broker/relaying.h"

/* The starter for a server's options. NULL: no memory. */
struct wr_relay_starter *
wr_relay_open(void);

/* What weir_error() says from now on, in this thread: who embeds by weir_options.embed asks there why it failed.
 * address: "" where none was found. */
void
wr_relay_explain(const char *address, const char *reason);

/* After the server was closed. NULL is fine. */
void
wr_relay_close(struct wr_relay_starter *starter);

#endif
