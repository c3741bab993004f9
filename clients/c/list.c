/*
 * What the broker knows of everybody: lists that come as many messages and one DONE. They are kept until the last one
 * is here and then told row by row in the asker's own thread, so that a call back may take its time, or ask again.
 */
#include "clients/c/list.h"

#include "clients/c/bus.h"
#include "clients/c/error.h"

#include <stdio.h>
#include <stdlib.h>

#define ANSWER_TIMEOUT_NS INT64_C(2000000000)

struct list_row {
        struct list_row *next;
        struct wr_message message;
};

struct list {
        struct list_row *rows, **end;
};

static bool
list_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        struct list *list = q->subject;
        struct list_row *row;

        (void)c, (void)objects;
        if (m->kind == WR_DONE) {
                q->result = m->done.result < 0 ? (enum weir_result)m->done.result : WEIR_OK;
                snprintf(q->sentence, sizeof q->sentence, "the list is not whole: %s", weir_result_text(q->result));
                return true;
        }
        row = malloc(sizeof *row);
        if (!row)
                return false; /* the rest of the list may still do */
        row->next = NULL;
        row->message = *m;
        *list->end = row;
        list->end = &row->next;
        return false;
}

static struct weir_row
row_of(const struct wr_message *m)
{
        const struct wr_message_endpoint *e = &m->endpoint;

        if (m->kind == WR_TOPIC)
                return (struct weir_row){ .size = sizeof(struct weir_row),
                                          .publishers = m->topic.publishers,
                                          .subscribers = m->topic.subscribers,
                                          .topic = m->topic.topic,
                                          .type = m->topic.type,
                                          .name = "",
                                          .identity = "",
                                          .why = "" };
        return (struct weir_row){
                .size = sizeof(struct weir_row),
                .publishes = e->publishes,
                .pid = e->pid,
                .delivery = e->delivery,
                .path = e->path,
                .peers = e->peers,
                .id = e->id,
                .source = e->source,
                .frames = e->frames,
                .bytes = e->bytes,
                .lost = e->lost,
                .skipped = e->skipped,
                .corrupt = e->corrupt,
                .full = e->full,
                .waits = e->waits,
                .out = e->out,
                .memory_bytes = e->memory_bytes,
                .copied_bytes = e->copied_bytes,
                .lag_frames = e->lag_frames,
                .lag_ns = e->lag_ns,
                .why = e->why,
                .topic = e->topic,
                .type = e->type,
                .name = e->name,
                .identity = e->identity,
        };
}

enum weir_result
wr_list_ask(struct weir *bus, struct wr_question *q, bool (*tell)(const struct wr_message *m, void *visit), void *visit)
{
        struct list list = { .end = &list.rows };
        struct list_row *at, *next;
        enum weir_result result;
        bool wanted = true;

        q->answer = list_answer;
        q->subject = &list;
        result = wr_control_ask(&bus->control, q, ANSWER_TIMEOUT_NS);
        q->subject = NULL; /* list ends here */
        for (at = list.rows; at; at = next) {
                next = at->next;
                wanted = wanted && result == WEIR_OK && tell(&at->message, visit);
                free(at);
        }
        return result;
}

/* The call back of the one who asked. */
struct list_visit {
        int (*row)(const struct weir_row *row, void *user);
        int (*seat)(const struct weir_seat *seat, void *user);
        void *user;
};

static bool
row_tell(const struct wr_message *m, void *visit)
{
        const struct list_visit *v = visit;
        struct weir_row row = row_of(m);

        return v->row(&row, v->user) == 0;
}

enum weir_result WEIR_CALL
weir_list(struct weir *bus, const char *pattern, int endpoints, int (*row)(const struct weir_row *row, void *user),
          void *user)
{
        struct wr_question q = { .message.kind = WR_LIST };
        enum weir_result result = wr_bus_check(bus);

        if (result == WEIR_OK && !row)
                result = wr_error(WEIR_E_USAGE, "weir_list has nobody to tell");
        if (result < 0)
                return result;
        q.message.list.endpoints = endpoints ? 1 : 0;
        snprintf(q.message.list.pattern, sizeof q.message.list.pattern, "%s", pattern ? pattern : "**");
        return wr_list_ask(bus, &q, row_tell, &(struct list_visit){ .row = row, .user = user });
}

static struct weir_seat
refused_of(const struct wr_message_refused *m)
{
        return (struct weir_seat){
                .size = sizeof(struct weir_seat),
                .role = WEIR_SEAT_REFUSED,
                .pid = m->pid,
                .reason = m->result,
                .times = m->times,
                .age_ns = m->age_ns,
                .topic = m->topic,
                .name = m->name,
                .identity = m->identity,
                .text = m->sentence,
        };
}

static struct weir_seat
seat_of(const struct wr_message_seat *m)
{
        return (struct weir_seat){
                .size = sizeof(struct weir_seat),
                .role = m->role,
                .pid = m->pid,
                .delivery = m->delivery,
                .path = m->path,
                .peers = m->peers,
                .times = 1,
                .session = m->session,
                .id = m->id,
                .age_ns = m->age_ns,
                .frames = m->frames,
                .lost = m->lost,
                .lag_frames = m->lag_frames,
                .lag_ns = m->lag_ns,
                .out = m->out,
                .held = m->held,
                .held_bytes = m->held_bytes,
                .topic = m->topic,
                .name = m->name,
                .identity = m->identity,
                .text = "",
        };
}

static bool
seat_tell(const struct wr_message *m, void *visit)
{
        const struct list_visit *v = visit;
        struct weir_seat seat = m->kind == WR_REFUSED ? refused_of(&m->refused) : seat_of(&m->seat);

        return v->seat(&seat, v->user) == 0;
}

enum weir_result WEIR_CALL
weir_who(struct weir *bus, const char *pattern, int refusals, int (*seat)(const struct weir_seat *seat, void *user),
         void *user)
{
        struct wr_question q = { .message.kind = WR_WHO };
        enum weir_result result = wr_bus_check(bus);

        if (result == WEIR_OK && !seat)
                result = wr_error(WEIR_E_USAGE, "weir_who has nobody to tell");
        if (result < 0)
                return result;
        q.message.who.refusals = refusals ? 1 : 0;
        snprintf(q.message.who.pattern, sizeof q.message.who.pattern, "%s", pattern ? pattern : "**");
        return wr_list_ask(bus, &q, seat_tell, &(struct list_visit){ .seat = seat, .user = user });
}
