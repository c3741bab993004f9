/* Objects behind a datagram's bytes. */
#include "named-objects/trailer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

TestSuite(trailer, .timeout = 20);

static uint8_t bytes[64 + WR_TRAILER_BYTES_MAX];
static struct wr_trailer_entry came[WR_TRAILER_ENTRIES_MAX];
static size_t count, payload;

/* Behind four bytes of payload. */
static size_t
written(const struct wr_trailer_entry *entries, size_t how_many)
{
        memcpy(bytes, "word", 4);
        return 4 + wr_trailer_write(entries, how_many, bytes + 4);
}

static bool
read_back(size_t size)
{
        return wr_trailer_read(bytes, size, came, &count, &payload);
}

static bool
takes(struct wr_trailer_entry entry)
{
        return read_back(written(&entry, 1));
}

Test(trailer, what_was_written_is_read)
{
        static const struct wr_trailer_entry entries[] = {
                { WR_TRAILER_SECTION, 6, 0x1c4, "" },
                { WR_TRAILER_SECTION, 4, 0, "Global\\weir-00112233445566778899aabbccddeeff" },
                { WR_TRAILER_NONE, 0, 0, "" },
                { WR_TRAILER_EVENT, 0x100000, 0x1c8, "" },
                { WR_TRAILER_PROCESS, 0x100000, 0x7ffffffc, "" },
        };

        cr_assert(read_back(written(entries, 5)));
        cr_assert(eq(sz, count, 5));
        cr_assert(eq(sz, payload, 4));
        for (size_t i = 0; i < 5; i++) {
                cr_assert(eq(int, came[i].kind, entries[i].kind));
                cr_assert(eq(u32, came[i].rights, entries[i].rights));
                cr_assert(eq(u64, came[i].handle, entries[i].handle));
                cr_assert(eq(str, came[i].name, (char *)(uintptr_t)entries[i].name));
        }
}

Test(trailer, none_and_sixteen_are_taken_and_seventeen_are_not)
{
        struct wr_trailer_entry entries[WR_TRAILER_ENTRIES_MAX + 1];
        static uint8_t large[WR_TRAILER_BYTES_MAX + WR_TRAILER_ENTRY_BYTES];

        for (size_t i = 0; i <= WR_TRAILER_ENTRIES_MAX; i++)
                entries[i] = (struct wr_trailer_entry){ WR_TRAILER_EVENT, 2, 4 * (i + 1), "" };
        cr_assert(read_back(written(entries, 0)));
        cr_assert(eq(sz, count, 0));
        cr_assert(read_back(written(entries, WR_TRAILER_ENTRIES_MAX)));
        cr_assert(eq(sz, count, WR_TRAILER_ENTRIES_MAX));
        cr_assert(not(wr_trailer_read(large, wr_trailer_write(entries, WR_TRAILER_ENTRIES_MAX + 1, large), came, &count,
                                      &payload)));
}

Test(trailer, what_is_cut_or_has_no_mark_is_none)
{
        struct wr_trailer_entry entry = { WR_TRAILER_EVENT, 2, 8, "" };
        size_t size = written(&entry, 1);

        cr_assert(not(read_back(0)));
        cr_assert(not(read_back(WR_TRAILER_TAIL_BYTES - 1)));
        cr_assert(not(read_back(size - 1)));
        cr_assert(not(wr_trailer_read(bytes + 5, size - 5, came, &count, &payload))); /* an entry without its begin */
        bytes[size - 1] ^= 1;
        cr_assert(not(read_back(size)));
}

Test(trailer, an_entry_is_all_that_it_has_to_be)
{
        cr_assert(takes((struct wr_trailer_entry){ WR_TRAILER_SECTION, 4, 8, "" }));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_KINDS, 4, 8, "" })));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_SECTION, 0, 8, "" })));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_SECTION, 0x10000000, 8, "" })));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_SECTION, 4, 0, "" })));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_SECTION, 4, 8, "both" })));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_SECTION, 4, 0, "two words" })));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_SECTION, 4, 0, "\x7f" })));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_PROCESS, 0x100000, 0, "name" })));
        cr_assert(takes((struct wr_trailer_entry){ WR_TRAILER_PIPE, 0x12019b, 0, "name" }));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_NONE, 4, 0, "" })));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_NONE, 0, 8, "" })));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_NONE, 0, 0, "name" })));
}

Test(trailer, handles_are_such_as_the_system_numbers_them)
{
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_PROCESS, 1, UINT64_MAX, "" }))); /* "this process" */
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_EVENT, 1, 0x80000000, "" })));
        cr_assert(not(takes((struct wr_trailer_entry){ WR_TRAILER_EVENT, 1, 9, "" })));
        cr_assert(takes((struct wr_trailer_entry){ WR_TRAILER_EVENT, 1, 4, "" }));
}

Test(trailer, no_handle_comes_twice)
{
        struct wr_trailer_entry two[] = { { WR_TRAILER_EVENT, 2, 8, "" }, { WR_TRAILER_SECTION, 2, 8, "" } };

        cr_assert(not(read_back(written(two, 2))));
        two[1].handle = 12;
        cr_assert(read_back(written(two, 2)));
}

Test(trailer, a_name_ends_and_nothing_is_behind_it)
{
        struct wr_trailer_entry entry = { WR_TRAILER_EVENT, 2, 0, "weir" };

        memset(entry.name, 'x', WR_TRAILER_NAME_BYTES);
        cr_assert(not(takes(entry)));
        entry.name[WR_TRAILER_NAME_BYTES - 1] = '\0';
        cr_assert(takes(entry));
        entry.name[4] = '\0';
        cr_assert(not(takes(entry)));
}
