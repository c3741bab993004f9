/*
 * The connection to the broker, of either kind: an endpoint, or a stream over TCP whose two ends proved the key of the
 * bus's ticket to each other. Control thread only.
 */
#ifndef WR_CONTROL_WIRE_H
#define WR_CONTROL_WIRE_H

#include "clients/c/control.h"

/* "tcp:127.0.0.1:7411"? */
bool
wr_control_wire_is_tcp(const char *address);

/*
 * Connects; c->connection is set. Over TCP this waits for the handshake, at most a second.
 *
 * WEIR_E_NO_BROKER  nobody listens there, or not a broker that has the ticket's key (c->unproven_ns: since when)
 * WEIR_E_USAGE      TCP without a ticket, or no address of 127.0.0.1; and what wr_endpoint_connect says
 */
enum weir_result
wr_control_wire_open(struct wr_control *c, const char *address, char *sentence, size_t room);

/* Nothing to do where there is none. */
void
wr_control_wire_close(struct wr_control *c);

/* As wr_endpoint_send without objects, and wr_endpoint_receive. */
enum weir_result
wr_control_wire_send(struct wr_control *c, const void *bytes, size_t size);

enum weir_result
wr_control_wire_receive(struct wr_control *c, void *bytes, size_t room, size_t *size, wr_object *objects,
                        size_t *count);

/* Is a part of what was sent still waiting for room? wr_control_wire_flush sends it. */
bool
wr_control_wire_waits(const struct wr_control *c);

void
wr_control_wire_flush(struct wr_control *c);

/* Objects that must come with this message by this connection. */
size_t
wr_control_wire_objects_due(const struct wr_control *c, enum wr_message_kind kind);

/* Over TCP a relay's stream is a connection of its own; elsewhere nothing is to do, it came with the message. *stream:
 * out, WR_NO_OBJECT where it could not be made. */
void
wr_control_wire_relay(struct wr_control *c, const struct wr_message *m, wr_object *stream);

#endif
