#include "named-objects/trailer.h"

#include <string.h>

enum {
        MARK = 0x72697721, /* so that bytes that a trailer was never put behind are not taken for one */
        RIGHTS_MAX = 0xffffff,
        HANDLE_MAX = 0x7fffffff, /* above are those that stand for "this process" and the like */
        KIND_AT = 0,
        RIGHTS_AT = 4,
        HANDLE_AT = 8,
        NAME_AT = 16
};

static void
number_write(uint8_t *to, uint64_t value, size_t bytes)
{
        for (size_t i = 0; i < bytes; i++)
                to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t
number_read(const uint8_t *from, size_t bytes)
{
        uint64_t value = 0;

        for (size_t i = 0; i < bytes; i++)
                value |= (uint64_t)from[i] << (8 * i);
        return value;
}

size_t
wr_trailer_write(const struct wr_trailer_entry *entries, size_t count, void *bytes)
{
        uint8_t *to = bytes;

        for (size_t i = 0; i < count; i++, to += WR_TRAILER_ENTRY_BYTES) {
                number_write(to + KIND_AT, entries[i].kind, 4);
                number_write(to + RIGHTS_AT, entries[i].rights, 4);
                number_write(to + HANDLE_AT, entries[i].handle, 8);
                memcpy(to + NAME_AT, entries[i].name, WR_TRAILER_NAME_BYTES);
        }
        number_write(to, count, 4);
        number_write(to + 4, MARK, 4);
        return count * WR_TRAILER_ENTRY_BYTES + WR_TRAILER_TAIL_BYTES;
}

/* How long the name is, ended and filled with zeros; -1: it is not as it has to be. */
static int
name_length(const uint8_t *name)
{
        int length = 0;

        while (length < WR_TRAILER_NAME_BYTES && name[length] > 0x20 && name[length] < 0x7f)
                length++;
        for (int i = length; i < WR_TRAILER_NAME_BYTES; i++)
                if (name[i] != 0)
                        return -1;
        return length < WR_TRAILER_NAME_BYTES ? length : -1;
}

static bool
entry_read(const uint8_t *from, struct wr_trailer_entry *entry)
{
        uint64_t kind = number_read(from + KIND_AT, 4);
        int length = name_length(from + NAME_AT);

        *entry = (struct wr_trailer_entry){
                .rights = (uint32_t)number_read(from + RIGHTS_AT, 4),
                .handle = number_read(from + HANDLE_AT, 8),
        };
        if (kind >= WR_TRAILER_KINDS || length < 0)
                return false;
        entry->kind = (enum wr_trailer_kind)kind;
        memcpy(entry->name, from + NAME_AT, (size_t)length);
        if (kind == WR_TRAILER_NONE)
                return entry->rights == 0 && entry->handle == 0 && length == 0;
        if (entry->rights == 0 || entry->rights > RIGHTS_MAX)
                return false;
        if (entry->handle == 0)
                return length > 0 && kind != WR_TRAILER_PROCESS;
        return length == 0 && entry->handle <= HANDLE_MAX && entry->handle % 4 == 0;
}

/* Two objects with one handle would be closed twice. */
static bool
handle_is_new(const struct wr_trailer_entry *entries, size_t index)
{
        for (size_t i = 0; i < index; i++)
                if (entries[i].handle != 0 && entries[i].handle == entries[index].handle)
                        return false;
        return true;
}

bool
wr_trailer_read(const void *bytes, size_t size, struct wr_trailer_entry entries[WR_TRAILER_ENTRIES_MAX], size_t *count,
                size_t *payload_bytes)
{
        const uint8_t *tail, *first;

        *count = *payload_bytes = 0;
        if (size < WR_TRAILER_TAIL_BYTES)
                return false;
        size -= WR_TRAILER_TAIL_BYTES;
        tail = (const uint8_t *)bytes + size;
        if (number_read(tail + 4, 4) != MARK)
                return false;
        *count = (size_t)number_read(tail, 4);
        if (*count > WR_TRAILER_ENTRIES_MAX || *count * WR_TRAILER_ENTRY_BYTES > size)
                return false;
        first = tail - *count * WR_TRAILER_ENTRY_BYTES;
        for (size_t i = 0; i < *count; i++)
                if (!entry_read(first + i * WR_TRAILER_ENTRY_BYTES, &entries[i]) || !handle_is_new(entries, i))
                        return false;
        *payload_bytes = size - *count * WR_TRAILER_ENTRY_BYTES;
        return true;
}
