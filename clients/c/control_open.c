/*
 * How a control thread begins and ends: a descriptor table of its own, the search for a broker, hello and welcome.
 *
 *      for each address, in the documented order: connect, check who listens, HELLO -> WELCOME
 *      none? again, until the opener's time is up; the sentence then names every place that was tried
 *      a REFUSAL ends the search: that broker is the right one, and it said no
 */
#include "bus/layout.h"
#include "bus/os/clock.h"
#include "bus/os/process.h"
#include "clients/c/bus.h"
#include "clients/c/control_wire.h"
#include "clients/c/error.h"
#include "named-objects/address.h"
#include "named-objects/flag.h"
#include "named-objects/sentence.h"
#include "named-objects/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_TIMEOUT_NS  INT64_C(2000000000)
#define HELLO_TIMEOUT_NS INT64_C(2000000000)
#define AGAIN_NS         INT64_C(20000000)  /* between two rounds of the search */
#define AGAIN_KEY_NS     INT64_C(200000000) /* ... of which one ended at somebody who does not know our ticket */

/* ---- in the opener's thread ---- */

static enum weir_result
thread_start(struct wr_control *c)
{
        if (!wr_thread_start(&c->thread, wr_control_main, c, 0))
                return wr_error(WEIR_E_NO_MEMORY, "cannot start the control thread of a bus: no thread is left, or no"
                                                  " memory for its stack");
        return WEIR_OK;
}

static enum weir_result
opening_wait(struct wr_control *c, struct wr_question *opening)
{
        wr_mutex_lock(&c->lock);
        while (!opening->done)
                wr_cond_wait(&c->answered, &c->lock);
        wr_mutex_unlock(&c->lock);
        return opening->result < 0 ? wr_error(opening->result, "%s", opening->sentence) : WEIR_OK;
}

enum weir_result
wr_control_open(struct weir *bus, const struct weir_options *options)
{
        struct wr_control *c = &bus->control;
        struct wr_question opening = { .job.run = NULL };
        char sentence[WR_CONTROL_SENTENCE_MAX];
        enum weir_result result;

        *c = (struct wr_control){ .bus = bus, .options = options, .questions = &opening };
        c->connection = c->wake = WR_NO_OBJECT;
        c->embed = options->embed;
        if (options->name)
                snprintf(c->name, sizeof c->name, "%s", options->name);
        else
                wr_process_name(c->name, sizeof c->name);
        wr_store32(&c->lost, 1); /* until a broker said welcome */
        c->jobs_end = &c->jobs;
        c->letters_end = &c->letters;
        if (!wr_control_has_objects(c, 2, sentence, sizeof sentence))
                return wr_error(WEIR_E_QUOTA, "cannot open a bus: %s", sentence);
        result = wr_flag_create(&c->wake);
        if (result == WEIR_E_QUOTA)
                return wr_error(result,
                                "cannot open a bus: all %u descriptors of this process are in use, it needs %u: "
                                "raise RLIMIT_NOFILE (ulimit -n)",
                                wr_watch_objects_now(), wr_watch_objects_now() + 2);
        if (result < 0)
                return wr_error_cannot(result, "make the wake flag of", "a bus");
        wr_mutex_init(&c->lock);
        wr_cond_init(&c->answered);
        wr_bus_hold(bus); /* the thread's */
        result = thread_start(c);
        if (result == WEIR_OK) {
                result = opening_wait(c, &opening);
                if (result < 0)
                        wr_thread_join(c->thread);
        }
        if (result < 0) {
                wr_object_close(c->wake);
                wr_bus_drop(bus);
        }
        return result;
}

static void
control_ending(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job;

        wr_mutex_lock(&c->lock);
        c->ending = true;
        wr_mutex_unlock(&c->lock);
        q->result = c->lanes > 0 || c->contends ? WEIR_FULL : WEIR_OK;
        wr_control_answered(c, q);
}

void
wr_control_close(struct wr_control *c)
{
        struct wr_question q = { .job.run = NULL };
        wr_thread thread = c->thread;
        wr_object wake = c->wake;

        wr_bus_hold(c->bus); /* a thread that goes on may end, and free the rest, at any time */
        if (wr_control_do(c, &q, control_ending) == WEIR_OK)
                wr_thread_join(thread);
        else
                wr_thread_detach(thread);
        wr_object_close(wake);
        wr_bus_drop(c->bus);
}

/* ---- in the control thread ---- */

static bool
is_watched(wr_object line)
{
        struct wr_watch watch = { .object = line };

        wr_watch_wait(&watch, 1, 0);
        return !watch.hung_up;
}

/* The system knows whose end is still open: that of a peer for as long as it has a lane or a pair with us that was made
 * in the time of that broker, that of the broker until it is dead, and whatever is on its way. */
static void
lines_prune(struct wr_control *c)
{
        uint32_t kept = 0;

        for (uint32_t i = 0; i < c->line_count; i++)
                if (is_watched(c->lines[i]))
                        c->lines[kept++] = c->lines[i];
                else
                        wr_object_close(c->lines[i]);
        c->line_count = kept;
}

