/*
 * What is in the memory of a lane, and what somebody changes in it: there is such a memory where it is shared, so these
 * run over shared memory only. What a stream does with bytes that changed: relayed_test, relayed_publisher_test.
 */
#include "tests/contract/lane_mapping.h"
#include "tests/contract/weir_kit.h"

TestSuite(lane_memory, .fini = kit_clean, .timeout = 60);

#define MIB (UINT64_C(1) << 20)
enum { LARGE = 100000 };

/* ---- memory ---- */

Test(lane_memory, memory_is_there_at_once_only_where_it_was_asked_for)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 32 * MIB)));
        cr_assert(lt(u64, lane_mapping().resident, 8 * MIB));
        weir_publisher_close(p);
        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 32 * MIB, .prefault = 1)));
        cr_assert(gt(u64, lane_mapping().resident, 30 * MIB));
        weir_close(bus);
}

Test(lane_memory, huge_pages_are_asked_for_only_where_it_was_said)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 32 * MIB)));
        cr_assert(zero(int, lane_mapping().huge));
        weir_publisher_close(p);
        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 32 * MIB, .huge = 1)));
        cr_assert(eq(int, lane_mapping().huge, HUGE_CAN_BE_ASKED_FOR));
        weir_close(bus);
}

Test(lane_memory, a_lane_takes_no_more_than_memory_max)
{
        static const uint64_t wishes[] = { 2 * MIB, 40 * MIB, 0 };
        struct weir *bus = kit_host();
        struct weir_publisher *p;

        for (int i = 0; i < 3; i++) {
                uint64_t most = wishes[i] ? wishes[i] : 1024 * MIB;
                struct mapping lane;

                kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = wishes[i])));
                lane = lane_mapping();
                cr_assert(le(u64, (uint64_t)(lane.to - lane.from), most + 65536),
                          "ring, payloads and a page of control");
                weir_publisher_close(p);
        }
        cr_assert(eq(int, weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = MIB, .history = 1 << 20)),
                     WEIR_E_QUOTA));
        cr_assert(ne(ptr, strstr(weir_error(), "Raise memory_max"), NULL), "%s", weir_error());
        weir_close(bus);
}

/* ---- what the hash covers ---- */

enum { HEADER_BYTES = 32, TIME_AT = 16 }; /* docs/protocol.md: commit, shape, time, hash; then the payload */

static const char secret[] = "a payload that stands nowhere else, \x01\x02\x03";

/* Where the last frame with this payload begins in the ring of this process's only publisher. */
static uint8_t *
frame_in_ring(uint64_t number)
{
        struct mapping lane = lane_mapping();
        uint8_t wanted[sizeof secret + sizeof number], *found = lane.from;

        memcpy(wanted, secret, sizeof secret);
        memcpy(wanted + sizeof secret, &number, sizeof number);
        while (found + sizeof wanted <= lane.to && memcmp(found, wanted, sizeof wanted) != 0)
                found++;
        kit_must(found + sizeof wanted <= lane.to);
        return found - HEADER_BYTES;
}

static void
publish_secret(struct weir_publisher *p, uint64_t number)
{
        uint8_t data[sizeof secret + sizeof number];

        memcpy(data, secret, sizeof secret);
        memcpy(data + sizeof secret, &number, sizeof number);
        kit_ok(weir_publish(p, data, sizeof data, NULL, WEIR_NOW));
}

/* Behind a damaged frame each is verified, out of turn, until one is whole: so there must be whole ones between. */
static void
publish_damaged(struct weir_publisher *p, uint64_t number, int is_damaged)
{
        publish_secret(p, number);
        if (is_damaged)
                frame_in_ring(number)[HEADER_BYTES] ^= 1;
}

/* Is a frame passed over as corrupt, of which a byte was changed there? */
static int
detects(struct weir *bus, uint32_t hash, size_t at)
{
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_frame *frame;
        int is_corrupt;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.hash = hash, .memory_max = 2 * MIB)));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        publish_secret(p, at);
        frame_in_ring(at)[at] ^= 1;
        is_corrupt = weir_take(s, WEIR_NOW, &frame) == WEIR_EMPTY;
        weir_release(frame);
        cr_assert(eq(u64, kit_info(s).corrupt, (uint64_t)is_corrupt));
        weir_subscriber_close(s);
        weir_publisher_close(p);
        return is_corrupt;
}

Test(lane_memory, a_hash_covers_what_was_asked_for)
{
        struct weir *bus = kit_host();

        cr_assert(eq(int, detects(bus, WEIR_HASH_FULL, HEADER_BYTES), 1));
        cr_assert(eq(int, detects(bus, WEIR_HASH_FULL, TIME_AT), 1));
        cr_assert(eq(int, detects(bus, WEIR_HASH_HEADER, HEADER_BYTES), 0));
        cr_assert(eq(int, detects(bus, WEIR_HASH_HEADER, TIME_AT), 1));
        cr_assert(eq(int, detects(bus, WEIR_HASH_NONE, HEADER_BYTES), 0));
        cr_assert(eq(int, detects(bus, WEIR_HASH_NONE, TIME_AT), 0));
        weir_close(bus);
}

Test(lane_memory, every_nth_frame_is_verified)
{
        static const struct {
                uint32_t verify;
                uint64_t corrupt;
        } wishes[] = { { 0, 3 }, { 1, 3 }, { 2, 1 }, { 3, 2 }, { WEIR_NONE, 0 } };
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s[5];
        const struct weir_frame *frame;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 2 * MIB)));
        for (int i = 0; i < 5; i++)
                kit_ok(weir_subscriber_open(&s[i], bus, "a", WEIR_SUBSCRIBER(.verify = wishes[i].verify)));
        for (uint64_t n = 1; n <= 12; n++)
                publish_damaged(p, n, n == 3 || n == 7 || n == 12);
        for (int i = 0; i < 5; i++) {
                while (weir_take(s[i], WEIR_NOW, &frame) == WEIR_OK)
                        weir_release(frame);
                cr_assert(eq(u64, kit_info(s[i]).corrupt, wishes[i].corrupt), "verify = %u", wishes[i].verify);
                cr_assert(eq(u64, kit_info(s[i]).frames, 12 - wishes[i].corrupt));
        }
        weir_close(bus);
}

/* ---- what is copied out of it ---- */

Test(lane_memory, a_copy_is_verified_against_what_was_published)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_frame *frame;
        struct weir_loan *loan;
        char *copy = malloc(LARGE);

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        kit_ok(weir_lend(p, LARGE, WEIR_NOW, &loan));
        kit_fill(loan->data, LARGE, 1);
        loan->about.flags = WEIR_KEEP; /* so that this publisher can do what a hostile one would */
        kit_ok(weir_loan_publish(loan));
        frame = kit_take(s);
        cr_assert(eq(int, weir_copy(frame, copy, LARGE - 1), WEIR_E_TOO_LARGE));
        kit_ok(weir_copy(frame, copy, LARGE));
        cr_assert(kit_filled(copy, LARGE, 1));
        ((char *)loan->data)[LARGE / 2] ^= 1;
        cr_assert(eq(int, weir_copy(frame, copy, LARGE), WEIR_E_CORRUPT));
        weir_release(frame);
        weir_loan_discard(loan);
        free(copy);
        weir_close(bus);
}
