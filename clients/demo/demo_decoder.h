/* FFmpeg as a child process: a clip becomes raw pictures of one size on a pipe. */
#ifndef DEMO_DECODER_H
#define DEMO_DECODER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct demo_decoder {
        pid_t pid;
        int fd;
        uint64_t frame_bytes, read_bytes;
        int error; /* an errno, EPIPE for a picture that was cut off; 0: none */
};

/* What to decode, and how. */
struct demo_clip {
        const char *path;
        unsigned width, height; /* the pictures are scaled to it; planar YUV 4:2:0 */
        int64_t paced_ns;       /* > 0: at the clip's own pace, for so long; 0: as fast as it goes, the whole clip */
};

/* Bytes of one picture. */
uint64_t
demo_clip_frame_bytes(const struct demo_clip *clip);

/* Starts the decoder. False with a sentence on stderr when there is no ffmpeg. */
bool
demo_decoder_open(struct demo_decoder *decoder, const struct demo_clip *clip);

/* Reads the next picture to `to`: 1 a picture, 0 the clip has ended, -1 failed (decoder->error). */
int
demo_decoder_read(struct demo_decoder *decoder, void *to);

/* Ends it. False when the clip was read to its end and the decoder did not end well. */
bool
demo_decoder_close(struct demo_decoder *decoder);

/* How many coded frames the clip's first video stream has, as ffprobe counts its packets; 0 when it finds none, -1 with
 * errno set when there is no ffprobe. */
int64_t
demo_decoder_count(const char *path);

#endif
