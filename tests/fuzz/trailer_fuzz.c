/*
 * The trailer behind a broker's datagram: whatever it holds is read within its bounds, and what is taken from it is
 * what a broker could have written.
 */
#include "named-objects/trailer.h"

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
entry_check(const struct wr_trailer_entry *entry)
{
        size_t length = strnlen(entry->name, WR_TRAILER_NAME_BYTES);

        expect(length < WR_TRAILER_NAME_BYTES);
        switch (entry->kind) {
        case WR_TRAILER_NONE: expect(entry->rights == 0 && entry->handle == 0 && length == 0); return;
        case WR_TRAILER_PROCESS:
        case WR_TRAILER_PIPE: expect(entry->handle != 0); break;
        case WR_TRAILER_SECTION:
        case WR_TRAILER_EVENT: expect((entry->handle != 0) != (length != 0)); break;
        default: abort();
        }
        expect(entry->rights != 0 && entry->rights < 1u << 24);
        expect(entry->handle < UINT64_C(1) << 31 && entry->handle % 4 == 0);
}

static void
read_all(const uint8_t *bytes, size_t size)
{
        struct wr_trailer_entry entries[WR_TRAILER_ENTRIES_MAX];
        uint8_t written[WR_TRAILER_BYTES_MAX];
        size_t count, payload;

        if (!wr_trailer_read(bytes, size, entries, &count, &payload))
                return;
        expect(count <= WR_TRAILER_ENTRIES_MAX);
        expect(payload + count * WR_TRAILER_ENTRY_BYTES + WR_TRAILER_TAIL_BYTES == size);
        for (size_t i = 0; i < count; i++) {
                entry_check(&entries[i]);
                for (size_t j = 0; j < i; j++)
                        expect(entries[i].handle == 0 || entries[i].handle != entries[j].handle);
        }
        expect(wr_trailer_write(entries, count, written) == size - payload);
        expect(memcmp(written, bytes + payload, size - payload) == 0);
}

/* The same bytes before a good tail, which says as many entries as the first byte does. */
static void
read_with_tail(const uint8_t *bytes, size_t size)
{
        uint8_t *whole = malloc(size + WR_TRAILER_TAIL_BYTES); /* exactly as large: a byte too far is seen */

        expect(whole != NULL);
        if (size != 0)
                memcpy(whole, bytes, size);
        wr_trailer_write(NULL, 0, whole + size);
        whole[size] = size != 0 ? bytes[0] : 0;
        read_all(whole, size + WR_TRAILER_TAIL_BYTES);
        free(whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        read_all(bytes, size);
        read_with_tail(bytes, size);
        return 0;
}
