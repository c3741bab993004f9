/*
 * Names of topics as the frames of a pattern point at them: one object per topic, shared by its lanes, so that equal
 * topics are equal pointers. It stays while a lane or a frame that is out has it. Nothing is counted per frame: when
 * a lane arrives, names that have no lane any more are looked for in all frames.
 *
 *      the control thread    lane comes: hold, lane goes: let go
 *      the taking thread     lane is adopted: collect; only here can frames get a name, so only here can one go
 */
#include "clients/c/subscriber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lock is held. */
static struct wr_name *
name_find(struct weir_subscriber *s, const char *topic)
{
        struct wr_name *name = s->names;

        while (name && strcmp(name->text, topic) != 0)
                name = name->next;
        return name;
}

enum weir_result
wr_name_hold(struct weir_subscriber *s, struct wr_lane_link *lane, const char *topic)
{
        struct wr_name *name;

        lane->topic = s->topic;
        if (!s->is_pattern)
                return WEIR_OK;
        wr_mutex_lock(&s->lock);
        name = name_find(s, topic);
        if (!name && (name = calloc(1, sizeof *name))) {
                snprintf(name->text, sizeof name->text, "%s", topic);
                name->next = s->names;
                s->names = name;
        }
        if (name) {
                name->lanes += 1;
                lane->topic = name->text;
                lane->topic_name = name;
        }
        wr_mutex_unlock(&s->lock);
        return name ? WEIR_OK : WEIR_E_NO_MEMORY;
}

void
wr_name_let_go(struct weir_subscriber *s, struct wr_lane_link *lane)
{
        if (!lane->topic_name)
                return;
        wr_mutex_lock(&s->lock);
        lane->topic_name->lanes -= 1;
        s->has_idle_name |= lane->topic_name->lanes == 0;
        wr_mutex_unlock(&s->lock);
        lane->topic_name = NULL;
}

static bool
name_is_out(const struct weir_subscriber *s, const struct wr_name *name)
{
        for (uint32_t i = 0; i < s->frames_max; i++)
                if (wr_load32_acquire(&s->frames[i].out) && s->frames[i].open.topic == name->text)
                        return true;
        return false;
}

void
wr_names_collect(struct weir_subscriber *s)
{
        struct wr_name **at = &s->names, *name;

        if (!s->has_idle_name)
                return;
        s->has_idle_name = false;
        while ((name = *at)) {
                if (name->lanes > 0 || name_is_out(s, name)) {
                        s->has_idle_name |= name->lanes == 0;
                        at = &name->next;
                        continue;
                }
                *at = name->next;
                free(name);
        }
}

void
wr_names_free(struct weir_subscriber *s)
{
        struct wr_name *name;

        while ((name = s->names)) {
                s->names = name->next;
                free(name);
        }
}
