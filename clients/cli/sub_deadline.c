/*
 * Two things tell that a deadline was missed: the times of publishing of two frames in a row, when both are here and
 * none was lost between them, and a look that finds nothing when the next frame is overdue. The look's time is taken
 * before it, so that a frame that is there at its last moment counts as there.
 */
#include "clients/cli/sub_deadline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sub_deadline_topic {
        char name[208];
        int64_t last_ns; /* when its last frame was published */
};

static struct sub_deadline_topic *
topic_of(struct sub_deadline *deadline, const char *name)
{
        struct sub_deadline_topic *grown;

        for (size_t i = 0; i < deadline->count; i++)
                if (strcmp(deadline->topics[i].name, name) == 0)
                        return &deadline->topics[i];
        grown = realloc(deadline->topics, (deadline->count + 1) * sizeof *grown);
        if (grown == NULL)
                return NULL;
        deadline->topics = grown;
        grown += deadline->count++;
        snprintf(grown->name, sizeof grown->name, "%s", name);
        grown->last_ns = 0;
        return grown;
}

static bool
miss(struct sub_deadline *deadline, const char *topic, int64_t gap_ns)
{
        deadline->is_missed = true;
        snprintf(deadline->text, sizeof deadline->text, "'%s' had no frame for %.3f ms, %.3f ms are allowed", topic,
                 (double)gap_ns / 1e6, (double)deadline->limit_ns / 1e6);
        return false;
}

bool
sub_deadline_frame(struct sub_deadline *deadline, const struct weir_frame *frame)
{
        struct sub_deadline_topic *topic;
        int64_t before_ns;

        if (deadline->limit_ns == 0 || (frame->about.flags & WEIR_OLD))
                return true; /* history may be as old as it likes */
        topic = topic_of(deadline, frame->topic);
        if (topic == NULL) {
                deadline->is_missed = true;
                snprintf(deadline->text, sizeof deadline->text, "no memory to watch over '%s'", frame->topic);
                return false;
        }
        before_ns = topic->last_ns;
        if (frame->published_ns > before_ns)
                topic->last_ns = frame->published_ns;
        if (before_ns == 0 || frame->lost > 0 || frame->skipped > 0 ||
            frame->published_ns - before_ns <= deadline->limit_ns)
                return true;
        return miss(deadline, frame->topic, frame->published_ns - before_ns);
}

bool
sub_deadline_silence(struct sub_deadline *deadline, int64_t looked_ns)
{
        for (size_t i = 0; deadline->limit_ns > 0 && i < deadline->count; i++)
                if (looked_ns - deadline->topics[i].last_ns > deadline->limit_ns)
                        return miss(deadline, deadline->topics[i].name, looked_ns - deadline->topics[i].last_ns);
        return true;
}

int64_t
sub_deadline_next_ns(const struct sub_deadline *deadline)
{
        int64_t next_ns = INT64_MAX;

        for (size_t i = 0; deadline->limit_ns > 0 && i < deadline->count; i++)
                if (deadline->topics[i].last_ns + deadline->limit_ns < next_ns)
                        next_ns = deadline->topics[i].last_ns + deadline->limit_ns + 1;
        return next_ns;
}

void
sub_deadline_close(struct sub_deadline *deadline)
{
        if (deadline->limit_ns > 0 && deadline->count == 0 && !deadline->is_missed) {
                deadline->is_missed = true;
                snprintf(deadline->text, sizeof deadline->text, "no frame came at all");
        }
        free(deadline->topics);
        deadline->topics = NULL;
        deadline->count = 0;
}
