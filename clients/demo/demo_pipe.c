/*
 * org.weir.Camera once more, through a pipe of 1 MiB: the same pictures, the same fill, whole-frame writes.
 *
 *      memcpy of a picture into the frame -> one write of header and picture -> the consumer reads
 */
#include "clients/demo/demo_pipe.h"
#include "clients/demo/demo_child.h"
#include "clients/demo/demo_pictures.h"
#include "clients/demo/demo_role.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
                written = demo_child_write(frame, sizeof *header + pictures->bytes);
        }
        return written;
}

enum weir_result
demo_pipe_camera(const struct demo_options *options, json_t *report)
{
        struct demo_pictures pictures;
        const char *error = NULL;
        void *frame = NULL;

        if (!demo_pictures_open(&pictures, options, options->pictures_min))
                error = strerror(pictures.error);
        else if ((frame = malloc(sizeof(struct demo_pipe_header) + pictures.bytes)) == NULL)
                error = strerror(ENOMEM);
        else if (!write_pictures(options, &pictures, frame))
                error = demo_child_error();
        if (error != NULL)
                json_object_set_new(report, "sentence", json_string(error));
        json_object_set_new(report, "pictures", json_integer((json_int_t)pictures.count));
        free(frame);
        demo_pictures_close(&pictures);
        return error == NULL ? WEIR_OK : WEIR_E_SYSTEM;
}
