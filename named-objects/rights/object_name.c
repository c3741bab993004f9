/*
 * Texts are put together piece by piece in the caller's memory; whoever finds no room, or has no answer, makes the
 * whole text empty. What was put together is measured last, in UTF-16, since that is what Windows limits.
 */
#include "named-objects/rights/object_name.h"

#include "named-objects/rights/package.h"
#include "named-objects/rights/utf16.h"

#include <string.h>

#define CONTAINERS "AppContainerNamedObjects\\"
#define PIPES      "\\\\.\\pipe\\"

struct text {
        char *at;
        size_t used, room;
        bool failed;
};

static struct text
begin(char *at, size_t room)
{
        return (struct text){ at, 0, room, room == 0 };
}

static void
put_bytes(struct text *text, const char *bytes, size_t size)
{
        if (text->failed || size >= text->room - text->used) {
                text->failed = true;
                return;
        }
        memcpy(text->at + text->used, bytes, size);
        text->used += size;
}

static void
put(struct text *text, const char *string)
{
        put_bytes(text, string, strlen(string));
}

static void
put_number(struct text *text, uint32_t number)
{
        char digits[10];
        size_t first = sizeof(digits);

        do
                digits[--first] = (char)('0' + number % 10);
        while ((number /= 10) > 0);
        put_bytes(text, digits + first, sizeof(digits) - first);
}

static void
put_sid(struct text *text, const struct wr_sid *sid)
{
        char digits[WR_SID_TEXT_MAX];
        size_t size = wr_sid_text(sid, digits);

        put_bytes(text, digits, size);
}

/* Below `units_max`, if it is not 0, and UTF-8. */
static size_t
end(struct text *text, size_t units_max)
{
        size_t units;

        if (!text->failed && units_max > 0)
                text->failed = !wr_utf16_from(text->at, text->used, WR_UTF16_AS_IS, NULL, units_max, &units);
        if (text->room > 0)
                text->at[text->failed ? 0 : text->used] = '\0';
        return text->failed ? 0 : text->used;
}

static bool
name_is_good(const char *name)
{
        size_t units;

        return name[0] != '\0' && strchr(name, '\\') == NULL &&
               wr_utf16_from(name, strlen(name), WR_UTF16_AS_IS, NULL, WR_OBJECT_NAME_MAX, &units);
}

static void
put_name(struct text *text, const char *name)
{
        put(text, name);
        text->failed |= !name_is_good(name);
}

/* AppContainerNamedObjects\<SID>, and for a child one component more. */
static void
put_directory(struct text *text, const struct wr_sid *container)
{
        struct wr_sid parent = *container;

        if (!wr_package_is_sid(container)) {
                text->failed = true;
                return;
        }
        parent.count = WR_PACKAGE_SID_WORDS;
        put(text, CONTAINERS);
        put_sid(text, &parent);
        for (uint32_t i = WR_PACKAGE_SID_WORDS; i < container->count; i++) {
                put(text, i == WR_PACKAGE_SID_WORDS ? "\\" : "-");
                put_number(text, container->words[i]);
        }
}

size_t
wr_object_directory(const struct wr_sid *container, char *text, size_t room)
{
        struct text made = begin(text, room);

        put_directory(&made, container);
        return end(&made, 0);
}

/* \Sessions\n\ */
static void
put_session(struct text *text, uint32_t session)
{
        put(text, "\\Sessions\\");
        put_number(text, session);
        put(text, "\\");
}

/* Session 0 has the global names. */
static bool
is_global(const struct wr_object_place *place)
{
        return place->place == WR_PLACE_GLOBAL || (place->place == WR_PLACE_SESSION && place->session == 0);
}

size_t
wr_object_path(const struct wr_object_place *place, const char *name, char *text, size_t room)
{
        struct text made = begin(text, room);

        if (is_global(place)) {
                put(&made, "\\BaseNamedObjects");
        } else {
                put_session(&made, place->session);
                if (place->place == WR_PLACE_SESSION)
                        put(&made, "BaseNamedObjects");
                else
                        put_directory(&made, &place->container);
        }
        put(&made, "\\");
        put_name(&made, name);
        return end(&made, 0);
}

static bool
is_full_trust(const struct wr_object_speaker *speaker)
{
        return speaker->container.count == 0;
}

static bool
is_own_directory(const struct wr_object_place *place, const struct wr_object_speaker *speaker)
{
        return place->place == WR_PLACE_CONTAINER && place->session == speaker->session &&
               wr_sid_equal(&place->container, &speaker->container);
}

/* What stands before the name; false if the speaker has no way to say it. */
static bool
put_prefix(struct text *text, const struct wr_object_place *place, const struct wr_object_speaker *speaker)
{
        if (is_own_directory(place, speaker))
                return true;
        if (place->place == WR_PLACE_SESSION && place->session == speaker->session)
                return true;
        if (!is_full_trust(speaker))
                return false;
        if (is_global(place)) {
                put(text, "Global\\");
                return true;
        }
        if (place->place == WR_PLACE_SESSION)
                return false;
        if (place->session != speaker->session) {
                put(text, "Session\\");
                put_number(text, place->session);
                put(text, "\\");
        }
        put_directory(text, &place->container);
        put(text, "\\");
        return true;
}

