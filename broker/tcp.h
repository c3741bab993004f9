/*
 * The broker's door for holders of tickets that can use nothing better: TCP of 127.0.0.1, and only where it was asked
 * for. Whoever connects is nobody until the key is proven (bus/transport/handshake.h): a place in a table of fixed
 * size, with room for the one message that is awaited. What is not the beginning of that message is hung up on at its
 * first wrong byte; who says nothing after WR_TCP_PATIENCE_NS, or sooner when others come and the table is full.
 *
 *      CONTROL   the ticket is redeemed and a session begins, by the rights of the ticket alone
 *      STREAM    the relay that waits for this connection gets it
 */
#ifndef WR_TCP_H
#define WR_TCP_H

#include "broker/loop.h"
#include "bus/transport/handshake.h"

struct wr_server;

#define WR_TCP_PATIENCE_NS INT64_C(2000000000)

enum { WR_TCP_STRANGERS_MAX = 32, WR_TCP_ANY_PORT = 65536 };

/* A connection that has yet to prove its key. */
struct wr_tcp_stranger {
        struct wr_tcp *tcp;
        struct wr_hook hook; /* WR_NO_OBJECT: the place is free */
        int64_t since_ns;
        bool is_answered; /* its HELLO is here, its proof is awaited */
        size_t size;      /* of what is awaited */
        uint8_t hello[WR_HANDSHAKE_HELLO_BYTES], nonce[WR_HANDSHAKE_NONCE_BYTES];
        uint8_t proof[WR_HANDSHAKE_CLIENT_BYTES];
};

struct wr_tcp {
        struct wr_server *server;
        struct wr_hook listener;
        uint64_t cut; /* connections that proved nothing, since the log was told last */
        struct wr_tcp_stranger strangers[WR_TCP_STRANGERS_MAX];
};

/* port: 0: any. server->tcp_port and server->tcp are set. On a failure the sentence says why. */
enum weir_result
wr_tcp_open(struct wr_server *server, uint16_t port, char *sentence, size_t room);

/* Nothing to do where it is not open. */
void
wr_tcp_close(struct wr_server *server);

/* Every tick: who says nothing is hung up on, and how many were is told. */
void
wr_tcp_tick(struct wr_server *server);

#endif
