/*
 * Formats in the lane: each frame is delivered with the format that was in force when it was published, byte for byte,
 * also where the publisher goes round the whole format table while the reader is in the middle of one take.
 */
#include "tests/model/lane_world.h"

enum { FORMAT_BYTES = 16, BLOCKS = WR_FORMATS + 2 };

static uint64_t *formats; /* in force, by sequence of the frame */

/* A new format and a frame under it. */
static void
publish_under_new_format(void)
{
        uint64_t bytes[FORMAT_BYTES / 8] = { world->writer.format + 1, ~(world->writer.format + 1) };
        uint64_t offset;

        explore_check(wr_lane_lend(&world->writer, FORMAT_BYTES, 64, &offset) == WEIR_OK, "no block for a format");
        if (wr_lane_set_format(&world->writer, offset, bytes, FORMAT_BYTES) == WEIR_OK)
                explore_note("set format", world->writer.format);
        else
                wr_lane_discard(&world->writer, offset, FORMAT_BYTES);
        formats[world->published + 1] = world->writer.format;
        explore_check(lane_world_publish() == WEIR_OK, "a lossy reader blocks the publisher");
}

static void
open_world(uint32_t ring_bytes, uint32_t before, uint32_t frames)
{
        formats = explore_alloc(32 * sizeof *formats);
        lane_world_open(&(struct lane_plan){ .ring_bytes = ring_bytes,
                                             .hash = WR_HASH_NONE,
                                             .heap_bytes = BLOCKS * 64,
                                             .attached = true,
                                             .frames = frames });
        world->plan.before = before;
        for (uint32_t i = 0; i < before; i++)
                publish_under_new_format();
}

static void
change_scene(void)
{
        open_world(256, 1, 3);
}

static void
round_scene(void)
{
        open_world(256, 1, WR_FORMATS);
}

/* The ninth within a lap has no slot yet and is refused. */
static void
crowded_scene(void)
{
        open_world(1024, WR_FORMATS - 1, 2);
}

static void
publisher(void)
{
        while (world->published < world->plan.before + world->plan.frames) {
                explore_settle(0);
                publish_under_new_format();
                lane_world_wake();
        }
}

static void
reader(void)
{
        while (!lane_world_read_all()) {
                const uint64_t *bytes;
                uint64_t expected;

                explore_settle(0);
                if (lane_world_take() == WEIR_EMPTY) {
                        lane_world_sleep();
                        continue;
                }
                expected = formats[world->taken.sequence];
                bytes = world->reader.format_bytes;
                explore_check(world->taken.format == expected, "frame %d comes with format %d instead of %d",
                              (int)world->taken.sequence, (int)world->taken.format, (int)expected);
                explore_check(world->reader.format_size == FORMAT_BYTES && bytes[0] == expected &&
                                      bytes[1] == ~expected,
                              "the bytes of format %d are torn", (int)expected);
        }
}

#define ACTORS { { "publisher", publisher, 0 }, { "reader", reader, 1 } }, lane_world_all_was_told

static const struct explore_model models[] = {
        { "format: each frame comes with its own", change_scene, ACTORS, 3, false, NULL },
        { "format: the publisher goes round the table", round_scene, ACTORS, 1, false, NULL },
        { "format: more of them than the table holds", crowded_scene, ACTORS, 1, false, NULL },
};

int
main(int argc, char **argv)
{
        return explore_main(models, sizeof models / sizeof models[0], argc, argv);
}