static enum weir_result
line_keep(struct wr_control *c, wr_object line)
{
        wr_object *lines;

        if (line != WR_NO_OBJECT) { /* else peers watch our process */
                lines = realloc(c->lines, (c->line_count + 1) * sizeof *lines);
                if (!lines)
                        return WEIR_E_NO_MEMORY;
                c->lines = lines;
                c->lines[c->line_count++] = line;
        }
        c->era += 1;
        return WEIR_OK;
}

enum weir_result
wr_control_welcome(struct wr_control *c, const struct wr_message *m, wr_object *objects, char *sentence, size_t room)
{
        if (m->kind == WR_REFUSAL) {
                wr_sentence(sentence, room, "%s", m->refusal.sentence);
                return m->refusal.result < 0 ? (enum weir_result)m->refusal.result : WEIR_E_DENIED;
        }
        if (m->kind != WR_WELCOME) {
                wr_sentence(sentence, room, "it answered HELLO with %s", wr_message_name(m->kind));
                return WEIR_E_CORRUPT;
        }
        if (m->welcome.layout != WR_LAYOUT) {
                wr_sentence(sentence, room, "its layout of shared memory is version %u, this library's is %d",
                            m->welcome.layout, WR_LAYOUT);
                return WEIR_E_VERSION;
        }
        if (line_keep(c, objects[0]) < 0) {
                wr_sentence(sentence, room, "there is no memory for its life-line");
                return WEIR_E_NO_MEMORY;
        }
        objects[0] = WR_NO_OBJECT;
        c->session = m->welcome.session;
        snprintf(c->identity, sizeof c->identity, "%s", m->welcome.identity);
        c->phase = WR_PHASE_SERVED;
        c->heard_ns = wr_clock_ns();
        wr_store32_release(&c->lost, 0);
        return WEIR_OK;
}

/* Waits for the answer to HELLO. */
static enum weir_result
hello_answer(struct wr_control *c, char *sentence, size_t room)
{
        struct wr_watch watch = { .object = c->connection, .read = true };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        int64_t deadline_ns = wr_bus_deadline(HELLO_TIMEOUT_NS), left_ns;
        wr_object object = WR_NO_OBJECT;
        struct wr_message m;
        size_t size, count = 1;
        enum weir_result result;

        while ((result = wr_control_wire_receive(c, bytes, sizeof bytes, &size, &object, &count)) == WEIR_EMPTY) {
                left_ns = deadline_ns - wr_clock_ns();
                if (left_ns <= 0) {
                        wr_sentence(sentence, room, "it listens, but does not answer");
                        return WEIR_E_NO_BROKER;
                }
                wr_watch_wait(&watch, 1, left_ns);
                count = 1;
        }
        if (result < 0) {
                wr_sentence(sentence, room, "it hung up");
                return WEIR_E_NO_BROKER;
        }
        if (count == 0)
                object = WR_NO_OBJECT;
        result = wr_message_decode(bytes, size, &m, NULL);
        if (result < 0 || wr_control_wire_objects_due(c, m.kind) != count) {
                wr_sentence(sentence, room, "it speaks another protocol than version %d of this library", WR_PROTOCOL);
                result = WEIR_E_VERSION;
        } else {
                result = wr_control_welcome(c, &m, &object, sentence, room);
        }
        wr_object_close(object);
        return result;
}

/* For tests, and for who suspects it. */
bool
wr_control_maps_nothing(void)
{
        const char *path = getenv("WEIR_PATH");

        return path && (strcmp(path, "pipe") == 0 || strcmp(path, "tcp") == 0);
}

enum weir_result
wr_control_hello(struct wr_control *c, const char *address, char *sentence, size_t room)
{
        struct wr_message hello = { .kind = WR_HELLO, .request = 1, .hello = { .layout = WR_LAYOUT } };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        enum weir_result result;

        lines_prune(c); /* first, so that there is a descriptor for the new one */
        result = wr_control_wire_open(c, address, sentence, room);
        if (result < 0)
                return result;
        if (c->embed)
                hello.hello.flags = WR_HELLO_MAY_EMBED;
        if (wr_control_maps_nothing())
                hello.hello.flags |= WR_HELLO_NO_MEMORY;
        if (c->bus->stands_in[0])
                hello.hello.flags = WR_HELLO_STANDS_IN;
        memcpy(hello.hello.key, c->bus->stands_in, sizeof hello.hello.key);
        memcpy(hello.hello.name, c->name, sizeof hello.hello.name);
        result = wr_control_wire_send(c, bytes, wr_message_encode(&hello, bytes));
        /* Who is refused at the door is told why before it speaks. */
        return result == WEIR_E_CLOSED ? WEIR_OK : result;
}

