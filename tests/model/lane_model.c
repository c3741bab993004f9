/*
 * One lane with a lossy reader: the publisher never waits and laps it. What is
 * delivered is whole and in order, received + lost + skipped = published, there are no more wakes than sleeps, and the
 * reader never sleeps on a frame that it could read. Rings of 128 bytes hold four frames without payload.
 */
#include "tests/model/lane_world.h"

static const struct lane_plan small = {
        .ring_bytes = 128, .hash = WR_HASH_NONE, .attached = true, .before = 3, .frames = 3
};
static const struct lane_plan larger = { .ring_bytes = 256,
                                         .inline_max = 32,
                                         .payload_bytes = 16,
                                         .before = 3,
                                         .hash = WR_HASH_NONE,
                                         .attached = true,
                                         .frames = 3 };

static void
headers_scene(void)
{
        lane_world_open(&small);
}

static void
payloads_scene(void)
{
        lane_world_open(&larger);
}

static void
batch_scene(void)
{
        struct lane_plan plan = larger;

        plan.batch = true;
        lane_world_open(&plan);
}

/* A step holds more than one frame, so that not each frame stands behind the fences of the step table. */
static void
steps_scene(void)
{
        struct lane_plan plan = larger;

        plan.ring_bytes = 1024;
        plan.payload_bytes = 32;
        plan.before = 20;
        plan.uneven = plan.batch = true;
        lane_world_open(&plan);
}

/* Positions pass 2^64 within the run. */
static void
wrap_scene(void)
{
        struct lane_plan plan = small;

        plan.start = UINT64_MAX - 127;
        lane_world_open(&plan);
}

static void
hash_scene(void)
{
        struct lane_plan plan = small;

        plan.hash = WR_HASH_FULL;
        plan.ends = true;
        lane_world_open(&plan);
}

/* A frame of the second lap begins where the payload of a frame of the first lap looks like its header. */
static void
sly_scene(void)
{
        struct lane_plan plan = larger;

        plan.payload_bytes = 32;
        plan.uneven = plan.sly = true;
        plan.attached = false;
        plan.before = 5;
        lane_world_open(&plan);
        lane_world_attach();
        lane_world_reader_open();
}

static void
keep_scene(void)
{
        struct lane_plan plan = small;

        plan.keep = 1;
        lane_world_open(&plan);
}

#define ACTORS { { "publisher", lane_world_publisher, 0 }, { "reader", lane_world_reader, 1 } }, lane_world_all_was_told

static const struct explore_model models[] = {
        { "lane: a lapped reader gets whole frames and exact losses", headers_scene, ACTORS, 4, false, NULL },
        { "lane: a lapped reader gets whole payloads", payloads_scene, ACTORS, 3, false, NULL },
        { "lane: a lapped reader of a batch with one wake", batch_scene, ACTORS, 2, false, NULL },
        { "lane: a lapped reader where steps hold several frames", steps_scene, ACTORS, 2, false, NULL },
        { "lane: a lapped reader over the end of the positions", wrap_scene, ACTORS, 3, false, NULL },
        { "lane: a lapped reader under hash full, to END", hash_scene, ACTORS, 2, false, NULL },
        { "lane: a payload is never taken for a header", sly_scene, ACTORS, 3, false, NULL },
        { "lane: a reader that keeps the newest is told what it skipped", keep_scene, ACTORS, 2, false, NULL },
};

int
main(int argc, char **argv)
{
        return explore_main(models, sizeof models / sizeof models[0], argc, argv);
}
