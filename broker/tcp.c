#include "broker/tcp.h"

#include "broker/handlers.h"
#include "broker/relaying.h"
#include "bus/result_text.h"
#include "named-objects/random.h"
#include "named-objects/sentence.h"
#include "named-objects/stream_tcp.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ACCEPTS_PER_TURN = 16 };

_Static_assert((int)WR_RELAY_KEY_ROOM > (int)WR_TICKET_KEY_BYTES,
               "a relay's key is long enough to be one of a handshake");

/* Its place is free again. The stream goes on where somebody has it. */
static void
leave(struct wr_tcp_stranger *stranger)
{
        wr_loop_remove(stranger->tcp->server->loop, &stranger->hook);
        stranger->hook.object = WR_NO_OBJECT;
        wr_hmac_wipe(stranger->proof, sizeof(stranger->proof));
}

static void
cut(struct wr_tcp_stranger *stranger)
{
        wr_object stream = stranger->hook.object;

        leave(stranger);
        stranger->tcp->cut++;
        wr_object_close(stream);
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

/* What its key is verified by. False: there is no such ticket, or no such relay. */
static bool
verifier_of(const struct wr_server *server, const struct wr_handshake_hello *hello, struct wr_ticket_verifier *verifier)
{
        const struct wr_ticket_entry *entry;
        const char *key;

        if (hello->purpose == WR_HANDSHAKE_CONTROL) {
                entry = wr_tickets_find(&server->tickets, hello->id);
                if (entry)
                        *verifier = entry->verifier;
                return entry != NULL;
        }
        key = wr_relaying_key(server, hello->id);
        return key && wr_ticket_verifier_make(verifier, (const uint8_t *)key);
}

static void
session_begin(struct wr_tcp_stranger *stranger, const struct wr_handshake_hello *hello)
{
        struct wr_server *server = stranger->tcp->server;
        struct wr_ticket_entry *entry = wr_tickets_find(&server->tickets, hello->id);
        wr_object stream = stranger->hook.object;
        struct wr_session *session;
        char sentence[512];
        enum weir_result result;

        leave(stranger);
        session = wr_session_open_by_ticket(server, stream, entry);
        if (!session)
                return;
        session->is_uncharged = true;
        if (session->is_doomed)
                return;
        result = wr_quota_charge(&server->accounts, session->account, WR_QUOTA_CONNECTIONS, 1, sentence,
                                 sizeof(sentence));
        session->is_uncharged = result < 0;
        if (result == WEIR_OK)
                result = wr_tickets_give(session, entry, hello->redeemer, sentence, sizeof(sentence));
        if (result < 0)
                wr_session_cut(session, 0, result, "%s", sentence);
}

/* The key was proven. */
static void
admit(struct wr_tcp_stranger *stranger, const struct wr_handshake_hello *hello)
{
        struct wr_server *server = stranger->tcp->server;
        wr_object stream = stranger->hook.object;
        char key[WR_RELAY_KEY_ROOM];

        if (hello->purpose == WR_HANDSHAKE_CONTROL) {
                session_begin(stranger, hello);
                return;
        }
        memcpy(key, wr_relaying_key(server, hello->id), sizeof(key));
        leave(stranger);
        if (!wr_relaying_connected(server, key, stream))
                wr_object_close(stream);
}

/* ---- the conversation ------------------------------------------------------------------------------------------ */

static bool
answer(struct wr_tcp_stranger *stranger, const struct wr_ticket_verifier *verifier)
{
        uint8_t bytes[WR_HANDSHAKE_BROKER_BYTES];
        struct wr_span span = { bytes, sizeof(bytes) };
        size_t done;

        for (size_t i = 0; i < sizeof(stranger->nonce); i += sizeof(uint64_t)) {
                uint64_t bits = wr_random();

                memcpy(stranger->nonce + i, &bits, sizeof(bits));
        }
        stranger->is_answered = true;
        stranger->size = 0;
        /* The first bytes on a fresh connection: there is room for them. */
        return wr_handshake_broker(verifier, stranger->hello, stranger->nonce, bytes) &&
               wr_stream_write(stranger->hook.object, &span, 1, &done) == WEIR_OK && done == sizeof(bytes);
}

/* False: it is no HELLO of ours. WEIR_EMPTY: not all of it is here. */
static enum weir_result
greeted(struct wr_tcp_stranger *stranger)
{
        struct wr_ticket_verifier verifier;
        struct wr_handshake_hello hello;
        enum weir_result result = wr_handshake_hello_read(&hello, stranger->hello, stranger->size);

        if (result != WEIR_OK)
                return result;
        if (!verifier_of(stranger->tcp->server, &hello, &verifier) || !answer(stranger, &verifier))
                result = WEIR_E_DENIED;
        wr_hmac_wipe(&verifier, sizeof(verifier));
        return result;
}

/* WEIR_E_DENIED: it has not the key, or what it is for is gone by now. */
static enum weir_result
proved(struct wr_tcp_stranger *stranger)
{
        struct wr_ticket_verifier verifier;
        struct wr_handshake_hello hello;
        bool is_proven;

        if (stranger->size < sizeof(stranger->proof))
                return WEIR_EMPTY;
        is_proven = wr_handshake_hello_read(&hello, stranger->hello, sizeof(stranger->hello)) == WEIR_OK &&
                    verifier_of(stranger->tcp->server, &hello, &verifier) &&
                    wr_handshake_verify(&verifier, stranger->hello, stranger->nonce, stranger->proof);
        wr_hmac_wipe(&verifier, sizeof(verifier));
        if (!is_proven)
                return WEIR_E_DENIED;
        admit(stranger, &hello);
        return WEIR_OK;
}

/* Reads no more than what is awaited: what comes behind it is for who takes the stream over. */
static enum weir_result
hear(struct wr_tcp_stranger *stranger)
{
        uint8_t *to = stranger->is_answered ? stranger->proof : stranger->hello;
        size_t most = stranger->is_answered ? sizeof(stranger->proof) : sizeof(stranger->hello), done;
        struct wr_span span = { to + stranger->size, most - stranger->size };
        enum weir_result result = wr_stream_read(stranger->hook.object, &span, 1, &done);

        if (result != WEIR_OK)
                return result;
        stranger->size += done;
        return stranger->is_answered ? proved(stranger) : greeted(stranger);
}

static void
stranger_ready(struct wr_hook *hook, unsigned ready)
{
        struct wr_tcp_stranger *stranger = hook->owner;
        enum weir_result result;

        (void)ready;
        do
                result = hear(stranger);
        while (result == WEIR_OK && stranger->hook.object != WR_NO_OBJECT);
        if (result < 0)
                cut(stranger);
}

/* ---- the door -------------------------------------------------------------------------------------------------- */

/* A place for another one: where none is free, that of who has been silent for longest. */
static struct wr_tcp_stranger *
place_for(struct wr_tcp *tcp)
{
        struct wr_tcp_stranger *oldest = &tcp->strangers[0];

        for (int i = 0; i < WR_TCP_STRANGERS_MAX; i++) {
                struct wr_tcp_stranger *stranger = &tcp->strangers[i];

                if (stranger->hook.object == WR_NO_OBJECT)
                        return stranger;
                if (stranger->since_ns < oldest->since_ns)
                        oldest = stranger;
        }
        cut(oldest);
        return oldest;
}

static void
take_in(struct wr_tcp *tcp, wr_object stream)
{
        struct wr_tcp_stranger *stranger = place_for(tcp);

        stranger->since_ns = tcp->server->now_ns;
        stranger->is_answered = false;
        stranger->size = 0;
        stranger->hook = (struct wr_hook){ .object = stream, .call = stranger_ready, .owner = stranger };
        if (wr_loop_add(tcp->server->loop, &stranger->hook, WR_READY_READ) < 0) {
                stranger->hook.object = WR_NO_OBJECT;
                wr_object_close(stream);
        }
}

static void
listener_ready(struct wr_hook *hook, unsigned ready)
{
        struct wr_tcp *tcp = hook->owner;
        enum weir_result result = WEIR_OK;
        wr_object stream;

        (void)ready;
        for (int i = 0; i < ACCEPTS_PER_TURN && result == WEIR_OK; i++) {
                result = wr_stream_tcp_accept(hook->object, &stream);
                if (result == WEIR_OK)
                        take_in(tcp, stream);
        }
        /* No descriptors are left: looking again at once would be a busy wait. The next tick looks again. */
        if (result < 0)
                wr_loop_change(tcp->server->loop, hook, 0);
}

enum weir_result
wr_tcp_open(struct wr_server *server, uint16_t port, char *sentence, size_t room)
{
        struct wr_tcp *tcp = calloc(1, sizeof(*tcp));
        enum weir_result result;

        if (!tcp)
                return WEIR_E_NO_MEMORY;
        tcp->server = server;
        for (int i = 0; i < WR_TCP_STRANGERS_MAX; i++) {
                tcp->strangers[i].tcp = tcp;
                tcp->strangers[i].hook.object = WR_NO_OBJECT;
        }
        tcp->listener = (struct wr_hook){ .object = WR_NO_OBJECT, .call = listener_ready, .owner = tcp };
        server->tcp = tcp;
        server->tcp_port = port;
        result = wr_stream_tcp_listen(&tcp->listener.object, &server->tcp_port);
        if (result == WEIR_OK)
                result = wr_loop_add(server->loop, &tcp->listener, WR_READY_READ);
        if (result < 0) {
                wr_sentence(sentence, room,
                            "cannot listen at 127.0.0.1:%u: %s. Choose another port: weir broker run --allow-tcp PORT",
                            port, result == WEIR_E_HELD ? "somebody does already" : wr_result_text(result));
                wr_tcp_close(server);
                return result == WEIR_E_HELD ? WEIR_E_USAGE : result;
        }
        wr_log_line(&server->log, NULL, server->now_ns, WR_LOG_INFO,
                    "holders of tickets may connect to 127.0.0.1:%u, too", server->tcp_port);
        return WEIR_OK;
}

void
wr_tcp_close(struct wr_server *server)
{
        struct wr_tcp *tcp = server->tcp;

        if (!tcp)
                return;
        for (int i = 0; i < WR_TCP_STRANGERS_MAX; i++)
                if (tcp->strangers[i].hook.object != WR_NO_OBJECT)
                        cut(&tcp->strangers[i]);
        if (tcp->listener.object != WR_NO_OBJECT) {
                wr_loop_remove(server->loop, &tcp->listener);
                wr_object_close(tcp->listener.object);
        }
        free(tcp);
        server->tcp = NULL;
        server->tcp_port = 0;
}

void
wr_tcp_tick(struct wr_server *server)
{
        struct wr_tcp *tcp = server->tcp;

        if (!tcp)
                return;
        wr_loop_change(server->loop, &tcp->listener, WR_READY_READ);
        listener_ready(&tcp->listener, WR_READY_READ); /* Wine now and then forgets to say that somebody is there */
        for (int i = 0; i < WR_TCP_STRANGERS_MAX; i++) {
                struct wr_tcp_stranger *stranger = &tcp->strangers[i];

                if (stranger->hook.object != WR_NO_OBJECT && server->now_ns - stranger->since_ns >= WR_TCP_PATIENCE_NS)
                        cut(stranger);
        }
        if (tcp->cut > 0)
                wr_log_line(&server->log, &server->log.strangers, server->now_ns, WR_LOG_WARNING,
                            "cut %" PRIu64 " connection%s to 127.0.0.1:%u without the key of a ticket", tcp->cut,
                            wr_s(tcp->cut), server->tcp_port);
        tcp->cut = 0;
}
