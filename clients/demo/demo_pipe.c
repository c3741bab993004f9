/*
 * org.weir.Camera once more, through a pipe of 1 MiB: the same pictures, the same fill, whole-frame writes.
 *
 *      memcpy of a picture into the frame -> write() of header and picture -> the consumer's read()
 */
#include "clients/demo/demo_pipe.h"
#include "clients/demo/demo_child.h"
#include "clients/demo/demo_pictures.h"
#include "clients/demo/demo_role.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
write_whole(const void *data, uint64_t size)
{
        const char *bytes = data;

        while (size > 0) {
                ssize_t n = write(DEMO_DATA_FD, bytes, size);

                if (n < 0)
                        return false;
                bytes += n;
                size -= (uint64_t)n;
        }
        return true;
}

static bool
write_pictures(const struct demo_options *options, const struct demo_pictures *pictures, void *frame)
{
        struct demo_pipe_header *header = frame;
        int64_t until_ns = weir_now() + options->memory_ns;
        bool written = true;

        assert(pictures->count > 0);
        for (uint64_t i = 0; written && (i < pictures->count || weir_now() < until_ns); i++) {
                const struct demo_picture *picture = &pictures->list[i % pictures->count];

                memcpy(header + 1, picture->data, pictures->bytes);
                header->tag = picture->sum;
                header->stamp_ns = weir_now();
                written = write_whole(frame, sizeof *header + pictures->bytes);
        }
        return written;
}

enum weir_result
demo_pipe_camera(const struct demo_options *options, json_t *report)
{
        struct demo_pictures pictures;
        void *frame = NULL;
        int error = 0;

        if (!demo_pictures_open(&pictures, options, options->pictures_min))
                error = pictures.error;
        else if ((frame = malloc(sizeof(struct demo_pipe_header) + pictures.bytes)) == NULL)
                error = ENOMEM;
        else if (!write_pictures(options, &pictures, frame))
                error = errno;
        if (error != 0)
                json_object_set_new(report, "sentence", json_string(strerror(error)));
        json_object_set_new(report, "pictures", json_integer((json_int_t)pictures.count));
        free(frame);
        demo_pictures_close(&pictures);
        return error == 0 ? WEIR_OK : WEIR_E_SYSTEM;
}
