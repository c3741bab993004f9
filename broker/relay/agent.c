/*
 * From the thread's first step to its last:
 *
 *      connect, with the key  ->  BEGIN, RESUME...  ->  OPENED or REFUSED  ->  at work  ->  CLOSED  ->  the end
 *
 * A client that does not say BEGIN in time is cut, as one is that does not say HELLO.
 */
#include "broker/relay/agent.h"

#include "bus/os/clock.h"
#include "clients/c/bus.h"
#include "named-objects/sentence.h"

#include <stdlib.h>
#include <string.h>

#define BEGIN_NS      INT64_C(5000000000)
#define LAST_WORDS_NS INT64_C(1000000000)
#define LOOK_NS       INT64_C(250000000) /* while the stream is full: has the right gone, or the broker? */
#define REPENT_NS     INT64_C(1000000000)

enum weir_result
wr_agent_room(struct wr_agent *agent)
{
        unsigned ready;
        enum weir_result result =
                wr_stream_wait(agent->stream, WR_STREAM_WRITE, WR_NO_OBJECT, wr_clock_ns() + LOOK_NS, &ready);

        if (wr_agent_is_stopping(agent) || wr_load32(&agent->bus->control.lost))
                return WEIR_E_CLOSED;
        if (agent->revoked && wr_load32_acquire(agent->revoked))
                return WEIR_E_DENIED; /* what is out may be anybody's soon */
        return result < 0 ? result : WEIR_OK;
}

static bool
has_room(const struct wr_agent *agent)
{
        return agent->out_end - agent->out_begin + WR_RECORD_BYTES_MAX <= sizeof agent->out;
}

enum weir_result
wr_agent_say(struct wr_agent *agent, const struct wr_record *record)
{
        enum weir_result result = WEIR_OK;

        while (result == WEIR_OK && !has_room(agent))
                if ((result = wr_agent_flush(agent)) == WEIR_FULL)
                        result = has_room(agent) ? WEIR_OK : wr_agent_room(agent);
        if (result < 0)
                return result;
        if (agent->out_begin > 0) {
                memmove(agent->out, agent->out + agent->out_begin, agent->out_end - agent->out_begin);
                agent->out_end -= agent->out_begin;
                agent->out_begin = 0;
        }
        agent->out_end += wr_record_encode(record, agent->out + agent->out_end);
        return WEIR_OK;
}

enum weir_result
wr_agent_flush(struct wr_agent *agent)
{
        while (agent->out_begin < agent->out_end) {
                struct wr_span span = { agent->out + agent->out_begin, agent->out_end - agent->out_begin };
                size_t done;
                enum weir_result result = wr_stream_write(agent->stream, &span, 1, &done);

                if (result != WEIR_OK)
                        return result;
                agent->out_begin += done;
        }
        agent->out_begin = agent->out_end = 0;
        return WEIR_OK;
}

enum weir_result
wr_agent_read(struct wr_agent *agent)
{
        struct wr_span span;
        enum weir_result result;
        size_t done;

        span.size = wr_intake_room(&agent->in, &span.at);
        if (span.size == 0)
                return WEIR_E_CORRUPT;
        result = wr_stream_read(agent->stream, &span, 1, &done);
        if (result == WEIR_OK)
                wr_intake_filled(&agent->in, done);
        return result;
}

void
wr_agent_advance(struct wr_span **spans, size_t *count, size_t done)
{
        while (*count != 0 && done >= (*spans)->size) {
                done -= (*spans)->size;
                ++*spans;
                --*count;
        }
        if (*count != 0) {
                (*spans)->at = (uint8_t *)(*spans)->at + done;
                (*spans)->size -= done;
        }
}

/* ---- the beginning --------------------------------------------------------------------------------------------- */

/* The next record, of those without payload. */
static enum weir_result
record_await(struct wr_agent *agent, struct wr_record *record, enum wr_record_kind kind, int64_t deadline_ns,
             char *sentence, size_t room)
{
        const char *why = "";
        enum weir_result result;
        unsigned ready;

        while ((result = wr_intake_next(&agent->in, record, &why)) == WEIR_EMPTY) {
                result = wr_agent_read(agent);
                if (result == WEIR_EMPTY) {
                        result = wr_stream_wait(agent->stream, WR_STREAM_READ, WR_NO_OBJECT, deadline_ns, &ready);
                        if (result == WEIR_EMPTY) {
                                wr_sentence(sentence, room, "nothing was said on the stream in time");
                                return WEIR_E_CORRUPT;
                        }
                }
                if (result < 0)
                        return result;
        }
        if (result == WEIR_OK && record->kind == kind)
                return WEIR_OK;
        wr_sentence(sentence, room, "the stream does not begin as one of weir does: %s",
                    result == WEIR_OK ? wr_record_name(record->kind) : why);
        return WEIR_E_CORRUPT;
}

