/*
 * What stands in a sandbox's `.flatpak-info`, and the label of an LSM: whatever it holds is read within its bounds.
 * What is taken from it has the grammar of a name, and nobody is trusted for a label that confines.
 */
#include "named-objects/identity.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { TEXT_MAX = 8192 };

static void
expect(int held)
{
        if (!held)
                abort();
}

static void
read_file(const char *text, size_t size)
{
        static struct wr_flatpak flatpak;
        const char *period;

        if (!wr_identity_flatpak_read(text, size, &flatpak))
                return;
        period = strchr(flatpak.name, '.');
        expect(wr_identity_package_valid(flatpak.name) && period != NULL && strchr(period + 1, '.') != NULL);
        expect(flatpak.capability_count <= WR_CAPABILITIES_MAX);
        for (uint32_t i = 0; i < flatpak.capability_count; i++) {
                expect(wr_identity_capability_valid(flatpak.capabilities[i]));
                for (uint32_t j = 0; j < i; j++)
                        expect(strcasecmp(flatpak.capabilities[i], flatpak.capabilities[j]) != 0);
        }
}

/* The same bytes as a list of capabilities: few inputs get so far by themselves. */
static void
read_list(const uint8_t *bytes, size_t size)
{
        static const char head[] = "[Application]\nname=a.b.c\n[Policy weir]\ncapability=";
        size_t head_size = sizeof head - 1;
        char *text;

        if (size > TEXT_MAX)
                return;
        text = malloc(head_size + size); /* exactly as large: a byte too far is seen */
        expect(text != NULL);
        memcpy(text, head, head_size);
        if (size != 0)
                memcpy(text + head_size, bytes, size);
        read_file(text, head_size + size);
        free(text);
}

static void
read_label(const uint8_t *bytes, size_t size)
{
        char label[WR_LABEL_MAX + 1] = "", name[WR_PACKAGE_MAX + 1], small[8];

        memcpy(label, bytes, size < WR_LABEL_MAX ? size : WR_LABEL_MAX);
        if (wr_identity_snap_name(label, name, sizeof name)) {
                expect(wr_identity_package_valid(name) && strchr(name, '.') == NULL);
                expect(strncmp(label, "snap.", 5) == 0 && strncmp(label + 5, name, strlen(name)) == 0);
                expect(strstr(label, " (") != NULL);
        }
        wr_identity_snap_name(label, small, sizeof small);
        if (wr_identity_label_trusted(label, "none"))
                expect(strstr(label, "unconfined") != NULL || strcmp(label, "none") == 0);
        expect(wr_identity_label_trusted(label, label) == (label[0] != '\0'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        read_file((const char *)bytes, size);
        read_list(bytes, size);
        if (size != 0)
                read_label(bytes, size);
        return 0;
}
