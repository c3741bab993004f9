/*
 * One end of a lane in a file, for a program of either system: what a Windows program wrote under Wine a Linux program
 * reads, and the other way round. Nothing between them but the bytes of the file: no broker, no events, both poll.
 *
 *      lane_end write PATH FRAMES RING HEAP INLINE START                           says where a reader begins:
 *                                                                                  POSITION SEQUENCE FORMAT
 *      lane_end read  PATH FRAMES RING HEAP INLINE START POSITION SEQUENCE FORMAT  says what it found:
 *                                                                                  frames N bytes N formats N ...
 *
 * The file holds the segment, then one pair page, and is all zero when the writer begins. Exit status 0: all that came
 * was as it was to be.
 */
#include "bus/format.h"
#include "bus/lane.h"
#include "bus/os/barrier.h"
#include "bus/os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#        include <windows.h>
#else
#        include <fcntl.h>
#        include <sys/mman.h>
#endif

enum { PAGE = 4096, ANNOUNCEMENTS = 4, LOANS = 4, KINDS = 6, FORMAT_EVERY = 97, META = 24 };

static const int64_t PATIENCE_NS = INT64_C(60000000000);

struct end {
        uint64_t frames;
        struct wr_lane_geometry geometry;
        uint8_t *file;
};

static _Noreturn void
fail(const char *what, uint64_t sequence)
{
        fprintf(stderr, "lane_end: %s at frame %" PRIu64 "\n", what, sequence);
        exit(1);
}

#ifdef _WIN32
static uint8_t *
map(const char *path, uint64_t bytes)
{
        HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                                  OPEN_EXISTING, 0, NULL);
        HANDLE section = NULL;

        if (file != INVALID_HANDLE_VALUE)
                section = CreateFileMappingW(file, NULL, PAGE_READWRITE, 0, 0, NULL);
        return section ? MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, bytes) : NULL;
}
#else
static uint8_t *
map(const char *path, uint64_t bytes)
{
        int file = open(path, O_RDWR | O_CLOEXEC);
        void *view = file >= 0 ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;

        return view != MAP_FAILED ? view : NULL;
}
#endif

/* ---- what each frame is, from its number alone ---- */

static uint64_t
size_of(const struct end *end, uint64_t sequence)
{
        switch (sequence % KINDS) {
        case 0: return sequence % 64 + 1;
        case 1: return 0;
        case 2: return 100;
        case 3: return end->geometry.inline_max;
        case 4: return end->geometry.inline_max + 1 + sequence * 37 % 20000;
        default: return 9000;
        }
}

static uint8_t
byte_of(uint64_t sequence, uint64_t i)
{
        return (uint8_t)(sequence * 31 + i * 7 + (i >> 8) + (sequence >> 8));
}

static void
fill(uint8_t *to, uint64_t size, uint64_t sequence)
{
        for (uint64_t i = 0; i < size; i++)
                to[i] = byte_of(sequence, i);
}

static bool
has_about(uint64_t sequence)
{
        return sequence % KINDS == 2 || sequence % KINDS == 5;
}

static struct wr_about
about_of(uint64_t sequence, uint8_t meta[META])
{
        fill(meta, META, ~sequence);
        return (struct wr_about){
                .stamp_ns = (int64_t)sequence * 1000 + 1, .tag = sequence * 3, .meta = meta, .meta_size = META
        };
}

static uint64_t
format_text(char text[64], uint64_t sequence)
{
        return (uint64_t)snprintf(text, 64, "format of frame %" PRIu64, sequence - sequence % FORMAT_EVERY);
}

/* ---- the writer ---- */

