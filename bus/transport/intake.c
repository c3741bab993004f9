#include "bus/transport/intake.h"

#include <string.h>

/* Behind a large payload comes, as a rule, another one: what stands before it is read with the first, and nothing of
 * the payload itself, so that all of it is read to where it belongs, from the first byte on. */
size_t
wr_intake_room(struct wr_intake *in, void **at)
{
        size_t room;

        if (in->begin > 0) {
                memmove(in->bytes, in->bytes + in->begin, in->end - in->begin);
                in->end -= in->begin;
                in->begin = 0;
        }
        *at = in->bytes + in->end;
        room = sizeof in->bytes - in->end;
        if (in->end < in->ahead)
                return in->ahead - in->end;
        return in->ahead > 0 && room > in->ahead ? in->ahead : room;
}

void
wr_intake_filled(struct wr_intake *in, size_t bytes)
{
        in->end += bytes;
}

enum weir_result
wr_intake_next(struct wr_intake *in, struct wr_record *record, const char **why)
{
        size_t size;
        enum weir_result result = wr_record_decode(in->bytes + in->begin, in->end - in->begin, record, &size, why);

        if (result != WEIR_OK)
                return result;
        in->begin += size;
        in->ahead = record->bytes < WR_INTAKE_LARGE ? 0 : size;
        if (in->ahead > 0 && record->kind == WR_RECORD_FRAME)
                in->ahead += record->frame.extension;
        return WEIR_OK;
}

size_t
wr_intake_payload(struct wr_intake *in, void *to, size_t size)
{
        size_t here = in->end - in->begin;

        if (here > size)
                here = size;
        if (here > 0)
                memcpy(to, in->bytes + in->begin, here);
        in->begin += here;
        return here;
}