static enum weir_result
begin_await(struct wr_agent *agent, char *sentence, size_t room)
{
        int64_t deadline_ns = wr_clock_ns() + BEGIN_NS;
        struct wr_record record;
        enum weir_result result = record_await(agent, &record, WR_RECORD_BEGIN, deadline_ns, sentence, room);

        if (result < 0)
                return result;
        if (record.begin.version != WR_RECORD_VERSION) {
                wr_sentence(sentence, room,
                            "version: your weir speaks version %u on a stream, this broker %d. Update the"
                            " older",
                            record.begin.version, WR_RECORD_VERSION);
                return WEIR_E_VERSION;
        }
        if (record.begin.resumes > WR_RECORD_RESUMES_MAX) {
                wr_sentence(sentence, room, "it resumes more than %d publishers", WR_RECORD_RESUMES_MAX);
                return WEIR_E_CORRUPT;
        }
        agent->resume = record.begin.resumes ? calloc(record.begin.resumes, sizeof *agent->resume) : NULL;
        for (uint32_t i = 0, count = record.begin.resumes; i < count; i++) {
                result = record_await(agent, &record, WR_RECORD_RESUME, deadline_ns, sentence, room);
                if (result < 0)
                        return result;
                if (agent->resume)
                        agent->resume[agent->resumes++] = record.resume;
        }
        return WEIR_OK;
}

static enum weir_result
connect(struct wr_agent *agent, char *sentence, size_t room)
{
        const struct weir_options options = { .size = sizeof options,
                                              .address = agent->address,
                                              .open_timeout_ns = -1 };
        enum weir_result result = wr_bus_open(&agent->bus, &options, agent->key);

        if (result == WEIR_OK) {
                agent->wakeup = weir_wakeup(agent->bus);
                if (agent->wakeup == WR_NO_OBJECT)
                        result = WEIR_E_NO_MEMORY;
        }
        if (result < 0)
                wr_sentence(sentence, room, "the relay's agent in the broker could not begin: %s", weir_error());
        return result;
}

/* Who opens too many has to wait. Who hung up meanwhile is found out by the first read. */
static void
turn_await(const struct wr_agent *agent)
{
        unsigned ready;

        if (agent->turn_ns > wr_clock_ns())
                wr_stream_wait(agent->stream, 0, WR_NO_OBJECT, agent->turn_ns, &ready);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

/* All that waits is written, or it is too late for it. */
static enum weir_result
flush_until(struct wr_agent *agent, int64_t deadline_ns)
{
        enum weir_result result;
        unsigned ready;

        while ((result = wr_agent_flush(agent)) == WEIR_FULL && !wr_agent_is_stopping(agent)) {
                result = wr_stream_wait(agent->stream, WR_STREAM_WRITE, WR_NO_OBJECT, deadline_ns, &ready);
                if (result != WEIR_OK)
                        break;
        }
        return result;
}

static void
last_words(struct wr_agent *agent, enum weir_result result, const char *sentence)
{
        struct wr_record closed = { .kind = WR_RECORD_CLOSED };
        int64_t deadline_ns = wr_clock_ns() + LAST_WORDS_NS;

        if (result == WEIR_E_CLOSED)
                return;
        closed.closed.reason = result;
        wr_sentence(closed.closed.text, sizeof closed.closed.text, "%s", sentence);
        if (flush_until(agent, deadline_ns) == WEIR_OK && wr_agent_say(agent, &closed) == WEIR_OK)
                flush_until(agent, deadline_ns);
}

static void
refuse(struct wr_agent *agent, enum weir_result result, const char *sentence)
{
        struct wr_record refused = { .kind = WR_RECORD_REFUSED };

        refused.refused.result = result;
        wr_sentence(refused.refused.sentence, sizeof refused.refused.sentence, "%s", sentence);
        if (wr_agent_say(agent, &refused) == WEIR_OK)
                wr_agent_flush(agent); /* the first words on it: there is room */
}

/* Whoever talks garbage would come again at once, and keep the broker's processor from others: so it is cut once a
 * second, for each relay that it may have. Who hangs up is not waited for. */
static void
repent(const struct wr_agent *agent)
{
        unsigned ready;

        wr_stream_wait(agent->stream, 0, WR_NO_OBJECT, wr_clock_ns() + REPENT_NS, &ready);
}

void *
wr_agent_main(void *argument)
{
        struct wr_agent *agent = argument;
        char sentence[768] = "";
        wr_object stream = agent->stream;
        enum weir_result result;

        turn_await(agent);
        result = wr_agent_is_stopping(agent) ? WEIR_E_CLOSED : connect(agent, sentence, sizeof sentence);
        if (result == WEIR_OK)
                result = begin_await(agent, sentence, sizeof sentence);
        if (result < 0) {
                refuse(agent, result, sentence);
        } else {
                result = agent->request.kind == WR_PUBLISH ? wr_agent_publish(agent, sentence, sizeof sentence)
                                                           : wr_agent_subscribe(agent, sentence, sizeof sentence);
                last_words(agent, result, sentence);
        }
        if (result == WEIR_E_CORRUPT)
                repent(agent);
        weir_close(agent->bus);
        wr_mutex_lock(agent->lock);
        agent->stream = WR_NO_OBJECT;
        wr_mutex_unlock(agent->lock);
        wr_object_close(stream);
        free(agent->resume);
        wr_store32_release(&agent->has_ended, 1);
        return NULL;
}