static enum weir_result
say_hello(struct wr_control *c, const char *address, char *sentence, size_t room)
{
        enum weir_result result = wr_control_hello(c, address, sentence, room);

        if (result == WEIR_OK)
                result = hello_answer(c, sentence, room);
        if (result == WEIR_OK) {
                wr_sentence(c->address, sizeof c->address, "%s", address);
                return WEIR_OK;
        }
        wr_control_wire_close(c);
        return result;
}

/* One round over the list. WEIR_E_NO_BROKER: nobody there; `sentence` lists the places. */
static enum weir_result
try_each(struct wr_control *c, char list[][WR_ADDRESS_MAX], size_t count, char *sentence, size_t room)
{
        char why[512];
        size_t used = 0;

        wr_sentence(sentence, room, "%s", "");
        for (size_t i = 0; i < count; i++) {
                enum weir_result result;

                why[0] = 0;
                result = say_hello(c, list[i], why, sizeof why);
                if (result == WEIR_OK)
                        return WEIR_OK;
                if (result != WEIR_E_NO_BROKER) {
                        wr_sentence(sentence, room, "the broker at %s: %s", list[i],
                                    why[0] ? why : weir_result_text(result));
                        return result;
                }
                wr_sentence(sentence + used, room - used, "%s%s (%s)", i ? ", " : "", list[i],
                            why[0] ? why : "nobody listens");
                used = strlen(sentence);
        }
        return WEIR_E_NO_BROKER;
}

/* `address`: the one that was asked for; NULL: a broker that is told no place listens where we looked. */
static void
tell_none(char *sentence, size_t room, const char *tried, const char *address, bool is_unproven)
{
        const char *quote = address && strpbrk(address, " \t&;()$") ? "\"" : "";

        if (is_unproven)
                wr_sentence(sentence, room,
                            "no broker: tried %s. Tickets end with their broker: ask for a new one: weir ticket new "
                            "TOPIC --read",
                            tried);
        else if (address && wr_control_wire_is_tcp(address))
                wr_sentence(sentence, room,
                            "no broker: tried %s. Tickets end with their broker: start one, weir broker run "
                            "--allow-tcp %s, and ask for a new ticket: weir ticket new TOPIC --read",
                            tried, strrchr(address, ':') + 1);
        else if (address)
                wr_sentence(sentence, room, "no broker: tried %s. Start one: weir broker run -b %s%s%s", tried, quote,
                            address, quote);
        else
                wr_sentence(sentence, room, "no broker: tried %s. Start one: weir broker run", tried);
}

enum weir_result
wr_control_connect(struct wr_control *c, char *sentence, size_t room)
{
        char list[WR_ADDRESSES][WR_ADDRESS_MAX], tried[WR_CONTROL_SENTENCE_MAX - 128];
        const struct weir_options *o = c->options;
        int64_t deadline_ns = wr_bus_deadline(o->open_timeout_ns ? o->open_timeout_ns : OPEN_TIMEOUT_NS);
        struct wr_watch wake = { .object = c->wake, .read = true };
        size_t count = 1;
        enum weir_result result = wr_watch_own_table(&c->wake, 1);

        if (result < 0) {
                wr_sentence(sentence, room, "cannot give the control thread a descriptor table of its own: %s",
                            weir_result_text(result));
                return result;
        }
        if (!o->address && c->bus->held.ticket.id != 0)
                count = wr_ticket_addresses(c->bus, list, WR_ADDRESSES);
        else if (!o->address)
                count = wr_address_list(list, WR_ADDRESSES);
        else if (snprintf(list[0], sizeof list[0], "%s", o->address) >= (int)sizeof list[0])
                count = 0;
        if (count == 0 && c->bus->held.ticket.id != 0) {
                wr_sentence(sentence, room,
                            "the ticket names no broker that can be reached from here. Say where it is: "
                            "weir_options.address, or WEIR_BROKER");
                return WEIR_E_USAGE;
        }
        if (count == 0) {
                wr_sentence(sentence, room, "the address of the broker is longer than %d bytes", WR_ADDRESS_MAX - 1);
                return WEIR_E_USAGE;
        }
        while ((result = try_each(c, list, count, tried, sizeof tried)) == WEIR_E_NO_BROKER) {
                int64_t left_ns = deadline_ns - wr_clock_ns(), pause_ns = c->unproven_ns ? AGAIN_KEY_NS : AGAIN_NS;

                if (left_ns <= 0)
                        break;
                wr_watch_wait(&wake, 1, left_ns < pause_ns ? left_ns : pause_ns);
        }
        if (result == WEIR_E_NO_BROKER)
                tell_none(sentence, room, tried,
                          wr_control_wire_is_tcp(list[count - 1]) ? list[count - 1]
                          : o->address || getenv("WEIR_BROKER")   ? list[0]
                                                                  : NULL,
                          c->unproven_ns != 0);
        else if (result < 0)
                wr_sentence(sentence, room, "%s", tried);
        c->options = NULL; /* the opener's */
        return result;
}
