/* Control messages: every kind survives the way there and back, and whatever is not exactly one is refused. */
#include "bus/message.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static const enum wr_message_kind kinds[] = {
#define KIND(KIND, name, number, descriptors) WR_##KIND,
        WR_MESSAGES(KIND)
#undef KIND
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

/* A message of this kind with every byte of every number set, and texts cut by the encoder. */
static size_t
encoded(enum wr_message_kind kind, uint8_t *bytes)
{
        struct wr_message message;

        memset(&message, 'x', sizeof(message));
        message.kind = kind;
        message.request = 0x01020304;
        return wr_message_encode(&message, bytes);
}

static enum weir_result
decoded(const uint8_t *bytes, size_t size, struct wr_message *message)
{
        const char *why = NULL;
        enum weir_result result = wr_message_decode(bytes, size, message, &why);

        cr_assert(result == WEIR_OK || (why && *why), "a refusal has a sentence");
        return result;
}

Test(message, every_kind_survives_the_way_there_and_back)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX], again[WR_MESSAGE_BYTES_MAX];
        struct wr_message message;

        for (size_t i = 0; i < KINDS; i++) {
                size_t size = encoded(kinds[i], bytes);

                cr_assert(eq(int, decoded(bytes, size, &message), WEIR_OK));
                cr_assert(eq(int, message.kind, kinds[i]));
                cr_assert(eq(uint, message.request, 0x01020304));
                cr_assert(eq(sz, wr_message_encode(&message, again), size));
                cr_assert(memcmp(bytes, again, size) == 0);
        }
}

Test(message, fields_arrive_in_their_own_members)
{
        struct wr_message sent = { .kind = WR_PAIR_ACK, .request = 7 }, got;
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        sent.pair_ack = (struct wr_message_pair_ack){ 1, UINT64_MAX, WEIR_E_HELD, 3, UINT64_C(1) << 63, 5 };
        cr_assert(eq(int, decoded(bytes, wr_message_encode(&sent, bytes), &got), WEIR_OK));
        cr_assert(eq(u64, got.pair_ack.lane, 1));
        cr_assert(eq(u64, got.pair_ack.pair, UINT64_MAX));
        cr_assert(eq(int, got.pair_ack.result, WEIR_E_HELD));
        cr_assert(eq(u64, got.pair_ack.position, 3));
        cr_assert(eq(u64, got.pair_ack.sequence, UINT64_C(1) << 63));
        cr_assert(eq(u64, got.pair_ack.format, 5));
}

Test(message, the_bytes_are_little_endian_behind_a_header_of_sixteen)
{
        static const uint8_t expected[] = { 'W',  'E',  'I',  'R',  1, 0, 21, 0, 24, 0, 0, 0,
                                            0x78, 0x56, 0x34, 0x12, 8, 7, 6,  5, 4,  3, 2, 1 };
        struct wr_message ping = { .kind = WR_PING, .request = 0x12345678, .ping = { 0x0102030405060708 } };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        cr_assert(eq(sz, wr_message_encode(&ping, bytes), sizeof(expected)));
        cr_assert(memcmp(bytes, expected, sizeof(expected)) == 0);
}

Test(message, a_string_that_fills_its_room_is_cut_by_one_byte)
{
        struct wr_message message = { .kind = WR_LIST }, got;
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        memset(message.list.pattern, 'p', sizeof(message.list.pattern));
        cr_assert(eq(int, decoded(bytes, wr_message_encode(&message, bytes), &got), WEIR_OK));
        cr_assert(eq(sz, strlen(got.list.pattern), sizeof(got.list.pattern) - 1));
}

Test(message, every_truncated_or_prolonged_message_is_refused)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX + 1] = { 0 };
        struct wr_message message;

        for (size_t i = 0; i < KINDS; i++) {
                size_t size = encoded(kinds[i], bytes);

                for (size_t cut = 0; cut < size; cut++)
                        cr_assert(eq(int, decoded(bytes, cut, &message), WEIR_E_CORRUPT));
                cr_assert(eq(int, decoded(bytes, size + 1, &message), WEIR_E_CORRUPT));
        }
}

Test(message, a_size_field_that_differs_from_the_datagram_is_refused)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        struct wr_message message;
        size_t size = encoded(WR_PING, bytes);

        bytes[8] ^= 1;
        cr_assert(eq(int, decoded(bytes, size, &message), WEIR_E_CORRUPT));
}

Test(message, wrong_magic_is_refused)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        struct wr_message message;
        size_t size = encoded(WR_HELLO, bytes);

        for (size_t i = 0; i < 4; i++) {
                bytes[i] ^= 0x20;
                cr_assert(eq(int, decoded(bytes, size, &message), WEIR_E_CORRUPT));
                bytes[i] ^= 0x20;
        }
}

Test(message, another_version_is_told_apart_and_keeps_its_request)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        struct wr_message message;
        size_t size = encoded(WR_HELLO, bytes);

        bytes[4] = 9;
        cr_assert(eq(int, decoded(bytes, size, &message), WEIR_E_VERSION));
        cr_assert(eq(uint, message.request, 0x01020304));
        cr_assert(eq(int, (int)message.kind, 0));
        cr_assert(eq(uint, wr_message_version(bytes, size), 9));
        cr_assert(eq(uint, wr_message_version(bytes, 15), 0));
}

Test(message, unknown_kinds_are_refused)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        struct wr_message message;
        size_t size = encoded(WR_PING, bytes);

        static const uint16_t unknown[] = { 0, WR_BYE + 1, 0x00ff, 0x1500, 0xffff };
        for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
                bytes[6] = (uint8_t)unknown[i];
                bytes[7] = (uint8_t)(unknown[i] >> 8);
                cr_assert(eq(int, wr_message_decode(bytes, size, &message, NULL), WEIR_E_CORRUPT));
        }
}

Test(message, a_string_without_its_end_is_refused)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        struct wr_message message;
        size_t size = encoded(WR_LIST, bytes);

        bytes[size - 1] = 'x';
        cr_assert(eq(int, decoded(bytes, size, &message), WEIR_E_CORRUPT));
}

Test(message, bytes_behind_a_strings_end_are_refused)
{
        struct wr_message message = { .kind = WR_LIST };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = wr_message_encode(&message, bytes);

        bytes[size - 2] = 'x';
        cr_assert(eq(int, decoded(bytes, size, &message), WEIR_E_CORRUPT));
}

Test(message, descriptors_and_names_are_those_of_the_table)
{
        cr_assert(eq(uint, wr_message_descriptors(WR_LANE_ADDED), 3));
        cr_assert(eq(uint, wr_message_descriptors(WR_PAIR_ADDED), 2));
        cr_assert(eq(uint, wr_message_descriptors(WR_PING), 0));
        cr_assert(eq(uint, wr_message_descriptors((enum wr_message_kind)999), 0));
        cr_assert(eq(str, (char *)wr_message_name(WR_PAIR_ADDED), "PAIR_ADDED"));
        cr_assert(eq(str, (char *)wr_message_name((enum wr_message_kind)0), "?"));
}
