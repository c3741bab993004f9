/*
 * Connections as queues of messages. What is sent is there at once, as on a socket of this machine: it is the readers
 * that are late. A queue takes so many bytes and no more.
 */
#include "named-objects/endpoint.h"

#include "named-objects/sentence.h"
#include "tests/simulation/ledger.h"

#include <string.h>

enum { BACKLOG = 16 };

static struct sim_line lines[SIM_LINES_MAX];
static unsigned line_count;
static struct sim_packet packets[SIM_PACKETS_MAX], *packets_free;
static unsigned packet_count;

static struct {
        struct sim_object *object; /* NULL: nobody listens */
        struct sim_line *waiting[BACKLOG];
        unsigned count;
} places[SIM_LISTENERS_MAX];

void
sim_lines_clear(void)
{
        memset(lines, 0, line_count * sizeof(*lines));
        memset(places, 0, sizeof(places));
        line_count = packet_count = 0;
        packets_free = NULL;
}

unsigned
sim_line_count(void)
{
        return line_count;
}

struct sim_line *
sim_line_at(unsigned index)
{
        return &lines[index];
}

/* ---- packets -------------------------------------------------------------------------------------------------- */

static struct sim_packet *
packet_new(const void *bytes, size_t size)
{
        struct sim_packet *packet = packets_free;

        if (packet)
                packets_free = packet->next;
        else if (packet_count < SIM_PACKETS_MAX)
                packet = &packets[packet_count++];
        else
                return NULL;
        packet->next = NULL;
        packet->size = size;
        packet->count = 0;
        packet->has_objects = false;
        memcpy(packet->bytes, bytes, size);
        return packet;
}

void
sim_packet_free(struct sim_packet *packet)
{
        for (size_t i = 0; i < packet->count; i++)
                sim_object_drop(packet->objects[i]);
        packet->next = packets_free;
        packets_free = packet;
}

static bool
has_room(const struct sim_queue *queue, size_t size)
{
        return !queue->first || queue->bytes + size <= queue->room;
}

static void
push(struct sim_queue *queue, struct sim_packet *packet)
{
        if (queue->last)
                queue->last->next = packet;
        else
                queue->first = packet;
        queue->last = packet;
        queue->bytes += packet->size;
}

static struct sim_packet *
pop(struct sim_queue *queue)
{
        struct sim_packet *packet = queue->first;

        if (!packet)
                return NULL;
        queue->first = packet->next;
        if (!queue->first)
                queue->last = NULL;
        queue->bytes -= packet->size;
        packet->next = NULL;
        return packet;
}

static void
spill(struct sim_queue *queue)
{
        struct sim_packet *packet;

        while ((packet = pop(queue)))
                sim_packet_free(packet);
}

/* ---- the client's end ----------------------------------------------------------------------------------------- */

struct sim_line *
sim_line_connect(struct sim_client *client, unsigned listener)
{
        struct sim_line *line = &lines[line_count];

        if (!places[listener].object || places[listener].count == BACKLOG || line_count == SIM_LINES_MAX)
                return NULL;
        line_count++;
        line->client = client;
        line->listener = listener;
        line->to_broker.room = 2048 + sim_below(sim.plan.room_max);
        line->to_client.room = 2048 + sim_below(sim.plan.room_max);
        line->at_client = line->at_broker = true;
        places[listener].waiting[places[listener].count++] = line;
        return line;
}

bool
sim_line_send(struct sim_line *line, const void *bytes, size_t size, bool has_objects)
{
        struct sim_packet *packet;

        if (!line->at_broker)
                return true; /* into the void: its end will be read */
        if (!has_room(&line->to_broker, size))
                return false;
        packet = packet_new(bytes, size);
        if (!packet)
                return false;
        packet->has_objects = has_objects;
        push(&line->to_broker, packet);
        return true;
}

struct sim_packet *
sim_line_receive(struct sim_line *line)
{
        return pop(&line->to_client);
}

void
sim_line_hang_up(struct sim_line *line)
{
        line->at_client = false;
        line->client = NULL;
        spill(&line->to_client);
}

/* ---- the broker's end ----------------------------------------------------------------------------------------- */

unsigned
sim_socket_ready(const struct sim_line *line)
{
        unsigned ready = 0;

        if (line->to_broker.first || !line->at_client)
                ready |= WR_READY_READ;
        if (!line->at_client || has_room(&line->to_client, WR_MESSAGE_BYTES_MAX))
                ready |= WR_READY_WRITE;
        if (!line->at_client)
                ready |= WR_READY_HANGUP;
        return ready;
}

