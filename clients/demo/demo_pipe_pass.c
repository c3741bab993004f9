/*
 * The pass through a pipe: what weir is compared with.
 *
 *      read() of a header and a whole picture into a buffer of ours -> fold the pixels, compare -> ...
 *
 * The pictures, the fill and the check of the pixels are those of the pass from memory. Beyond them weir also computes
 * and verifies a hash over every byte, which the pipe does not.
 */
#include "clients/demo/demo_decoder.h"
#include "clients/demo/demo_pass.h"
#include "clients/demo/demo_pipe.h"
#include "clients/demo/demo_stop.h"

#include <stdlib.h>
#include <unistd.h>

/* Reads `size` bytes: 1 all of them, 0 the pipe ended before the first, -1 failed or cut off. */
static int
read_whole(int fd, void *to, uint64_t size)
{
        uint64_t got = 0;

        while (got < size) {
                ssize_t n = read(fd, (char *)to + got, size - got);

                if (n == 0 && got == 0)
                        return 0;
                if (n <= 0)
                        return -1;
                got += (uint64_t)n;
        }
        return 1;
}

static int
read_pictures(const struct demo_plan *plan, struct demo_pass *pass, struct demo_times *times, int fd, void *frame,
              uint64_t frame_bytes)
{
        struct demo_pipe_header *header = frame;
        int got;

        while ((got = read_whole(fd, frame, sizeof *header + frame_bytes)) == 1) {
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
        struct demo_child camera = { .pid = 0, .input = -1, .report = -1, .data = -1 };
        void *frame = malloc(sizeof(struct demo_pipe_header) + frame_bytes);
        int got = -1;

        pass->kind = DEMO_PIPE;
        if (frame != NULL && demo_child_start(&camera, plan, DEMO_CAMERA, "camera", DEMO_PIPE))
                got = read_pictures(plan, pass, &times, camera.data, frame, frame_bytes);
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
