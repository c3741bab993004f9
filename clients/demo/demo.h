/*
 * The main job, shown and checked: real video from a sandboxed producer to a full-trust consumer through shared memory.
 *
 *      this process: consumer and broker          children, on Linux each in a sandbox with one socket of its own
 *        demo.c       the order of things           org.weir.Camera    demo_camera.c, demo_pipe.c
 *        demo_pass.c  one pass of frames            org.weir.Stranger  demo_stranger.c
 *        demo_held.c  frames held under attack      org.weir.Viewer    demo_viewer.c, demo_attack.c
 *
 * Nothing of weir is used here but weir.h and broker.h (and on Windows how paths are spelled).
 */
#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stdint.h>

#define DEMO_TOPIC    "camera/front"
#define DEMO_CAMERA   "org.weir.Camera"
#define DEMO_STRANGER "org.weir.Stranger"
#define DEMO_VIEWER   "org.weir.Viewer"

/* What a test breaks to see that the check behind it works. */
enum demo_break {
        DEMO_BREAK_NOTHING,
        DEMO_BREAK_PIXEL, /* the camera flips a bit of one pixel before it publishes: the hash is right, the pixel not
                           */
        DEMO_BREAK_HASH,  /* the camera flips a bit of a frame that it has published, before anybody takes it */
        DEMO_BREAK_LATE,  /* the same, after libweir has verified the frame and before the demo compares its pixels */
        DEMO_BREAK_DROP,  /* the camera leaves one picture out */
        DEMO_BREAK_LOSS,  /* the consumer is lossy, and does not look before the camera has gone */
        DEMO_BREAK_COPY,  /* the camera lets the library copy instead of lending */
        DEMO_BREAK_WALL,  /* the sandbox has holes */
        DEMO_BREAK_GRANT, /* the policy lets the stranger in */
        DEMO_BREAK_SEAL,  /* the kernel seals no lane against writing */
        DEMO_BREAK_OPEN,  /* the viewer attacks a memory of its own, which it may write: each attack goes through */
};

enum demo_kind { DEMO_LIVE, DEMO_FAST, DEMO_MEMORY, DEMO_PIPE, DEMO_HELD, DEMO_KINDS };

struct demo_options {
        const char *video;
        unsigned width, height;
        int64_t live_ns;       /* how long the live pass takes */
        int64_t memory_ns;     /* how long at least the passes from memory take */
        uint64_t pictures_min; /* different pictures that the passes from memory show */
        bool sandbox, json, quiet;
        enum demo_break broken;
        const char *role;    /* set in the children: "camera", "stranger", "viewer" */
        enum demo_kind kind; /* the camera's */
};
#define DEMO_OPTIONS                                              \
        ((struct demo_options){ .width = 1920,                    \
                                .height = 1080,                   \
                                .live_ns = INT64_C(5000000000),   \
                                .memory_ns = INT64_C(3000000000), \
                                .pictures_min = 300,              \
                                .sandbox = true })

/* The names on the command line. */
extern const char *const demo_break_names[]; /* by enum demo_break */
extern const char *const demo_kind_names[];  /* by enum demo_kind */

/* Runs the demo, or a child's role, and prints. Returns the exit code: 0 only if all of it held. */
int
demo_run(const struct demo_options *options);

int
demo_role(const struct demo_options *options);

#endif
