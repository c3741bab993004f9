/*
 * A stream over TCP, of 127.0.0.1 alone: for programs of this machine that no socket file and no pipe of the broker's
 * reaches, such as those of another system's kernel or of an emulator. TCP tells nobody's identity: whoever accepts a
 * connection has it prove a key before anything else (bus/transport/handshake.h). What is made here is read and written
 * as any stream (stream.h).
 */
#ifndef WR_STREAM_TCP_H
#define WR_STREAM_TCP_H

#include "named-objects/stream.h"

/* port: in: the port, 0: any that is free; out: the port. WEIR_E_HELD: somebody listens there. */
enum weir_result
wr_stream_tcp_listen(wr_object *listener, uint16_t *port);

/* WEIR_EMPTY: nobody there now. WEIR_E_QUOTA: no descriptors left. */
enum weir_result
wr_stream_tcp_accept(wr_object listener, wr_object *stream);

/* WEIR_E_NO_BROKER: nobody listens there. */
enum weir_result
wr_stream_tcp_connect(wr_object *stream, uint16_t port);

#endif
