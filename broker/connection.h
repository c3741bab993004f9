/*
 * A client's socket, or over TCP its stream: whole messages in, whole messages out. What the socket does not take now
 * waits in a queue of at most WR_QUEUE_BYTES_MAX; who lets it fill up is cut by the caller. Messages with descriptors
 * do not queue, since the descriptors would: they are sent at once or not at all.
 */
#ifndef WR_CONNECTION_H
#define WR_CONNECTION_H

#include "broker/loop.h"
#include "bus/message.h"

enum { WR_QUEUE_BYTES_MAX = 64 * 1024 };

struct wr_datagram;
struct wr_datagrams;

struct wr_connection {
        struct wr_loop *loop;
        struct wr_hook hook;
        struct wr_datagrams *datagrams; /* over TCP; else NULL */
        struct wr_datagram *first, *last;
        size_t queued_bytes;
        bool is_reading;
};

/* Takes the socket over. call: on readiness, with `owner` in the hook; nothing is read before wr_connection_read. */
enum weir_result
wr_connection_open(struct wr_connection *connection, struct wr_loop *loop, wr_object socket,
                   void (*call)(struct wr_hook *hook, unsigned ready), void *owner);

/* It is a stream: messages come with their length in front, and objects that go with them stay here. WEIR_E_NO_MEMORY.
 */
enum weir_result
wr_connection_stream(struct wr_connection *connection);

/* Closes the socket. What the client sent and nobody read is read and thrown away first (a bounded amount of it):
 * closing a socket with unread data would take the last answer away from the client. */
void
wr_connection_close(struct wr_connection *connection);

/* Read on, or let the client wait. */
void
wr_connection_read(struct wr_connection *connection, bool on);

/* WEIR_OK: sent or queued. WEIR_E_QUOTA: the queue is full. Else the socket's failure. */
enum weir_result
wr_connection_send(struct wr_connection *connection, const struct wr_message *message);

/* WEIR_OK: sent. WEIR_FULL: not now (the hook will say when). */
enum weir_result
wr_connection_send_objects(struct wr_connection *connection, const struct wr_message *message, const wr_object *objects,
                           size_t count);

/* Sends what waits. WEIR_FULL: something is left. */
enum weir_result
wr_connection_flush(struct wr_connection *connection);

/*
 * WEIR_OK         a message
 * WEIR_EMPTY      none now
 * WEIR_E_VERSION  of another version of the protocol (*version)
 * WEIR_E_CORRUPT  what came is no message; `why` has the sentence
 * WEIR_E_CLOSED   the client hung up
 */
enum weir_result
wr_connection_receive(struct wr_connection *connection, struct wr_message *message, unsigned *version,
                      const char **why);

#endif
