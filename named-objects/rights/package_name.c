/* The grammar of package names: a name is cut at its underscores, and every field has its own check. */
#include "named-objects/rights/package_name.h"

#include <string.h>

/* A piece of the caller's text. */
struct field {
        const char *text;
        size_t size;
};

enum { FULL_FIELDS = 5 };

static bool
is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char
lower(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The first bytes of the field are `word`, which is written in lower case. */
static bool
begins_with(struct field field, const char *word)
{
        for (size_t i = 0; word[i] != '\0'; i++)
                if (i == field.size || lower(field.text[i]) != word[i])
                        return false;
        return true;
}

static bool
contains(struct field field, const char *word)
{
        for (size_t i = 0; i < field.size; i++)
                if (begins_with((struct field){ field.text + i, field.size - i }, word))
                        return true;
        return false;
}

/* con, prn, aux, nul, com1 to com9, lpt1 to lpt9, alone or before a dot: files of that name cannot be made. */
static bool
names_a_device(struct field field)
{
        static const char *const devices[] = { "con", "prn", "aux", "nul", "com", "lpt" };
        size_t size = 3;

        for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
                if (!begins_with(field, devices[i]))
                        continue;
                if (i >= 4 && (field.size == 3 || !is_digit(field.text[size++]) || field.text[3] == '0'))
                        return false;
                return field.size == size || field.text[size] == '.';
        }
        return false;
}

/* What a name and a resource id have in common. NULL: nothing is wrong with it. */
static const char *
check_part(struct field field)
{
        for (size_t i = 0; i < field.size; i++) {
                char c = field.text[i];

                if (!is_letter(c) && !is_digit(c) && c != '.' && c != '-')
                        return "a name and a resource id are made of the letters and digits of ASCII, dots and dashes";
        }
        if (field.size > 0 && field.text[field.size - 1] == '.')
                return "a name or a resource id does not end with a dot";
        if (names_a_device(field))
                return "a name or a resource id that is a DOS device, or begins with one and a dot, is reserved";
        if (begins_with(field, "xn--") || contains(field, ".xn--"))
                return "xn-- at the beginning or behind a dot is reserved";
        return NULL;
}

static const char *
check_name(struct field field)
{
        const char *why = check_part(field);

        if (field.size < WR_PACKAGE_NAME_MIN)
                return "the name is shorter than 3 characters";
        if (why == NULL && field.size > WR_PACKAGE_NAME_MAX)
                return "the name is longer than 50 characters";
        return why;
}

static const char *
check_publisher_id(struct field field)
{
        if (field.size != WR_PUBLISHER_ID_SIZE)
                return "a publisher id has 13 characters";
        for (size_t i = 0; i < field.size; i++) {
                char c = lower(field.text[i]);

                if (!is_digit(c) && (!is_letter(c) || strchr("ilou", c) != NULL))
                        return "a publisher id is made of digits and letters without i, l, o and u";
        }
        return NULL;
}

static const char *
check_architecture(struct field field)
{
        static const char *const known[] = { "neutral", "x86", "x64", "arm", "arm64", "x86a64" };

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
                if (strlen(known[i]) == field.size && begins_with(field, known[i]))
                        return NULL;
        return "the architecture is none of neutral, x86, x64, arm, arm64, x86a64";
}

static const char *
check_resource_id(struct field field)
{
        if (field.size == 1 && field.text[0] == '~')
                return NULL; /* a bundle */
        return field.size > WR_PACKAGE_RESOURCE_MAX ? "the resource id is longer than 30 characters"
                                                    : check_part(field);
}

/* Cuts off what stands before the next `mark`, or all of it. */
static struct field
cut(struct field *rest, char mark)
{
        const char *end = rest->size > 0 ? memchr(rest->text, mark, rest->size) : NULL;
        struct field field = { rest->text, end != NULL ? (size_t)(end - rest->text) : rest->size };
        size_t used = field.size + (end != NULL);

        *rest = (struct field){ rest->text + used, rest->size - used };
        return field;
}

static size_t
count_of(struct field field, char mark)
{
        size_t count = 0;

        for (size_t i = 0; i < field.size; i++)
                count += field.text[i] == mark;
        return count;
}

static const char *
read_number(struct field field, uint16_t *number)
{
        uint32_t value = 0;

        if (field.size == 0)
                return "a version is four numbers with dots between them";
        if (field.size > 1 && field.text[0] == '0')
                return "a number of a version has no leading zero";
        for (size_t i = 0; i < field.size; i++) {
                if (!is_digit(field.text[i]))
                        return "a version is four numbers with dots between them";
                value = value * 10 + (uint32_t)(field.text[i] - '0');
                if (value > UINT16_MAX)
                        return "a number of a version is above 65535";
        }
        *number = (uint16_t)value;
        return NULL;
}