/* Tries until it is not full any more. */
#define WITH_ROOM(call, sequence)                                                    \
        do {                                                                         \
                int64_t until_ns_ = wr_clock_ns() + PATIENCE_NS;                     \
                enum weir_result result_;                                            \
                while ((result_ = (call)) == WEIR_FULL && wr_clock_ns() < until_ns_) \
                        wr_yield();                                                  \
                if (result_ != WEIR_OK)                                              \
                        fail("publishing: " #call, sequence);                        \
        } while (0)

static void
set_format(struct wr_lane_writer *w, uint64_t sequence)
{
        char text[64];
        uint64_t offset, size = format_text(text, sequence);

        WITH_ROOM(wr_lane_lend(w, w->geometry.inline_max + 1, 64, &offset), sequence);
        WITH_ROOM(wr_lane_set_format(w, offset, text, size), sequence);
}

static void
publish(struct wr_lane_writer *w, const struct end *end, uint64_t sequence)
{
        uint64_t size = size_of(end, sequence), offset;
        uint8_t meta[META], payload[4096];
        struct wr_about about = about_of(sequence, meta);
        const struct wr_about *beside = has_about(sequence) ? &about : NULL;

        if (sequence % FORMAT_EVERY == 0)
                set_format(w, sequence);
        if (size <= end->geometry.inline_max) {
                fill(payload, size, sequence);
                WITH_ROOM(wr_lane_publish(w, payload, size, beside, (int64_t)sequence), sequence);
                return;
        }
        WITH_ROOM(wr_lane_lend(w, size, 64, &offset), sequence);
        fill(w->heap_base + offset, size, sequence);
        WITH_ROOM(wr_lane_publish_block(w, offset, size, beside, (int64_t)sequence, NULL), sequence);
}

static int
play_writer(const struct end *end)
{
        struct wr_pair_words *words = (void *)(end->file + end->geometry.segment_bytes);
        struct wr_pair_writer pair = { .words = words, .announcement_count = ANNOUNCEMENTS, .reliable = true, .id = 1 };
        struct wr_lane_writer w;
        struct wr_lane_start start;

        if (wr_lane_writer_open(&w, end->file, &end->geometry, 0, LOANS) != WEIR_OK ||
            wr_lane_attach(&w, &pair, 0, &start) != WEIR_OK)
                fail("opening", 0);
        printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", start.position, start.sequence, start.format);
        fflush(stdout);
        for (uint64_t sequence = 1; sequence <= end->frames; sequence++)
                publish(&w, end, sequence);
        wr_lane_end(&w, 0);
        wr_lane_detach(&w, &pair);
        wr_lane_writer_close(&w);
        return 0;
}

/* ---- the reader ---- */

struct found {
        uint64_t frames, bytes, formats, blocks, extensions, format;
};

static void
look_at_format(struct found *found, const struct wr_lane_reader *r, const struct wr_taken *t)
{
        char text[64];
        uint64_t size = format_text(text, t->sequence);

        if (t->sequence < FORMAT_EVERY) {
                if (t->format != 0)
                        fail("a format before the first", t->sequence);
                return;
        }
        if (r->format_size != size || memcmp(r->format_bytes, text, size) != 0)
                fail("another format", t->sequence);
        found->formats += t->format != found->format;
        found->format = t->format;
}

static void
look_at_about(struct found *found, const struct wr_taken *t)
{
        uint8_t meta[META];
        struct wr_about about = about_of(t->sequence, meta);

        if (!has_about(t->sequence)) {
                if (t->about.stamp_ns != 0 || t->about.tag != 0 || t->about.meta_size != 0)
                        fail("a stamp, tag or metadata that nobody sent", t->sequence);
                return;
        }
        found->extensions++;
        if (t->about.stamp_ns != about.stamp_ns || t->about.tag != about.tag || t->about.meta_size != META ||
            memcmp(t->about.meta, meta, META) != 0)
                fail("another stamp, tag or metadata", t->sequence);
}

static void
look_at(struct found *found, const struct end *end, const struct wr_lane_reader *r, const struct wr_taken *t)
{
        const uint8_t *data = t->data;

        if (t->sequence != found->frames + 1 || t->size != size_of(end, t->sequence) ||
            t->published_ns != (int64_t)t->sequence)
                fail("another number, size or time", t->sequence);
        for (uint64_t i = 0; i < t->size; i++)
                if (data[i] != byte_of(t->sequence, i))
                        fail("another byte", t->sequence);
        look_at_about(found, t);
        look_at_format(found, r, t);
        found->frames++;
        found->bytes += t->size;
        found->blocks += t->block != 0;
}

static int
play_reader(const struct end *end, const struct wr_lane_start *start)
{
        struct wr_pair_words *words = (void *)(end->file + end->geometry.segment_bytes);
        static uint64_t copy[(WR_EXTENSION_MAX + 8 + 4096 + WR_COPY_SLACK) / 8 + 1];
        struct found found = { 0 };
        struct wr_lane_reader r;
        struct wr_taken t;
        enum weir_result result;
        int64_t until_ns = wr_clock_ns() + PATIENCE_NS;

        if (wr_lane_reader_open(&r, end->file, &end->geometry, start, words, ANNOUNCEMENTS, true) != WEIR_OK)
                fail("opening", 0);
        r.committed = end->geometry.heap_bytes;
        while ((result = wr_lane_take(&r, &t, copy)) == WEIR_OK || result == WEIR_EMPTY) {
                if (result == WEIR_EMPTY) {
                        if (wr_clock_ns() > until_ns)
                                fail("no frame comes", found.frames + 1);
                        wr_yield();
                        continue;
                }
                look_at(&found, end, &r, &t);
                if (t.block)
                        wr_lane_release(&r.pair, t.announcement);
        }
        if (result != WEIR_ENDED || found.frames != end->frames || r.lost + r.skipped + r.corrupt != 0)
                fail("the end", found.frames);
        printf("frames %" PRIu64 " bytes %" PRIu64 " formats %" PRIu64 " blocks %" PRIu64 " extensions %" PRIu64
               " laps %" PRIu64 "\n",
               found.frames, found.bytes, found.formats, found.blocks, found.extensions,
               (r.position - start->position) / end->geometry.ring_bytes);
        return 0;
}

static uint64_t
number(const char *text)
{
        char *rest;
        uint64_t value = strtoull(text, &rest, 10);

        if (rest == text || *rest)
                fail("an argument that is no number", 0);
        return value;
}

int
main(int argc, char **argv)
{
        bool writes = argc == 8 && strcmp(argv[1], "write") == 0;
        struct wr_lane_start start = { 0 };
        struct end end;

        if (!writes && !(argc == 11 && strcmp(argv[1], "read") == 0)) {
                fprintf(stderr,
                        "usage: lane_end write|read PATH FRAMES RING HEAP INLINE START [POSITION SEQUENCE FORMAT]\n");
                return 2;
        }
        end = (struct end){ .frames = number(argv[3]),
                            .geometry = { .lane = 0x1234567890abcdef,
                                          .epoch = 1,
                                          .ring_offset = WR_CONTROL_BYTES,
                                          .ring_bytes = number(argv[4]),
                                          .heap_bytes = number(argv[5]),
                                          .inline_max = (uint32_t)number(argv[6]),
                                          .start = number(argv[7]),
                                          .hash = WR_HASH_FULL } };
        end.geometry.heap_offset = WR_CONTROL_BYTES + end.geometry.ring_bytes;
        end.geometry.segment_bytes = end.geometry.heap_offset + end.geometry.heap_bytes;
        end.file = map(argv[2], end.geometry.segment_bytes + PAGE);
        if (!end.file || end.geometry.inline_max > 4096 || wr_lane_geometry_check(&end.geometry) != WEIR_OK)
                fail("the file cannot be mapped, or the geometry is none", 0);
        if (writes)
                return play_writer(&end);
        start = (struct wr_lane_start){ number(argv[8]), number(argv[9]), number(argv[10]) };
        return play_reader(&end, &start);
}