void
sim_line_broker_closed(struct sim_line *line)
{
        line->at_broker = false;
        spill(&line->to_broker);
        if (line->client)
                sim_client_wake(line->client);
        sim_trace("%u: the broker closes the connection", sim_client_pid(line));
}

static unsigned
place_of(const char *path)
{
        for (unsigned i = 0; i < SIM_LISTENERS_MAX; i++)
                if (strcmp(sim_listener_path(i), path) == 0)
                        return i;
        return SIM_LISTENERS_MAX;
}

enum weir_result
wr_endpoint_directory(const char *path, char *sentence, size_t room)
{
        sim_seam();
        if (strncmp(path, "/sim", 4) == 0)
                return WEIR_OK;
        wr_sentence(sentence, room, "'%s' is not ours", path);
        return WEIR_E_DENIED;
}

enum weir_result
wr_endpoint_listen(wr_object *number, const char *path, char *sentence, size_t room)
{
        unsigned place = place_of(path);
        struct sim_object *listener;
        enum weir_result result;

        sim_seam();
        *number = WR_NO_OBJECT;
        if (place == SIM_LISTENERS_MAX) {
                wr_sentence(sentence, room, "'%s' cannot be bound", path);
                return WEIR_E_DENIED;
        }
        listener = sim_object_new(SIM_LISTENER);
        result = sim_object_open(listener, number);
        if (result == WEIR_OK) {
                /* Renamed over the old one: who waits there waits for nobody any more. */
                for (unsigned i = 0; i < places[place].count; i++)
                        places[place].waiting[i]->at_broker = false;
                places[place].count = 0;
                places[place].object = listener;
        }
        return result;
}

/* There is one place, and it is ready. */
enum weir_result
wr_endpoint_place(const char *path, char *sentence, size_t room)
{
        (void)path;
        (void)sentence;
        (void)room;
        return WEIR_OK;
}

enum weir_result
wr_endpoint_lock_path(const char *path, uint32_t generation, char *lock, size_t lock_room, char *sentence, size_t room)
{
        (void)sentence;
        (void)room;
        if (generation == 0)
                wr_sentence(lock, lock_room, "%s.lock", path);
        else
                wr_sentence(lock, lock_room, "%s.lock.%u", path, (unsigned)generation);
        return WEIR_OK;
}

/* Doors of paths are open to whoever the directory lets in. */
enum weir_result
wr_endpoint_admit(wr_object number, const struct wr_sid *guests, size_t count)
{
        sim_object_at(number, SIM_LISTENER);
        (void)guests;
        (void)count;
        return WEIR_OK;
}

bool
wr_endpoint_owns(wr_object number, const char *path)
{
        const struct sim_object *listener = sim_object_at(number, SIM_LISTENER);
        unsigned place = place_of(path);

        sim_seam();
        return !sim.is_deposed && place < SIM_LISTENERS_MAX && places[place].object == listener;
}

/* A broker asks another one only when it contends with it; there is one process that may be the broker here. */
enum weir_result
wr_endpoint_connect(wr_object *connection, const char *path, char *sentence, size_t room)
{
        *connection = WR_NO_OBJECT;
        wr_sentence(sentence, room, "no broker listens at '%s'", path);
        return WEIR_E_NO_BROKER;
}

/* Nobody passes a socket to this broker. */
enum weir_result
wr_endpoint_adopt(wr_object listener, char *path, size_t path_room, char *sentence, size_t room)
{
        sim_object_at(listener, SIM_LISTENER);
        wr_sentence(path, path_room, "%s", "");
        wr_sentence(sentence, room, "it was passed by nobody");
        return WEIR_E_USAGE;
}

static void
forget(unsigned place)
{
        places[place].object = NULL;
        for (unsigned i = 0; i < places[place].count; i++) {
                places[place].waiting[i]->at_broker = false;
                spill(&places[place].waiting[i]->to_broker);
        }
        places[place].count = 0;
}

void
wr_endpoint_unlisten(wr_object number, const char *path)
{
        unsigned place = place_of(path);

        if (number == WR_NO_OBJECT)
                return;
        if (place < SIM_LISTENERS_MAX && places[place].object == sim_object_at(number, SIM_LISTENER))
                forget(place);
        wr_object_close(number);
}

bool
sim_listener_ready(const struct sim_object *listener)
{
        for (unsigned i = 0; i < SIM_LISTENERS_MAX; i++)
                if (places[i].object == listener)
                        return places[i].count > 0;
        return false;
}

