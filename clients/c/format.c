/*
 * Formats as objects that frames point at: equal bytes give the same pointer, whichever publisher they came from, and
 * an object goes only when no frame that is out has it. Formats change rarely, so instead of a count per frame all
 * frames are looked through when one does.
 */
#include "bus/format.h"

#include "clients/c/subscriber.h"

#include <stdlib.h>
#include <string.h>

static bool
format_is_used(const struct weir_subscriber *s, const struct wr_format *format)
{
        for (uint32_t i = 0; i < s->lane_count; i++)
                if (s->lanes[i]->format == &format->open)
                        return true;
        for (uint32_t i = 0; i < s->frames_max; i++)
                if (wr_load32_acquire(&s->frames[i].out) && s->frames[i].open.format == &format->open)
                        return true;
        return false;
}

static void
formats_collect(struct weir_subscriber *s)
{
        struct wr_format **at = &s->formats, *format;

        while ((format = *at)) {
                if (format_is_used(s, format)) {
                        at = &format->next;
                        continue;
                }
                *at = format->next;
                free(format);
        }
}

static struct wr_format *
format_create(const void *bytes, uint64_t size)
{
        struct wr_format *format = malloc(sizeof *format + size);
        struct wr_format_parts parts;

        if (!format)
                return NULL;
        memcpy(format->bytes, bytes, size);
        format->size = size;
        if (wr_format_decode(format->bytes, size, &parts) < 0) {
                free(format);
                return NULL;
        }
        format->open = (struct weir_format){ parts.type, parts.encoding, parts.schema, parts.schema_size };
        return format;
}

static struct wr_format *
format_find(struct weir_subscriber *s, const void *bytes, uint64_t size)
{
        struct wr_format *format = s->formats;

        while (format && (format->size != size || memcmp(format->bytes, bytes, size) != 0))
                format = format->next;
        return format;
}

const struct weir_format *
wr_format_of(struct weir_subscriber *s, struct wr_lane_link *lane, bool *mismatch)
{
        const struct wr_lane_reader *r = &lane->reader;
        struct wr_format *format;

        *mismatch = false;
        if (!r->format_bytes || r->format_size == 0)
                return NULL;
        format = format_find(s, r->format_bytes, r->format_size);
        if (!format) {
                lane->format = NULL;
                formats_collect(s);
                format = format_create(r->format_bytes, r->format_size);
                if (!format)
                        return NULL;
                format->next = s->formats;
                s->formats = format;
        }
        *mismatch = s->type[0] && strcmp(s->type, format->open.type) != 0;
        return &format->open;
}

void
wr_formats_free(struct weir_subscriber *s)
{
        struct wr_format *format;

        while ((format = s->formats)) {
                s->formats = format->next;
                free(format);
        }
}