size_t
wr_object_name(const struct wr_object_place *place, const struct wr_object_speaker *speaker, const char *name,
               char *text, size_t room)
{
        struct text made = begin(text, room);

        made.failed |= !put_prefix(&made, place, speaker);
        put_name(&made, name);
        return end(&made, WR_OBJECT_NAME_MAX);
}

/* Moves behind the prefix if the text begins with it. */
static bool
take(const char **at, const char *prefix)
{
        size_t size = strlen(prefix);

        if (strncmp(*at, prefix, size) != 0)
                return false;
        *at += size;
        return true;
}

static bool
take_number(const char **at, uint32_t *number)
{
        const char *first = *at;
        uint64_t value = 0;

        for (; **at >= '0' && **at <= '9' && value <= UINT32_MAX; (*at)++)
                value = value * 10 + (uint64_t)(**at - '0');
        *number = (uint32_t)value;
        return *at > first && value <= UINT32_MAX && (*first != '0' || *at == first + 1);
}

/* <SID>\ or, of a child, <SID>\w1-w2-w3-w4\ where another backslash follows. */
static bool
take_container(const char **at, struct wr_sid *container)
{
        const char *mark = strchr(*at, '\\'), *rest;

        if (mark == NULL || !wr_sid_parse(container, *at, (size_t)(mark - *at)) || !wr_package_is_sid(container) ||
            container->count != WR_PACKAGE_SID_WORDS)
                return false;
        *at = rest = mark + 1;
        if (strchr(rest, '\\') == NULL)
                return true;
        for (uint32_t i = WR_PACKAGE_SID_WORDS; i < WR_CHILD_SID_WORDS; i++)
                if (!take_number(&rest, &container->words[i]) || !take(&rest, i + 1 < WR_CHILD_SID_WORDS ? "-" : "\\"))
                        return false;
        container->count = WR_CHILD_SID_WORDS;
        *at = rest;
        return true;
}

/* A container's Local and Session lead back into its own directory, its Global into the global one. */
static bool
resolve_in_container(struct wr_object_place *place, const struct wr_object_speaker *speaker, const char **at)
{
        if (take(at, "Global\\")) {
                place->place = WR_PLACE_GLOBAL;
                return true;
        }
        if (!take(at, "Local\\"))
                take(at, "Session\\");
        *place = (struct wr_object_place){ WR_PLACE_CONTAINER, speaker->session, speaker->container };
        return true;
}

static bool
resolve_in_full_trust(struct wr_object_place *place, const char **at)
{
        bool other = false;

        if (take(at, "Global\\")) {
                place->place = WR_PLACE_GLOBAL;
                return true;
        }
        if (take(at, "Session\\")) {
                other = true;
                if (!take_number(at, &place->session) || !take(at, "\\"))
                        return false;
        } else {
                take(at, "Local\\");
        }
        if (take(at, CONTAINERS)) {
                place->place = WR_PLACE_CONTAINER;
                return take_container(at, &place->container);
        }
        return !other; /* plain names of another session are the system's */
}

bool
wr_object_resolve(struct wr_object_place *place, const struct wr_object_speaker *speaker, const char *text,
                  const char **name)
{
        const char *at = text;
        bool known;
        size_t units;

        *place = (struct wr_object_place){ .place = WR_PLACE_SESSION, .session = speaker->session };
        known = is_full_trust(speaker) ? resolve_in_full_trust(place, &at) : resolve_in_container(place, speaker, &at);
        if (!known || !name_is_good(at) ||
            !wr_utf16_from(text, strlen(text), WR_UTF16_AS_IS, NULL, WR_OBJECT_NAME_MAX, &units))
                return false;
        if (is_global(place))
                *place = (struct wr_object_place){ .place = WR_PLACE_GLOBAL };
        *name = at;
        return true;
}

/* Sessions\n\AppContainerNamedObjects\<SID>\ of a container's pipe, nothing of any other. */
static void
put_pipe_prefix(struct text *text, const struct wr_object_place *place)
{
        if (place->place != WR_PLACE_CONTAINER)
                return;
        put(text, "Sessions\\");
        put_number(text, place->session);
        put(text, "\\");
        put_directory(text, &place->container);
        put(text, "\\");
}

size_t
wr_object_pipe_path(const struct wr_object_place *place, const char *name, char *text, size_t room)
{
        struct text made = begin(text, room);

        put(&made, "\\Device\\NamedPipe\\");
        put_pipe_prefix(&made, place);
        put_name(&made, name);
        return end(&made, 0);
}

size_t
wr_object_pipe_name(const struct wr_object_place *place, const struct wr_object_speaker *speaker, const char *name,
                    char *text, size_t room)
{
        struct text made = begin(text, room);

        put(&made, PIPES);
        if (is_own_directory(place, speaker))
                put(&made, "LOCAL\\");
        else if (is_full_trust(speaker) || place->place != WR_PLACE_CONTAINER)
                put_pipe_prefix(&made, place);
        else
                made.failed = true;
        put_name(&made, name);
        return end(&made, WR_PIPE_NAME_MAX);
}
