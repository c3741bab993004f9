/*
 * Two things tell that a deadline was missed: the times of publishing of two frames in a row, when both are here and
 * none was lost between them, and a look that finds nothing when the next frame is overdue. The look's time is taken
 * before it, so that a frame that is there at its last moment counts as there.
 *
 *      start ──── nobody publishes ───► MEET_NS or the deadline, whichever is later
 *      join  ──── no frame yet ───────► the deadline
 *      frame ──── no further one ─────► the deadline
 */
#include "clients/cli/sub_deadline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What publishers that are there take at most to be met: a short deadline shall not blame them for that. */
#define MEET_NS INT64_C(1000000000)

struct sub_deadline_topic {
        char name[208];
        int64_t last_ns; /* when its last frame was published, or its first publisher joined */
        bool has_frames;
};

void
sub_deadline_begin(struct sub_deadline *deadline, const char *wanted, int64_t limit_ns, int64_t now_ns)
{
        *deadline = (struct sub_deadline){ .limit_ns = limit_ns, .wanted = wanted, .alone_ns = now_ns };
}

static struct sub_deadline_topic *
topic_of(struct sub_deadline *deadline, const char *name)
{
        struct sub_deadline_topic *grown;

        for (size_t i = 0; i < deadline->count; i++)
                if (strcmp(deadline->topics[i].name, name) == 0)
                        return &deadline->topics[i];
        grown = realloc(deadline->topics, (deadline->count + 1) * sizeof *grown);
        if (grown == NULL) {
                deadline->is_missed = true;
                snprintf(deadline->text, sizeof deadline->text, "no memory to watch over '%s'", name);
                return NULL;
        }
        deadline->topics = grown;
        grown += deadline->count++;
        *grown = (struct sub_deadline_topic){ .last_ns = 0 };
        snprintf(grown->name, sizeof grown->name, "%s", name);
        return grown;
}

static bool
miss(struct sub_deadline *deadline, const char *topic, const char *since, int64_t gap_ns)
{
        deadline->is_missed = true;
        snprintf(deadline->text, sizeof deadline->text, "'%s' had no frame for %.3f ms%s, %.3f ms are allowed", topic,
                 (double)gap_ns / 1e6, since, (double)deadline->limit_ns / 1e6);
        return false;
}

void
sub_deadline_joined(struct sub_deadline *deadline, const char *topic, int64_t now_ns)
{
        struct sub_deadline_topic *found;

        if (deadline->limit_ns == 0)
                return;
        deadline->alone_ns = 0;
        found = topic_of(deadline, topic);
        if (found != NULL && found->last_ns == 0)
                found->last_ns = now_ns;
}

bool
sub_deadline_frame(struct sub_deadline *deadline, const struct weir_frame *frame)
{
        struct sub_deadline_topic *topic;
        int64_t before_ns;
        bool is_first;

        deadline->has_frames = true;
        if (deadline->limit_ns == 0 || (frame->about.flags & WEIR_OLD))
                return true; /* history may be as old as it likes */
        deadline->alone_ns = 0;
        topic = topic_of(deadline, frame->topic);
        if (topic == NULL)
                return false;
        is_first = !topic->has_frames;
        before_ns = topic->last_ns;
        topic->has_frames = true;
        if (frame->published_ns > before_ns)
                topic->last_ns = frame->published_ns;
        if (is_first || frame->lost > 0 || frame->skipped > 0 || frame->published_ns - before_ns <= deadline->limit_ns)
                return true;
        return miss(deadline, frame->topic, "", frame->published_ns - before_ns);
}

static int64_t
alone_most_ns(const struct sub_deadline *deadline)
{
        return deadline->limit_ns > MEET_NS ? deadline->limit_ns : MEET_NS;
}

bool
sub_deadline_silence(struct sub_deadline *deadline, int64_t looked_ns)
{
        if (deadline->limit_ns == 0)
                return true;
        if (deadline->alone_ns != 0 && looked_ns - deadline->alone_ns > alone_most_ns(deadline))
                return miss(deadline, deadline->wanted, " (nobody publishes it)", looked_ns - deadline->alone_ns);
        for (size_t i = 0; i < deadline->count; i++) {
                const struct sub_deadline_topic *topic = &deadline->topics[i];

                if (looked_ns - topic->last_ns > deadline->limit_ns)
                        return miss(deadline, topic->name, topic->has_frames ? "" : " (since its publisher joined)",
                                    looked_ns - topic->last_ns);
        }
        return true;
}

int64_t
sub_deadline_next_ns(const struct sub_deadline *deadline)
{
        int64_t next_ns = INT64_MAX;

        if (deadline->limit_ns == 0)
                return next_ns;
        if (deadline->alone_ns != 0)
                next_ns = deadline->alone_ns + alone_most_ns(deadline) + 1;
        for (size_t i = 0; i < deadline->count; i++)
                if (deadline->topics[i].last_ns + deadline->limit_ns < next_ns)
                        next_ns = deadline->topics[i].last_ns + deadline->limit_ns + 1;
        return next_ns;
}

void
sub_deadline_close(struct sub_deadline *deadline)
{
        if (deadline->limit_ns > 0 && !deadline->has_frames && !deadline->is_missed) {
                deadline->is_missed = true;
                snprintf(deadline->text, sizeof deadline->text, "no frame came at all");
        }
        free(deadline->topics);
        deadline->topics = NULL;
        deadline->count = 0;
}
