#include "clients/c/control_wire.h"

#include "bus/os/clock.h"
#include "bus/transport/handshake.h"
#include "clients/c/bus.h"
#include "named-objects/datagrams.h"
#include "named-objects/endpoint.h"
#include "named-objects/random.h"
#include "named-objects/sentence.h"
#include "named-objects/stream_tcp.h"

#include <stdlib.h>
#include <string.h>

#define HANDSHAKE_NS INT64_C(1000000000)

static const char scheme[] = "tcp:127.0.0.1:";

bool
wr_control_wire_is_tcp(const char *address)
{
        return strncmp(address, "tcp:", 4) == 0;
}

/* 0: it names no port of 127.0.0.1. */
static uint16_t
port_of(const char *address)
{
        char *end = NULL;
        unsigned long port = 0;

        if (strncmp(address, scheme, sizeof scheme - 1) == 0)
                port = strtoul(address + sizeof scheme - 1, &end, 10);
        return end && end != address + sizeof scheme - 1 && *end == 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* ---- the handshake --------------------------------------------------------------------------------------------- */

/* All of them, in whichever direction, before the deadline. WEIR_E_DENIED: the other end hung up. */
static enum weir_result
move(wr_object stream, bool is_read, uint8_t *bytes, size_t size, int64_t deadline_ns)
{
        size_t done;
        unsigned ready;

        for (size_t at = 0; at < size; at += done) {
                struct wr_span span = { bytes + at, size - at };
                enum weir_result result = (is_read ? wr_stream_read : wr_stream_write)(stream, &span, 1, &done);

                if (result < 0)
                        return WEIR_E_DENIED;
                if (result != WEIR_OK && wr_stream_wait(stream, is_read ? WR_STREAM_READ : WR_STREAM_WRITE,
                                                        WR_NO_OBJECT, deadline_ns, &ready) != WEIR_OK)
                        return WEIR_E_NO_BROKER;
        }
        return WEIR_OK;
}

/* WEIR_E_DENIED: whoever answers does not know the key. WEIR_E_NO_BROKER: nobody answers. */
static enum weir_result
shake_hands(wr_object stream, struct wr_handshake_hello hello, const uint8_t key[WR_TICKET_KEY_BYTES])
{
        uint8_t said[WR_HANDSHAKE_HELLO_BYTES], answer[WR_HANDSHAKE_BROKER_BYTES], proof[WR_HANDSHAKE_CLIENT_BYTES];
        int64_t deadline_ns = wr_clock_ns() + HANDSHAKE_NS;
        enum weir_result result;

        for (size_t i = 0; i < sizeof hello.nonce; i += sizeof(uint64_t)) {
                uint64_t bits = wr_random();

                memcpy(hello.nonce + i, &bits, sizeof bits);
        }
        wr_handshake_hello_write(&hello, said);
        if (move(stream, false, said, sizeof said, deadline_ns) < 0) /* the connection is still being made */
                return WEIR_E_NO_BROKER;
        result = move(stream, true, answer, sizeof answer, deadline_ns);
        if (result == WEIR_OK && !wr_handshake_client(key, said, answer, proof))
                result = WEIR_E_DENIED; /* whoever listens there has not the key, and learns nothing of it */
        if (result == WEIR_OK)
                result = move(stream, false, proof, sizeof proof, deadline_ns);
        return result;
}

static enum weir_result
stream_open(wr_object *stream, uint16_t port, const struct wr_handshake_hello *hello,
            const uint8_t key[WR_TICKET_KEY_BYTES])
{
        enum weir_result result = wr_stream_tcp_connect(stream, port);

        if (result == WEIR_OK)
                result = shake_hands(*stream, *hello, key);
        if (result < 0) {
                wr_object_close(*stream);
                *stream = WR_NO_OBJECT;
        }
        return result;
}

/* ---- the connection -------------------------------------------------------------------------------------------- */

static enum weir_result
tcp_open(struct wr_control *c, const char *address, char *sentence, size_t room)
{
        const struct wr_ticket_held *held = &c->bus->held;
        struct wr_handshake_hello hello = { .version = WR_HANDSHAKE_VERSION,
                                            .purpose = WR_HANDSHAKE_CONTROL,
                                            .id = held->ticket.id,
                                            .redeemer = held->redeemer };
        enum weir_result result;

        if (held->ticket.id == 0 || port_of(address) == 0) {
                wr_sentence(sentence, room,
                            port_of(address) == 0 ? "no address of TCP: it looks like tcp:127.0.0.1:7411"
                                                  : "TCP needs a ticket: weir_options.ticket, or --ticket TEXT");
                return WEIR_E_USAGE;
        }
        result = stream_open(&c->connection, port_of(address), &hello, held->ticket.key);
        if (result != WEIR_E_DENIED)
                c->unproven_ns = 0;
        else if (c->unproven_ns == 0)
                c->unproven_ns = wr_clock_ns();
        if (result < 0) {
                wr_sentence(sentence, room, "%s",
                            c->unproven_ns ? "whoever listens there does not know this ticket" : "nobody listens");
                return WEIR_E_NO_BROKER;
        }
        c->datagrams = malloc(sizeof *c->datagrams);
        if (!c->datagrams) {
                wr_control_wire_close(c);
                return WEIR_E_NO_MEMORY;
        }
        wr_datagrams_open(c->datagrams, c->connection);
        return WEIR_OK;
}

enum weir_result
wr_control_wire_open(struct wr_control *c, const char *address, char *sentence, size_t room)
{
        if (wr_control_wire_is_tcp(address))
                return tcp_open(c, address, sentence, room);
        return wr_endpoint_connect(&c->connection, address, sentence, room);
}

void
wr_control_wire_close(struct wr_control *c)
{
        free(c->datagrams);
        c->datagrams = NULL;
        wr_object_close(c->connection);
        c->connection = WR_NO_OBJECT;
}

enum weir_result
wr_control_wire_send(struct wr_control *c, const void *bytes, size_t size)
{
        return c->datagrams ? wr_datagrams_send(c->datagrams, bytes, size)
                            : wr_endpoint_send(c->connection, bytes, size, NULL, 0);
}

enum weir_result
wr_control_wire_receive(struct wr_control *c, void *bytes, size_t room, size_t *size, wr_object *objects, size_t *count)
{
        if (!c->datagrams)
                return wr_endpoint_receive(c->connection, bytes, room, size, objects, count);
        *count = 0;
        return wr_datagrams_receive(c->datagrams, bytes, room, size);
}

bool
wr_control_wire_waits(const struct wr_control *c)
{
        return c->datagrams && wr_datagrams_waits(c->datagrams);
}

void
wr_control_wire_flush(struct wr_control *c)
{
        if (c->datagrams)
                wr_datagrams_flush(c->datagrams); /* that it failed is seen by the next receive */
}

size_t
wr_control_wire_objects_due(const struct wr_control *c, enum wr_message_kind kind)
{
        return c->datagrams ? 0 : wr_control_objects_due(kind);
}

void
wr_control_wire_relay(struct wr_control *c, const struct wr_message *m, wr_object *stream)
{
        struct wr_handshake_hello hello = { .version = WR_HANDSHAKE_VERSION,
                                            .purpose = WR_HANDSHAKE_STREAM,
                                            .id = m->relay.id };

        if (c->datagrams && strlen(m->relay.key) >= WR_TICKET_KEY_BYTES)
                stream_open(stream, port_of(c->address), &hello, (const uint8_t *)m->relay.key);
}