static const char *
read_version(struct field field, uint16_t version[4])
{
        const char *why = NULL;

        if (count_of(field, '.') != 3)
                return "a version is four numbers with dots between them";
        for (int i = 0; i < 4 && why == NULL; i++)
                why = read_number(cut(&field, '.'), &version[i]);
        return why;
}

/* The field has been checked, so it fits. */
static char *
put(char *at, struct field field)
{
        memcpy(at, field.text, field.size);
        at[field.size] = '\0';
        return at + field.size;
}

static const char *
read_ends(struct wr_package_name *package, struct field name, struct field publisher_id)
{
        const char *why = check_name(name);

        if (why == NULL)
                why = check_publisher_id(publisher_id);
        if (why != NULL)
                return why;
        put(package->name, name);
        put(package->publisher_id, publisher_id);
        put(put(put(package->family, name), (struct field){ "_", 1 }), publisher_id);
        return NULL;
}

static const char *
read_family(struct wr_package_name *package, struct field text)
{
        struct field name;

        if (count_of(text, '!') > 0)
                return "a family name has no !: what stands behind it is the application";
        if (count_of(text, '_') != 1)
                return "a family name is a name, one underscore and a publisher id";
        name = cut(&text, '_');
        return read_ends(package, name, text);
}

static const char *
read_full(struct wr_package_name *package, struct field text)
{
        struct field fields[FULL_FIELDS];
        const char *why;

        if (count_of(text, '_') != FULL_FIELDS - 1)
                return "a full name is name, version, architecture, resource id (which may be empty) and publisher id, "
                       "with underscores between them";
        for (int i = 0; i < FULL_FIELDS; i++)
                fields[i] = cut(&text, '_');
        why = read_ends(package, fields[0], fields[4]);
        if (why == NULL)
                why = read_version(fields[1], package->version);
        if (why == NULL)
                why = check_architecture(fields[2]);
        if (why == NULL)
                why = check_resource_id(fields[3]);
        if (why != NULL)
                return why;
        put(package->architecture, fields[2]);
        put(package->resource_id, fields[3]);
        return NULL;
}

/* Words of letters and digits that begin with a letter, dots between them. */
static const char *
check_app(struct field app)
{
        bool begins = true;

        if (app.size == 0 || app.size > WR_PACKAGE_APP_MAX)
                return "the application behind the ! has 1 to 64 characters";
        for (size_t i = 0; i < app.size; i++) {
                char c = app.text[i];

                if (begins ? !is_letter(c) : !is_letter(c) && !is_digit(c) && c != '.')
                        return "the application is words of ASCII letters and digits that begin with a letter, with "
                               "dots between them";
                begins = c == '.';
        }
        return begins ? "the application does not end with a dot" : NULL;
}

static const char *
read_app(struct wr_package_name *package, struct field text)
{
        struct field family;
        const char *why;

        if (count_of(text, '!') != 1)
                return "a user model id is a family name, one ! and an application";
        family = cut(&text, '!');
        why = read_family(package, family);
        if (why == NULL)
                why = check_app(text);
        if (why == NULL)
                put(package->app, text);
        return why;
}

static bool
parse(struct wr_package_name *package, const char *text, size_t size, const char **why,
      const char *(*read)(struct wr_package_name *, struct field))
{
        const char *reason;

        *package = (struct wr_package_name){ 0 };
        reason = read(package, (struct field){ text, size });
        if (reason != NULL)
                *package = (struct wr_package_name){ 0 };
        if (why != NULL)
                *why = reason;
        return reason == NULL;
}

bool
wr_package_family_parse(struct wr_package_name *package, const char *text, size_t size, const char **why)
{
        return parse(package, text, size, why, read_family);
}

bool
wr_package_full_parse(struct wr_package_name *package, const char *text, size_t size, const char **why)
{
        return parse(package, text, size, why, read_full);
}

bool
wr_package_app_parse(struct wr_package_name *package, const char *text, size_t size, const char **why)
{
        return parse(package, text, size, why, read_app);
}

bool
wr_package_family_of(struct wr_package_name *package, const char *name, const char *publisher, const char **why)
{
        char text[WR_PACKAGE_FAMILY_MAX + 2], id[WR_PUBLISHER_ID_SIZE + 1];
        const char *reason = check_name((struct field){ name, strlen(name) });

        *package = (struct wr_package_name){ 0 };
        if (reason == NULL && !wr_package_publisher_id(id, publisher, strlen(publisher)))
                reason = "a publisher is 1 to 8192 characters of UTF-8";
        if (why != NULL)
                *why = reason;
        if (reason != NULL)
                return false;
        put(put(put(text, (struct field){ name, strlen(name) }), (struct field){ "_", 1 }),
            (struct field){ id, WR_PUBLISHER_ID_SIZE });
        return wr_package_family_parse(package, text, strlen(text), why);
}
