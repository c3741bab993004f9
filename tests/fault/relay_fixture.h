/* Clients that are relayed, record by record, so that they can also speak wrongly. */
#ifndef RELAY_FIXTURE_H
#define RELAY_FIXTURE_H

#include "bus/hash.h"
#include "bus/transport/intake.h"
#include "named-objects/stream.h"
#include "tests/fault/broker_fixture.h"

/* Of "t" and "u" everything but memory. */
static inline const char *
no_map(void)
{
        static char text[1024];
        struct wr_sid self = wr_user_self();
        char me[100];

        wr_user_text(&self, me, sizeof(me));
        snprintf(text, sizeof(text),
                 "[topic.\"t\"]\npublish = [\"user:%s\"]\nsubscribe = [\"user:%s\"]\nmap = []\nstall = [\"user:%s\"]\n"
                 "[topic.\"u\"]\npublish = [\"user:%s\"]\nsubscribe = [\"user:%s\"]\nmap = []\n"
                 "[topic.\"open\"]\npublish = [\"user:%s\"]\nsubscribe = [\"user:%s\"]\nstall = [\"user:%s\"]\n",
                 me, me, me, me, me, me, me, me);
        return text;
}

/* A client's end of a stream. */
struct relayed {
        wr_object stream;
        struct wr_intake in;
        struct wr_record record; /* the last one */
};

/* What came beside RELAY, which is the last message. */
static inline void
relayed_adopt(struct relayed *relayed, struct client *client)
{
        cr_assert(eq(int, client->message.kind, WR_RELAY));
        cr_assert(eq(sz, client->object_count, 1));
        memset(&relayed->in, 0, sizeof(relayed->in));
        relayed->stream = client->objects[0];
        client->object_count = 0;
        cr_assert(eq(int, wr_stream_adopt(&relayed->stream), WEIR_OK));
}

static inline int64_t
relayed_patience(void)
{
        return wr_clock_ns() + PATIENCE_NS;
}

/* False: the stream has ended. */
static inline bool
relayed_write(struct relayed *relayed, const void *bytes, size_t size)
{
        struct wr_span span = { (void *)(uintptr_t)bytes, size };
        enum weir_result result;
        unsigned ready;
        size_t done;

        while (span.size > 0) {
                result = wr_stream_write(relayed->stream, &span, 1, &done);
                if (result == WEIR_FULL)
                        result = wr_stream_wait(relayed->stream, WR_STREAM_WRITE, WR_NO_OBJECT, relayed_patience(),
                                                &ready);
                if (result != WEIR_OK)
                        return false;
                span.at = (uint8_t *)span.at + done;
                span.size -= done;
        }
        return true;
}

static inline bool
relayed_say(struct relayed *relayed, struct wr_record record)
{
        uint8_t bytes[WR_RECORD_BYTES_MAX];

        return relayed_write(relayed, bytes, wr_record_encode(&record, bytes));
}

/* More bytes. WEIR_E_CLOSED: the end. */
static inline enum weir_result
relayed_fetch(struct relayed *relayed)
{
        struct wr_span span;
        enum weir_result result;
        unsigned ready;
        size_t done;

        span.size = wr_intake_room(&relayed->in, &span.at);
        while ((result = wr_stream_read(relayed->stream, &span, 1, &done)) == WEIR_EMPTY)
                cr_assert(eq(int,
                             wr_stream_wait(relayed->stream, WR_STREAM_READ, WR_NO_OBJECT, relayed_patience(), &ready),
                             WEIR_OK),
                          "the agent says nothing");
        if (result == WEIR_OK)
                wr_intake_filled(&relayed->in, done);
        return result;
}

/* The next record, or 0 at the end. */
static inline enum wr_record_kind
relayed_next(struct relayed *relayed)
{
        const char *why = "";
        enum weir_result result;

        while ((result = wr_intake_next(&relayed->in, &relayed->record, &why)) == WEIR_EMPTY)
                if (relayed_fetch(relayed) != WEIR_OK)
                        return (enum wr_record_kind)0;
        cr_assert(eq(int, result, WEIR_OK), "%s", why);
        return relayed->record.kind;
}

static inline void
relayed_expect(struct relayed *relayed, enum wr_record_kind kind)
{
        enum wr_record_kind got = relayed_next(relayed);

        cr_assert(got == kind, "expected %s, got %s %s", wr_record_name(kind), wr_record_name(got),
                  got == WR_RECORD_CLOSED    ? relayed->record.closed.text
                  : got == WR_RECORD_REFUSED ? relayed->record.refused.sentence
                                             : "");
}

static inline void
relayed_payload(struct relayed *relayed, void *to, size_t size)
{
        size_t here = 0;

        while ((here += wr_intake_payload(&relayed->in, (uint8_t *)to + here, size - here)) < size)
                cr_assert(eq(int, relayed_fetch(relayed), WEIR_OK));
}

static inline void
relayed_begin(struct relayed *relayed)
{
        cr_assert(
                relayed_say(relayed, (struct wr_record){ .kind = WR_RECORD_BEGIN, .begin = { WR_RECORD_VERSION, 0 } }));
        relayed_expect(relayed, WR_RECORD_OPENED);
}

/* Asks, and gets a stream with an agent that is at work. */
static inline void
relayed_open(struct relayed *relayed, struct client *client, struct wr_message message)
{
        client_send(client, message);
        client_expect(client, WR_RELAY);
        relayed_adopt(relayed, client);
        relayed_begin(relayed);
}

static inline void
relayed_frame(struct relayed *relayed, const void *bytes, size_t size)
{
        struct wr_record record = { .kind = WR_RECORD_FRAME, .bytes = size };

        record.frame.sequence = 1;
        record.frame.time = wr_clock_ns();
        record.frame.hash = wr_hash_two("", 0, bytes, size);
        record.frame.flags = WR_RECORD_HASHED;
        cr_assert(relayed_say(relayed, record));
        cr_assert(relayed_write(relayed, bytes, size));
}

/* The next FRAME; LANE, FORMAT and so on before it are passed over. */
static inline void
relayed_take(struct relayed *relayed, void *to, size_t size)
{
        enum wr_record_kind kind;

        while ((kind = relayed_next(relayed)) == WR_RECORD_LANE || kind == WR_RECORD_LEFT)
                continue;
        cr_assert(kind == WR_RECORD_FRAME, "expected FRAME, got %s", wr_record_name(kind));
        cr_assert(eq(u64, relayed->record.bytes, size + relayed->record.frame.extension));
        if (relayed->record.frame.extension > 0) {
                uint8_t extension[WR_EXTENSION_MAX];

                relayed_payload(relayed, extension, relayed->record.frame.extension);
        }
        relayed_payload(relayed, to, size);
}

/* Until the stream ends; what comes before is passed over. */
static inline void
relayed_expect_end(struct relayed *relayed)
{
        uint8_t away[1 << 12];
        struct wr_span span = { away, sizeof(away) };
        enum weir_result result;
        unsigned ready;
        size_t done;

        while ((result = wr_stream_read(relayed->stream, &span, 1, &done)) != WEIR_E_CLOSED)
                if (result == WEIR_EMPTY)
                        cr_assert(eq(int,
                                     wr_stream_wait(relayed->stream, WR_STREAM_READ, WR_NO_OBJECT, relayed_patience(),
                                                    &ready),
                                     WEIR_OK),
                                  "the stream does not end");
                else
                        cr_assert(eq(int, result, WEIR_OK));
}

static inline void
relayed_close(struct relayed *relayed)
{
        wr_object_close(relayed->stream);
}

#endif
