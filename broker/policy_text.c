/*
 * An array keeps its manner: on one line the new element follows the last; where the closing bracket has a line of its
 * own, the new element gets a line of its own, too, indented as the last one.
 */
#include "broker/policy_text.h"

#include "broker/policy_file.h"
#include "named-objects/sentence.h"

#include <stdlib.h>
#include <string.h>

void
wr_policy_text_splice(struct wr_policy_text *text, size_t from, size_t to, const char *with, size_t with_size)
{
        size_t size = text->size - (to - from) + with_size;

        if (text->failed)
                return;
        if (size > text->room) {
                char *bytes = realloc(text->bytes, 2 * size);

                if (!bytes) {
                        text->failed = true;
                        return;
                }
                text->bytes = bytes;
                text->room = 2 * size;
        }
        if (text->size > to)
                memmove(text->bytes + from + with_size, text->bytes + to, text->size - to);
        if (with_size > 0)
                memcpy(text->bytes + from, with, with_size);
        text->size = size;
}

void
wr_policy_text_add(struct wr_policy_text *text, const char *what)
{
        wr_policy_text_splice(text, text->size, text->size, what, strlen(what));
}

void
wr_policy_text_quote(struct wr_policy_text *text, const char *what)
{
        char escape[8];

        wr_policy_text_add(text, "\"");
        for (; *what; what++) {
                unsigned char c = (unsigned char)*what;

                if (c == '"' || c == '\\')
                        wr_sentence(escape, sizeof(escape), "\\%c", c);
                else if (c < 0x20 || c == 0x7f)
                        wr_sentence(escape, sizeof(escape), "\\u%04x", c);
                else
                        wr_sentence(escape, sizeof(escape), "%c", c);
                wr_policy_text_add(text, escape);
        }
        wr_policy_text_add(text, "\"");
}

/* ---- finding --------------------------------------------------------------------------------------------------- */

struct search {
        const char *entry, *key;
        bool is_inside;
        struct wr_policy_spot *spot;
};

static const char *
look(void *user, const struct wr_setting *setting)
{
        struct search *search = user;
        struct wr_policy_spot *spot = search->spot;

        if (setting->kind == WR_SETTING_TABLE) {
                search->is_inside = strcmp(setting->table, "topic") == 0 && strcmp(setting->entry, search->entry) == 0;
                if (search->is_inside) {
                        spot->has_entry = true;
                        spot->header_end = spot->entry_end = setting->to;
                }
        }
        if (!search->is_inside || setting->kind == WR_SETTING_TABLE)
                return NULL;
        spot->entry_end = setting->to;
        if (!search->key || strcmp(setting->key, search->key) != 0)
                return NULL;
        spot->value_to = setting->to;
        if (setting->kind == WR_SETTING_ELEMENT && spot->count < WR_POLICY_ELEMENTS_MAX) {
                spot->elements[spot->count++] = (struct wr_policy_element){ setting->from, setting->to };
        } else if (setting->kind == WR_SETTING_ARRAY || setting->kind == WR_SETTING_STRING) {
                spot->has_key = true;
                spot->line = setting->line;
                spot->value_from = setting->from;
        }
        return NULL;
}

void
wr_policy_text_find(const struct wr_policy_text *text, const char *entry, const char *key, struct wr_policy_spot *spot)
{
        struct search search = { .entry = entry, .key = key, .spot = spot };
        struct wr_policy_error error;

        *spot = (struct wr_policy_spot){ 0 };
        wr_policy_file_read(text->bytes, text->size, look, &search, &error);
}

size_t
wr_policy_text_line_end(const struct wr_policy_text *text, size_t at)
{
        while (at < text->size && text->bytes[at] != '\n')
                at++;
        return at < text->size ? at + 1 : at;
}

/* ---- elements -------------------------------------------------------------------------------------------------- */

static bool
is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* The start of the line, if only blanks stand before `at` in it. */
static bool
begins_line(const struct wr_policy_text *text, size_t at, size_t *start)
{
        *start = at;
        while (*start > 0 && is_blank(text->bytes[*start - 1]))
                --*start;
        return *start == 0 || text->bytes[*start - 1] == '\n';
}

/* Behind the comma that follows an element, whatever blanks, breaks and comments stand between; or `at`. */
static size_t
behind_comma(const struct wr_policy_text *text, size_t at)
{
        size_t look_at = at;

        while (look_at < text->size) {
                char c = text->bytes[look_at];

                if (c == ',')
                        return look_at + 1;
                if (c == '#')
                        look_at = wr_policy_text_line_end(text, look_at);
                else if (is_blank(c) || c == '\n' || c == '\r')
                        look_at++;
                else
                        return at;
        }
        return at;
}

void
wr_policy_text_insert(struct wr_policy_text *text, const struct wr_policy_spot *spot,
                      const struct wr_policy_text *element)
{
        const struct wr_policy_element *last = spot->count ? &spot->elements[spot->count - 1] : NULL;
        size_t bracket = spot->value_to - 1, line, indent;
        struct wr_policy_text added = { 0 };

        if (last && begins_line(text, bracket, &line) && begins_line(text, last->from, &indent)) {
                wr_policy_text_splice(&added, 0, 0, text->bytes + indent, last->from - indent);
                wr_policy_text_splice(&added, added.size, added.size, element->bytes, element->size);
                wr_policy_text_add(&added, ",\n");
                wr_policy_text_splice(text, line, line, added.bytes, added.size);
                if (behind_comma(text, last->to) == last->to)
                        wr_policy_text_splice(text, last->to, last->to, ",", 1);
        } else if (last) {
                wr_policy_text_add(&added, ", ");
                wr_policy_text_splice(&added, added.size, added.size, element->bytes, element->size);
                wr_policy_text_splice(text, last->to, last->to, added.bytes, added.size);
        } else {
                wr_policy_text_splice(&added, added.size, added.size, element->bytes, element->size);
                wr_policy_text_splice(text, spot->value_from + 1, spot->value_from + 1, added.bytes, added.size);
        }
        text->failed = text->failed || added.failed || element->failed;
        free(added.bytes);
}

void
wr_policy_text_remove(struct wr_policy_text *text, const struct wr_policy_element *element)
{
        size_t from = element->from, to = behind_comma(text, element->to), start;

        if (to == element->to) { /* the last one: the comma before it goes, if nothing but blanks stands between */
                while (from > 0 && is_blank(text->bytes[from - 1]))
                        from--;
                from = from > 0 && text->bytes[from - 1] == ',' ? from - 1 : element->from;
        } else if (memchr(text->bytes + element->to, '#', to - element->to) ||
                   memchr(text->bytes + element->to, '\n', to - element->to)) {
                /* The comma stands behind a comment or a break, which stays: the comma goes for itself. */
                wr_policy_text_splice(text, to - 1, to, "", 0);
                to = element->to;
        } else {
                while (to < text->size && is_blank(text->bytes[to]))
                        to++;
        }
        if (begins_line(text, from, &start) && start > 0 && to < text->size &&
            (text->bytes[to] == '\n' ||
             (text->bytes[to] == '\r' && to + 1 < text->size && text->bytes[to + 1] == '\n'))) {
                from = start;
                to = wr_policy_text_line_end(text, to);
        }
        wr_policy_text_splice(text, from, to, "", 0);
}
