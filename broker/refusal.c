/* A ring of 64, made with the first refusal; serial n lies at n % 64. */
#include "broker/refusal.h"

#include <stdlib.h>
#include <string.h>

static bool
is_same(const struct wr_refusal *a, const struct wr_refusal *b)
{
        return a->result == b->result && strcmp(a->account, b->account) == 0 && strcmp(a->topic, b->topic) == 0 &&
               strcmp(a->sentence, b->sentence) == 0;
}

void
wr_refusal_note(struct wr_refusals *refusals, const struct wr_refusal *refusal, int64_t now_ns)
{
        struct wr_refusal *kept = NULL;

        if (!refusals->ring)
                refusals->ring = calloc(WR_REFUSALS_KEPT, sizeof(*refusals->ring));
        if (!refusals->ring)
                return;
        for (size_t i = 0; i < WR_REFUSALS_KEPT && !kept; i++) {
                if (refusals->ring[i].serial != 0 && is_same(&refusals->ring[i], refusal))
                        kept = &refusals->ring[i];
        }
        if (!kept) {
                uint64_t serial = ++refusals->count;

                kept = &refusals->ring[serial % WR_REFUSALS_KEPT];
                *kept = *refusal;
                kept->serial = serial;
                kept->times = 0;
        }
        kept->pid = refusal->pid;
        kept->at_ns = now_ns;
        if (kept->times < UINT32_MAX)
                kept->times++;
}

const struct wr_refusal *
wr_refusal_next(const struct wr_refusals *refusals, uint64_t after)
{
        uint64_t oldest = refusals->count < WR_REFUSALS_KEPT ? 1 : refusals->count - WR_REFUSALS_KEPT + 1;
        uint64_t serial = after + 1 > oldest ? after + 1 : oldest;

        return refusals->ring && serial <= refusals->count ? &refusals->ring[serial % WR_REFUSALS_KEPT] : NULL;
}

const char *
wr_refusal_topic(const struct wr_message *request)
{
        if (request && request->kind == WR_PUBLISH)
                return request->publish.topic;
        if (request && request->kind == WR_SUBSCRIBE)
                return request->subscribe.topic;
        return "";
}

void
wr_refusal_close(struct wr_refusals *refusals)
{
        free(refusals->ring);
        *refusals = (struct wr_refusals){ .count = 0 };
}
