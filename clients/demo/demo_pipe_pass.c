/*
 * The pass through a pipe: what weir is compared with.
 *
 *      read a header and a whole picture into a buffer of ours -> fold the pixels, compare -> ...
 *
 * The pictures, the fill and the check of the pixels are those of the pass from memory. Beyond them weir also computes
 * and verifies a hash over every byte, which the pipe does not.
 */
#include "clients/demo/demo_decoder.h"
#include "clients/demo/demo_pass.h"
#include "clients/demo/demo_pipe.h"
#include "clients/demo/demo_stop.h"

#include <stdlib.h>

static int
read_pictures(const struct demo_plan *plan, struct demo_pass *pass, struct demo_times *times, struct demo_child *camera,
              void *frame, uint64_t frame_bytes)
{
        struct demo_pipe_header *header = frame;
        int got = -1;

        while (demo_stopped() == 0 && (got = demo_child_read(camera, frame, sizeof *header + frame_bytes)) == 1) {
                demo_times_add(times, header->stamp_ns, weir_now());
                pass->frames++;
                pass->bytes += frame_bytes;
                pass->pixel_failures += demo_digest_fold(header + 1, frame_bytes) != header->tag;
                demo_progress(plan, pass, times);
        }
        demo_progress_end(plan);
        return got;
}

void
demo_pass_pipe(struct demo_results *results, const struct demo_plan *plan)
{
        struct demo_clip clip = { .width = plan->options.width, .height = plan->options.height };
        uint64_t frame_bytes = demo_clip_frame_bytes(&clip);
        struct demo_pass *pass = &results->passes[DEMO_PIPE];
        struct demo_times times = { .list = NULL };
        struct demo_child camera = DEMO_CHILD_NONE;
        void *frame = malloc(sizeof(struct demo_pipe_header) + frame_bytes);
        int got = -1;

        pass->kind = DEMO_PIPE;
        if (frame != NULL && demo_child_start(&camera, plan, DEMO_CAMERA, "camera", DEMO_PIPE))
                got = read_pictures(plan, pass, &times, &camera, frame, frame_bytes);
        free(frame);
        demo_times_close(&times, pass);
        json_decref(demo_pass_child_end(results, &camera, "the pipe's writer", false));
        if (demo_stopped() == 0 && (got != 0 || pass->frames == 0))
                demo_fault(results, false, "pipe: the stream did not come to its end");
        if (pass->pixel_failures > 0)
                demo_fault(results, true, "pipe: the pixels of %llu frames are not those that the camera saw",
                           (unsigned long long)pass->pixel_failures);
        pass->done = demo_stopped() == 0;
}
