/*
 * Control messages: the input is decoded as a datagram from a peer, and what is accepted must encode to the same
 * bytes. Then the input's own bytes become the structure of a message of ours, which every peer must accept.
 */
#include "bus/message.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
expect(int held)
{
        if (!held)
                abort();
}

static void
decode(const uint8_t *bytes, size_t size)
{
        uint8_t again[WR_MESSAGE_BYTES_MAX];
        struct wr_message message;
        const char *why = NULL;
        enum weir_result result = wr_message_decode(bytes, size, &message, &why);

        if (result != WEIR_OK) {
                expect(why != NULL && *why != '\0' && message.kind == 0);
                expect(result != WEIR_E_VERSION || wr_message_version(bytes, size) != WR_PROTOCOL);
                return;
        }
        expect(strcmp(wr_message_name(message.kind), "?") != 0);
        expect(wr_message_descriptors(message.kind) <= WR_MESSAGE_DESCRIPTORS_MAX);
        expect(wr_message_encode(&message, again) == size);
        expect(memcmp(again, bytes, size) == 0);
}

#define KIND_OF(KIND, name, number, descriptors) WR_##KIND,
static const enum wr_message_kind kinds[] = { WR_MESSAGES(KIND_OF) };

static void
encode(const uint8_t *bytes, size_t size)
{
        uint8_t encoded[WR_MESSAGE_BYTES_MAX], again[WR_MESSAGE_BYTES_MAX];
        struct wr_message message = { 0 }, back;
        size_t encoded_size;

        if (size > sizeof(message))
                size = sizeof(message);
        memcpy(&message, bytes, size);
        message.kind = kinds[size ? bytes[0] % (sizeof(kinds) / sizeof(*kinds)) : 0];
        encoded_size = wr_message_encode(&message, encoded);
        expect(encoded_size <= WR_MESSAGE_BYTES_MAX);
        expect(wr_message_decode(encoded, encoded_size, &back, NULL) == WEIR_OK);
        expect(back.kind == message.kind && back.request == message.request);
        expect(wr_message_encode(&back, again) == encoded_size);
        expect(memcmp(again, encoded, encoded_size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        unsigned number = size ? bytes[size - 1] : 0;

        decode(bytes, size);
        encode(bytes, size);
        (void)wr_message_name((enum wr_message_kind)number);
        (void)wr_message_descriptors((enum wr_message_kind)number);
        return 0;
}
