/*
 * SIDs, names of packages and names of objects: whatever is taken comes back the same from its own text and bytes, and
 * whatever is refused has a reason.
 */
#include "named-objects/rights/object_name.h"
#include "named-objects/rights/package_name.h"
#include "named-objects/rights/sid_alias.h"
#include "named-objects/rights/utf16.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { NAME_SIZE_MAX = 4096 };

static void
expect(int held)
{
        if (!held)
                abort();
}

static void
sid_as_text(const char *text, size_t size)
{
        char printed[WR_SID_TEXT_MAX];
        struct wr_sid sid, back;

        if (!wr_sid_parse(&sid, text, size))
                return;
        expect(sid.count > 0 && wr_sid_text(&sid, printed) == strlen(printed));
        expect(wr_sid_parse(&back, printed, strlen(printed)) && wr_sid_equal(&sid, &back));
}

static void
sid_as_bytes(const uint8_t *bytes, size_t size)
{
        uint8_t written[WR_SID_BYTES_MAX];
        char printed[WR_SID_TEXT_MAX];
        struct wr_sid sid, back;
        size_t took = wr_sid_read(&sid, bytes, size);

        if (took == 0)
                return;
        expect(took <= size && took == wr_sid_size(&sid));
        expect(wr_sid_write(&sid, written) == took && memcmp(written, bytes, took) == 0);
        expect(wr_sid_parse(&back, printed, wr_sid_text(&sid, printed)) && wr_sid_equal(&sid, &back));
}

static void
sid_as_alias(const char *text, size_t size)
{
        struct wr_sid sid;
        const char *alias;

        if (size < 2 || !wr_sid_from_alias(&sid, text, NULL))
                return;
        alias = wr_sid_alias(&sid, NULL);
        expect(wr_sid_alias_kind(text) == WR_ALIAS_FIXED);
        expect(alias != NULL && (alias[0] | 0x20) == (text[0] | 0x20) && (alias[1] | 0x20) == (text[1] | 0x20));
}

static void
package_name(const char *text, size_t size)
{
        bool (*const parsers[])(struct wr_package_name *, const char *, size_t,
                                const char **) = { wr_package_family_parse, wr_package_full_parse,
                                                   wr_package_app_parse };
        struct wr_package_name package, family;
        const char *why;

        for (int i = 0; i < 3; i++) {
                if (!parsers[i](&package, text, size, &why)) {
                        expect(why != NULL && package.family[0] == '\0');
                        continue;
                }
                expect(wr_package_family_parse(&family, package.family, strlen(package.family), &why));
                expect(why == NULL && strcmp(family.family, package.family) == 0);
        }
        expect(wr_package_publisher_kind(text, size) <= WR_PUBLISHER_MISPLACED);
}

static void
utf16(const char *text, size_t size)
{
        uint8_t *wide = malloc(2 * size + 1);
        size_t units, counted;

        if (wr_utf16_from(text, size, WR_UTF16_UPPER, wide, size, &units)) {
                expect(wr_utf16_from(text, size, WR_UTF16_AS_IS, NULL, units, &counted) && counted == units);
                expect(units <= size &&
                       (units == 0 || !wr_utf16_from(text, size, WR_UTF16_LOWER, wide, units - 1, &units)));
        }
        free(wide);
}

static void
object_name(const char *text)
{
        static const struct wr_sid package = { 15, 8, { 2, 1, 2, 3, 4, 5, 6, 7 } };
        const struct wr_object_speaker speakers[] = { { 1, { 0 } }, { 0, { 0 } }, { 1, package } };
        char said[WR_OBJECT_TEXT_MAX];
        struct wr_object_place place;
        const char *name;

        for (int i = 0; i < 3; i++) {
                if (!wr_object_resolve(&place, &speakers[i], text, &name))
                        continue;
                expect(wr_object_path(&place, name, said, sizeof(said)) == strlen(said) && said[0] == '\\');
                expect(wr_object_pipe_path(&place, name, said, sizeof(said)) > 0);
                wr_object_pipe_name(&place, &speakers[i], name, said, sizeof(said));
                if (wr_object_name(&place, &speakers[i], name, said, sizeof(said)) > 0) {
                        struct wr_object_place back;

                        expect(wr_object_resolve(&back, &speakers[i], said, &name) && back.place == place.place);
                        expect(back.session == place.session && wr_sid_equal(&back.container, &place.container));
                }
        }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        const char *text = (const char *)bytes;
        char *ended;

        sid_as_text(text, size);
        sid_as_bytes(bytes, size);
        sid_as_alias(text, size);
        package_name(text, size);
        utf16(text, size);
        if (size > NAME_SIZE_MAX)
                return 0;
        ended = calloc(1, size + 1);
        memcpy(ended, text, size);
        object_name(ended);
        free(ended);
        return 0;
}
