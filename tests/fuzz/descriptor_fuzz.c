/*
 * A descriptor as bytes of a stranger: it is refused with a reason, or it can be walked, judged and printed, and what
 * is printed means the same again.
 */
#include "named-objects/rights/condition.h"
#include "named-objects/rights/sddl.h"
#include "named-objects/rights/token.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { TEXT_MAX = 1 << 20 };

static void
expect(int held)
{
        if (!held)
                abort();
}

static const char *const names[] = { "org.weir.Camera", "\xff", "" };
static const struct wr_attribute attributes[] = { { "WIN://SYSAPPID", names, 3, 0 }, { "WIN://BGKD", NULL, 0, 7 } };
static const struct wr_token token = { .attributes = attributes, .attribute_count = 2 };

static void
judge(const struct wr_ace *ace)
{
        enum wr_truth value = wr_condition_value(ace->condition, ace->condition_size, &token);

        expect(value == WR_FALSE || value == WR_TRUE || value == WR_UNKNOWN);
        expect(wr_condition_valid(ace->condition, ace->condition_size, NULL));
}

static void
walk(const struct wr_acl *list)
{
        struct wr_ace ace;
        uint32_t count = 0;
        char entry[64];

        for (size_t at = 0; wr_acl_next(list, &at, &ace); count++) {
                size_t length = wr_sddl_print_ace(&ace, NULL, entry, sizeof(entry));

                expect(strlen(entry) == (length < sizeof(entry) ? length : sizeof(entry) - 1));
                if (ace.condition != NULL)
                        judge(&ace);
        }
        expect(count == list->count);
}

/* Through the text and back: the same text again. */
static void
turn_round(const struct wr_descriptor *descriptor)
{
        static char text[TEXT_MAX], again[TEXT_MAX];
        static uint8_t written[WR_DESCRIPTOR_MAX];
        size_t length = wr_sddl_print(descriptor, NULL, text, sizeof(text)), size;
        struct wr_descriptor back;
        struct wr_sddl_error error;

        expect(length == strlen(text));
        if (length == 0)
                return;
        size = wr_sddl_parse(text, length, NULL, written, sizeof(written), &error);
        expect(size != 0 && wr_descriptor_open(&back, written, size, NULL));
        expect(wr_sddl_print(&back, NULL, again, sizeof(again)) == length && strcmp(text, again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct wr_descriptor descriptor;
        const char *why = NULL;
        char what[200];
        size_t length = wr_descriptor_refusal(bytes, size, what, sizeof(what));

        expect(length == strlen(what));
        if (!wr_descriptor_open(&descriptor, bytes, size, &why)) {
                expect(why != NULL && why[0] != '\0' && strncmp(what, why, strlen(why)) == 0);
                return 0;
        }
        expect(why == NULL && length == 0);
        walk(&descriptor.dacl);
        walk(&descriptor.sacl);
        turn_round(&descriptor);
        return 0;
}
