/* Pictures in memory, each different from all others: a picture whose sum is already there is passed over. */
#include "clients/demo/demo_pictures.h"
#include "clients/demo/demo_decoder.h"
#include "clients/demo/demo_digest.h"

#include <errno.h>
#include <stdlib.h>

static bool
known(const struct demo_pictures *pictures, uint64_t sum)
{
        for (uint64_t i = 0; i < pictures->count; i++)
                if (pictures->list[i].sum == sum)
                        return true;
        return false;
}

static void
collect(struct demo_pictures *pictures, struct demo_decoder *decoder, uint64_t count_max)
{
        while (pictures->count < count_max && pictures->error == 0) {
                struct demo_picture picture = { .data = malloc(decoder->frame_bytes) };
                int got = picture.data != NULL ? demo_decoder_read(decoder, picture.data) : -1;

                if (got == 1)
                        picture.sum = demo_digest_fold(picture.data, decoder->frame_bytes);
                if (got == 1 && !known(pictures, picture.sum)) {
                        pictures->list[pictures->count++] = picture;
                        continue;
                }
                if (got < 0)
                        pictures->error = picture.data != NULL ? decoder->error : ENOMEM;
                free(picture.data);
                if (got == 0)
                        return;
        }
}

bool
demo_pictures_open(struct demo_pictures *pictures, const struct demo_options *options, uint64_t count_max)
{
        struct demo_clip clip = { .path = options->video, .width = options->width, .height = options->height };
        struct demo_decoder decoder;

        *pictures = (struct demo_pictures){ .bytes = demo_clip_frame_bytes(&clip) };
        pictures->list = calloc(count_max, sizeof *pictures->list);
        if (pictures->list == NULL) {
                pictures->error = ENOMEM;
                return false;
        }
        if (!demo_decoder_open(&decoder, &clip)) {
                pictures->error = ENOENT;
                return false;
        }
        collect(pictures, &decoder, count_max);
        if (!demo_decoder_close(&decoder) && pictures->error == 0)
                pictures->error = EIO;
        if (pictures->count == 0 && pictures->error == 0)
                pictures->error = ENODATA;
        return pictures->error == 0;
}

void
demo_pictures_close(struct demo_pictures *pictures)
{
        for (uint64_t i = 0; i < pictures->count; i++)
                free(pictures->list[i].data);
        free(pictures->list);
        *pictures = (struct demo_pictures){ .count = 0 };
}
