/*
 * A descriptor as text: it is refused at a place that exists with a sentence that can be shown, or its canonical text
 * gives the same bytes. Also each text alone as a condition.
 */
#include "named-objects/rights/condition.h"
#include "named-objects/rights/sddl.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { TEXT_MAX = 1 << 20 };

static const struct wr_sid domain = { 5, 4, { 21, 1, 2, 3 } }, machine = { 5, 4, { 21, 4, 5, 6 } };

static void
expect(int held)
{
        if (!held)
                abort();
}

static void
expect_sentence(const char *what)
{
        expect(what[0] != '\0');
        for (; *what != '\0'; what++)
                expect(*what >= ' ' && *what <= '~');
}

/* Each entry alone is a part of the whole. */
static void
expect_entries(const struct wr_acl *list, const struct wr_sddl_realm *realm, const char *printed)
{
        static char entry[TEXT_MAX];
        struct wr_ace ace;

        for (size_t at = 0; wr_acl_next(list, &at, &ace);) {
                expect(wr_sddl_print_ace(&ace, realm, entry, sizeof(entry)) == strlen(entry));
                expect(list->count > 64 || strstr(printed, entry) != NULL);
        }
}

static void
parse(const char *text, size_t size, const struct wr_sddl_realm *realm)
{
        static uint8_t bytes[WR_DESCRIPTOR_MAX], again[WR_DESCRIPTOR_MAX];
        static char printed[TEXT_MAX];
        struct wr_descriptor descriptor;
        struct wr_sddl_error error;
        size_t used = wr_sddl_parse(text, size, realm, bytes, sizeof(bytes), &error), length;

        if (used == 0) {
                expect(error.at <= size);
                expect_sentence(error.what);
                return;
        }
        expect(wr_descriptor_open(&descriptor, bytes, used, NULL));
        length = wr_sddl_print(&descriptor, realm, printed, sizeof(printed));
        expect(length == strlen(printed));
        expect_entries(&descriptor.dacl, realm, printed);
        expect_entries(&descriptor.sacl, realm, printed);
        expect(wr_sddl_parse(printed, length, realm, again, sizeof(again), &error) == used);
        expect(memcmp(bytes, again, used) == 0);
        expect(used < 64 || wr_sddl_parse(text, size, realm, again, used - 1, &error) == 0);
}

static void
parse_condition(const char *text, size_t size)
{
        static char printed[WR_CONDITION_TEXT_MAX];
        uint8_t bytes[WR_CONDITION_BYTES_MAX], again[WR_CONDITION_BYTES_MAX];
        char what[200];
        size_t at = 0, length, used = wr_condition_parse(text, size, bytes, sizeof(bytes), &at, what, sizeof(what));

        if (used == 0) {
                expect(at <= size);
                expect_sentence(what);
                return;
        }
        length = wr_condition_print(bytes, used, printed, sizeof(printed));
        expect(length == strlen(printed));
        expect(wr_condition_parse(printed, length, again, sizeof(again), &at, what, sizeof(what)) == used);
        expect(memcmp(bytes, again, used) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct wr_sddl_realm realm = { .domain = domain, .machine = machine, .forest = domain };

        parse((const char *)bytes, size, NULL);
        parse((const char *)bytes, size, &realm);
        parse_condition((const char *)bytes, size);
        return 0;
}
