/* The half of identities that is only text: names, and what a `.flatpak-info` says. */
#include "named-objects/identity.h"

#include <string.h>
#include <strings.h>

static bool
is_name_byte(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == '_';
}

bool
wr_identity_capability_valid(const char *name)
{
        size_t length = strnlen(name, WR_CAPABILITY_MAX + 1);

        if (length == 0 || length > WR_CAPABILITY_MAX || strchr(".-_", name[0]) != NULL)
                return false;
        for (size_t i = 0; i < length; i++) {
                if (!is_name_byte(name[i]))
                        return false;
        }
        return true;
}

bool
wr_identity_package_valid(const char *name)
{
        size_t length = strnlen(name, WR_PACKAGE_MAX + 1);

        if (length == 0 || length > WR_PACKAGE_MAX || name[0] == '.' || strstr(name, "..") != NULL)
                return false;
        for (size_t i = 0; i < length; i++) {
                if (!is_name_byte(name[i]))
                        return false;
        }
        return true;
}

/* A piece of the file, without the blanks around it. Not ended by a zero. */
struct piece {
        const char *start;
        size_t size;
};

static bool
is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

static struct piece
trim(struct piece p)
{
        while (p.size != 0 && is_blank(p.start[0])) {
                p.start++;
                p.size--;
        }
        while (p.size != 0 && is_blank(p.start[p.size - 1]))
                p.size--;
        return p;
}

static bool
piece_is(struct piece p, const char *text)
{
        return p.size == strlen(text) && memcmp(p.start, text, p.size) == 0;
}

/* "name = value": is it that key, and if so which value. */
static bool
value_of(struct piece line, const char *key, struct piece *value)
{
        const char *equals = memchr(line.start, '=', line.size);
        size_t key_size = equals != NULL ? (size_t)(equals - line.start) : 0;

        if (equals == NULL || !piece_is(trim((struct piece){ line.start, key_size }), key))
                return false;
        *value = trim((struct piece){ equals + 1, line.size - key_size - 1 });
        return true;
}

/* What was said of one key. A file that says it twice could be read in two ways. */
struct said {
        struct piece value;
        uint32_t times;
};

static void
line_read(struct piece line, const char *key, struct said *said)
{
        struct piece value;

        if (value_of(line, key, &value)) {
                said->value = value;
                said->times++;
        }
}

/* GLib's key file, of which only two keys matter. */
static void
file_read(const char *text, size_t size, struct said *name, struct said *capabilities)
{
        struct piece group = { NULL, 0 };

        for (size_t at = 0; at < size;) {
                const char *end = memchr(text + at, '\n', size - at);
                size_t length = end != NULL ? (size_t)(end - text) - at : size - at;
                struct piece line = trim((struct piece){ text + at, length });

                at += length + 1;
                if (line.size != 0 && line.start[0] == '[')
                        group = line;
                else if (piece_is(group, "[Application]"))
                        line_read(line, "name", name);
                else if (piece_is(group, "[Policy weir]"))
                        line_read(line, "capability", capabilities);
        }
}

/* Flatpak itself wants two periods at least, which also keeps its names apart from Snaps'. */
static bool
name_take(struct piece value, struct wr_flatpak *flatpak)
{
        int periods = 0;

        if (value.size > WR_PACKAGE_MAX || memchr(value.start, 0, value.size) != NULL)
                return false;
        memcpy(flatpak->name, value.start, value.size);
        flatpak->name[value.size] = '\0';
        for (const char *c = flatpak->name; *c; c++)
                periods += *c == '.';
        return periods >= 2 && wr_identity_package_valid(flatpak->name);
}

/* One of a list. A name that is there already, in whatever case, is the same capability: its SID is. */
static bool
capability_take(struct piece value, struct wr_flatpak *flatpak)
{
        char name[WR_CAPABILITY_MAX + 1];

        if (value.size > WR_CAPABILITY_MAX || memchr(value.start, 0, value.size) != NULL)
                return false;
        memcpy(name, value.start, value.size);
        name[value.size] = '\0';
        if (!wr_identity_capability_valid(name))
                return false;
        for (uint32_t i = 0; i < flatpak->capability_count; i++) {
                if (strcasecmp(flatpak->capabilities[i], name) == 0)
                        return true;
        }
        if (flatpak->capability_count == WR_CAPABILITIES_MAX)
                return false;
        memcpy(flatpak->capabilities[flatpak->capability_count++], name, sizeof name);
        return true;
}

/* "a;b;" and "a;b" are the same list; an empty one in the middle is a capability without a name. GLib's escapes and
 * Flatpak's "!a" (not a) have no place in a name, so they are refused with the rest. */
static bool
capabilities_take(struct piece value, struct wr_flatpak *flatpak)
{
        while (value.size != 0) {
                const char *end = memchr(value.start, ';', value.size);
                size_t length = end != NULL ? (size_t)(end - value.start) : value.size;

                if (!capability_take((struct piece){ value.start, length }, flatpak))
                        return false;
                length += end != NULL;
                value = (struct piece){ value.start + length, value.size - length };
        }
        return true;
}

bool
wr_identity_flatpak_read(const char *text, size_t size, struct wr_flatpak *flatpak)
{
        struct said name = { { "", 0 }, 0 }, capabilities = { { "", 0 }, 0 };

        memset(flatpak, 0, sizeof *flatpak);
        file_read(text, size, &name, &capabilities);
        return name.times == 1 && capabilities.times <= 1 && name_take(name.value, flatpak) &&
               capabilities_take(capabilities.value, flatpak);
}
