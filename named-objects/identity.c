/* The half of identities that is only text. */
#include "named-objects/identity.h"

#include <string.h>

static bool
is_name_byte(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == '_';
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

/* GLib's key file, of which only one key matters. A file that says it twice could be read in two ways: refused. */
bool
wr_identity_flatpak_name(const char *text, size_t size, char *name, size_t room)
{
        struct piece found = { NULL, 0 }, value;
        bool in_application = false, is_found = false;

        for (size_t at = 0; at < size;) {
                const char *end = memchr(text + at, '\n', size - at);
                size_t length = end != NULL ? (size_t)(end - text) - at : size - at;
                struct piece line = trim((struct piece){ text + at, length });

                at += length + 1;
                if (line.size != 0 && line.start[0] == '[') {
                        in_application = piece_is(line, "[Application]");
                } else if (in_application && value_of(line, "name", &value)) {
                        if (is_found)
                                return false;
                        is_found = true;
                        found = value;
                }
        }
        if (!is_found || found.size >= room || found.size > WR_PACKAGE_MAX ||
            memchr(found.start, 0, found.size) != NULL)
                return false;
        memcpy(name, found.start, found.size);
        name[found.size] = '\0';
        return wr_identity_package_valid(name);
}

/* AppArmor says "unconfined"; SELinux "user:role:type:level", where an unconfined user's programs have the broker's
 * own label. No label where one was expected is no proof. */
bool
wr_identity_label_trusted(const char *label, const char *own)
{
        return strcmp(label, "unconfined") == 0 || (label[0] != '\0' && strcmp(label, own) == 0);
}
