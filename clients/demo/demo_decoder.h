/* A clip becomes raw pictures of one size: on Linux by FFmpeg as a child process, on Windows from a file that has raw
 * pictures in it already. Two halves: demo_decoder_linux.c, demo_decoder_win32.c. */
#ifndef DEMO_DECODER_H
#define DEMO_DECODER_H

#include <stdbool.h>
#include <stdint.h>

struct demo_decoder {
        intptr_t process, source; /* of the system; the file itself has no process */
        uint64_t frame_bytes, read_bytes;
        int64_t next_ns, until_ns; /* when the next picture is due, and when none is any more; where the demo paces */
        int error;                 /* an errno, EPIPE for a picture that was cut off; 0: none */
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

/* Starts the decoder. False with a sentence on stderr. */
bool
demo_decoder_open(struct demo_decoder *decoder, const struct demo_clip *clip);

/* Reads the next picture to `to`: 1 a picture, 0 the clip has ended, -1 failed (decoder->error). */
int
demo_decoder_read(struct demo_decoder *decoder, void *to);

/* Ends it. False when the clip was read to its end and the decoder did not end well. */
bool
demo_decoder_close(struct demo_decoder *decoder);

/* How many coded frames the clip's first video stream has: as ffprobe counts its packets; by the file's size. 0 with a
 * sentence on stderr when there are none, or nothing that counts them. */
uint64_t
demo_decoder_count(const struct demo_clip *clip);

#endif