enum weir_result
wr_endpoint_accept(wr_object number, wr_object *connection)
{
        struct sim_object *listener = sim_object_at(number, SIM_LISTENER), *socket;
        struct sim_line *line;
        unsigned place = 0;
        enum weir_result result;

        sim_seam();
        *connection = WR_NO_OBJECT;
        if (!sim_listener_ready(listener))
                return WEIR_EMPTY;
        while (places[place].object != listener)
                place++;
        line = places[place].waiting[0];
        socket = sim_object_new(SIM_SOCKET);
        socket->line = line;
        result = sim_object_open(socket, connection);
        if (result < 0)
                return result;
        places[place].count--;
        memmove(places[place].waiting, places[place].waiting + 1,
                places[place].count * sizeof(places[place].waiting[0]));
        line->socket = socket;
        line->is_accepted = true;
        line->accepted_ns = sim.now_ns;
        sim.idle_turns = 0;
        sim_trace("%u: accepted", sim_client_pid(line));
        return WEIR_OK;
}

enum weir_result
wr_endpoint_send(wr_object number, const void *bytes, size_t size, const wr_object *objects, size_t count)
{
        struct sim_line *line = sim_object_at(number, SIM_SOCKET)->line;
        struct sim_object *sent[WR_MESSAGE_DESCRIPTORS_MAX];
        struct wr_message message;
        struct sim_packet *packet;
        const char *why;

        sim_seam();
        if (size == 0 || size > WR_MESSAGE_BYTES_MAX || count > WR_MESSAGE_DESCRIPTORS_MAX)
                sim_fail("a message of %zu bytes with %zu descriptors is sent", size, count);
        for (size_t i = 0; i < count; i++)
                sent[i] = sim_object_any(objects[i]);
        if (!line->at_client)
                return WEIR_E_CLOSED;
        if (!has_room(&line->to_client, size)) {
                line->was_full = true;
                return WEIR_FULL;
        }
        if (count > 0 && sim_one_in(sim.plan.flight_odds)) {
                line->was_full = true;
                return WEIR_E_QUOTA;
        }
        if (wr_message_decode(bytes, size, &message, &why) != WEIR_OK)
                sim_fail("the broker sends what is no message: %s", why);
        packet = packet_new(bytes, size);
        if (!packet)
                return WEIR_FULL;
        for (size_t i = 0; i < count; i++) {
                packet->objects[packet->count++] = sent[i];
                sent[i]->others++;
        }
        push(&line->to_client, packet);
        if (line->client)
                sim_client_wake(line->client);
        sim.said++;
        sim.idle_turns = 0;
        ledger_said(line, &message, sent, count);
        return WEIR_OK;
}

/* Its client is gone: what it said is looked through, and not heard any more. */
static bool
is_doomed(wr_object number)
{
        WR_LIST_EACH(link, &sim.server.doomed)
        {
                if (WR_LIST_OWNER(link, struct wr_session, doomed_link)->connection.hook.object == number)
                        return true;
        }
        return false;
}

enum weir_result
wr_endpoint_receive(wr_object number, void *bytes, size_t room, size_t *size, wr_object *objects, size_t *count)
{
        struct sim_line *line = sim_object_at(number, SIM_SOCKET)->line;
        bool is_read = sim_loop_has(number); /* else it is drained, and nobody hears what it says */
        struct sim_packet *packet;
        struct wr_message message;
        bool is_whole;

        (void)objects;
        sim_seam();
        *size = 0;
        if (count == NULL || *count != 0)
                sim_fail("the broker takes descriptors from a client");
        if (!line->to_broker.first)
                return line->at_client ? WEIR_EMPTY : WEIR_E_CLOSED;
        packet = pop(&line->to_broker);
        is_whole = packet->size <= room && !packet->has_objects;
        if (is_whole) {
                *size = packet->size;
                memcpy(bytes, packet->bytes, packet->size);
        }
        sim.heard++;
        sim.idle_turns = 0;
        if (is_read && is_doomed(number))
                ledger_heard_last(line, packet->bytes, packet->size);
        else if (is_read)
                ledger_heard(line, is_whole && wr_message_decode(packet->bytes, packet->size, &message, NULL) == WEIR_OK
                                           ? &message
                                           : NULL);
        else if (is_whole && wr_message_decode(packet->bytes, packet->size, &message, NULL) == WEIR_OK)
                line->is_bye_lost |= message.kind == WR_BYE;
        sim_packet_free(packet);
        return is_whole ? WEIR_OK : WEIR_E_CORRUPT;
}
