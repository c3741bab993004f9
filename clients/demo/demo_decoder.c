#include "clients/demo/demo_decoder.h"

uint64_t
demo_clip_frame_bytes(const struct demo_clip *clip)
{
        uint64_t chroma = (uint64_t)((clip->width + 1) / 2) * ((clip->height + 1) / 2);

        return (uint64_t)clip->width * clip->height + 2 * chroma;
}
