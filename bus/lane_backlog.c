/*
 * Frames have no number in the ring, but steps do:
 *
 *            step                    step                    step
 *      ───────┬───────────────────────┬───────────────────────┬──────────
 *             │        cursor ► a b c │ sequence n  ...       │  ... published
 *
 * So a reader at the cursor is behind by the frames that are walked up to the next step, and by published + 1 - n. The
 * publishing thread goes on meanwhile and may overwrite all of it: every length is checked before it is followed, and
 * a number that comes out wrong is put right the next time.
 */
#include "bus/lane_backlog.h"
#include "bus/lane_parts.h"

/* Where a lapped reader can go on: the oldest noted start that is not claimed. False: none can be had now. */
static bool
oldest_start(const struct wr_lane_writer *w, uint64_t claimed, uint64_t *position)
{
        bool found = false;

        for (size_t i = 0; i < WR_STEPS; i++) {
                uint64_t start = wr_load_acquire(&w->control->steps[i].position);

                if (start % WR_HEADER_BYTES != 0 || !wr_at_least(start, claimed) ||
                    start - claimed >= w->geometry.ring_bytes || (found && wr_at_least(start, *position)))
                        continue;
                *position = start;
                found = true;
        }
        return found;
}

/* The step that begins exactly here, with the number of its first frame. */
static bool
step_begins(const struct wr_lane_writer *w, uint64_t position, uint64_t *sequence)
{
        uint64_t number = position / wr_lane_step_bytes(&w->geometry);
        const struct wr_step *step = &w->control->steps[number % WR_STEPS];

        if (wr_load_acquire(&step->position) != position)
                return false;
        *sequence = wr_load(&step->sequence);
        return true;
}

static uint64_t
length_of(const struct wr_lane_writer *w, uint64_t position)
{
        uint64_t shape = wr_load(&wr_lane_header(w, position)->shape);
        uint64_t bytes = wr_lane_frame_bytes(shape >> 48, (uint32_t)shape);
        uint64_t left = w->geometry.ring_bytes - (position & (w->geometry.ring_bytes - 1));

        return bytes <= left ? bytes : 0;
}

void
wr_lane_backlog(const struct wr_lane_writer *w, uint64_t cursor, struct wr_lane_backlog *backlog)
{
        uint64_t published = wr_load(&w->control->published);
        uint64_t claimed = wr_load_acquire(&w->control->claimed);
        uint64_t position = cursor & ~(uint64_t)(WR_HEADER_BYTES - 1), sequence, bytes;
        bool exact = false;

        *backlog = (struct wr_lane_backlog){ .frames = 0 };
        if (!wr_at_least(position, claimed) && !oldest_start(w, claimed, &position))
                return;
        for (uint64_t looks = 2 * w->geometry.ring_bytes / WR_STEPS / WR_HEADER_BYTES + 2; looks > 0; looks--) {
                uint64_t commit = wr_load_acquire(&wr_lane_header(w, position)->commit);
                uint64_t kind = commit % WR_HEADER_BYTES;

                if (commit - kind != position || kind == 0)
                        return; /* the end of what was published, or a cursor that points nowhere */
                if (!exact && step_begins(w, position, &sequence)) {
                        backlog->frames += published + 1 > sequence ? published + 1 - sequence : 0;
                        exact = true;
                }
                if (kind == WR_FRAME_INLINE || kind == WR_FRAME_BLOCK) {
                        if (backlog->oldest_ns == 0)
                                backlog->oldest_ns = (int64_t)wr_load(&wr_lane_header(w, position)->time);
                        backlog->frames += !exact;
                }
                bytes = length_of(w, position);
                if ((exact && backlog->oldest_ns != 0) || bytes == 0)
                        return;
                position += bytes;
        }
}
