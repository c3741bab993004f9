/*
 * A frame on stdout.
 *
 *      raw    the payload, nothing else: for the next program of a pipe
 *      text   a line a frame; what is no printable UTF-8 is shown as \xNN, so that a terminal is safe
 *      hex    offset, sixteen bytes, the same as characters; the size ends each frame
 *             (of a long frame both show the beginning, and say so)
 *             (of a pattern both begin with the frame's topic)
 *      json   one object a line; the payload as "text" when it is UTF-8, else as "hex"
 */
#include "clients/cli/sub_output.h"
#include "clients/cli/cli.h"
#include "clients/cli/row.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "text", "raw", "hex", "json", "none" };

int
sub_output_named(const char *name)
{
        for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
                if (strcmp(name, names[i]) == 0)
                        return i;
        return -1;
}

/* Bytes of the printable UTF-8 character at `text`, 0 when there is none. */
static size_t
printable_length(const unsigned char *text, size_t size)
{
        size_t length = text[0] < 0x80       ? 1
                        : text[0] >> 5 == 6  ? 2
                        : text[0] >> 4 == 14 ? 3
                        : text[0] >> 3 == 30 ? 4
                                             : 0;

        if (length == 1)
                return text[0] >= 0x20 && text[0] != 0x7f;
        if (length == 0 || length > size || text[0] == 0xc0 || text[0] == 0xc1 || text[0] > 0xf4)
                return 0;
        for (size_t i = 1; i < length; i++)
                if (text[i] >> 6 != 2)
                        return 0;
        /* U+0080 to U+009F are control characters. */
        return length == 2 && text[0] == 0xc2 && text[1] < 0xa0 ? 0 : length;
}

/* Says what is not shown. */
static void
print_rest(uint64_t rest)
{
        if (rest > 0)
                printf("... %llu byte%s more, --full shows them", (unsigned long long)rest, cli_s(rest));
}

static void
print_text(const unsigned char *text, size_t size, uint64_t rest)
{
        while (size > 0) {
                size_t length = printable_length(text, size);

                if (length > 0)
                        fwrite(text, 1, length, stdout);
                else if (*text == '\t' || *text == '\n')
                        putchar(*text);
                else
                        printf("\\x%02x", *text);
                length += length == 0;
                text += length;
                size -= length;
        }
        print_rest(rest);
        putchar('\n');
}

static void
print_hex(const unsigned char *bytes, size_t size, uint64_t rest)
{
        for (size_t at = 0; at < size; at += 16) {
                printf("%08zx ", at);
                for (size_t i = at; i < at + 16; i++)
                        if (i < size)
                                printf(" %02x", bytes[i]);
                        else
                                fputs("   ", stdout);
                fputs("  |", stdout);
                for (size_t i = at; i < at + 16 && i < size; i++)
                        putchar(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.');
                fputs("|\n", stdout);
        }
        printf(rest > 0 ? "%08zx  " : "%08zx", size);
        print_rest(rest);
        putchar('\n');
}

static json_t *
json_hex(const unsigned char *bytes, size_t size)
{
        static const char digits[] = "0123456789abcdef";
        char *text = malloc(size * 2 + 1);
        json_t *string;

        if (text == NULL)
                return NULL;
        for (size_t i = 0; i < size; i++) {
                text[2 * i] = digits[bytes[i] >> 4];
                text[2 * i + 1] = digits[bytes[i] & 15];
        }
        string = json_stringn(text, size * 2);
        free(text);
        return string;
}

static void
print_json(const struct weir_frame *frame)
{
        const char *type = frame->format != NULL && frame->format->type != NULL ? frame->format->type : "";
        json_t *object, *text = json_stringn(frame->data, (size_t)frame->size); /* NULL: it is not UTF-8 */

        object = json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:o, s:I, s:I, s:I}", "topic", frame->topic, "type", type,
                           "source", row_name(frame->source), "sequence", (json_int_t)frame->sequence, "published_ns",
                           (json_int_t)frame->published_ns, "stamp_ns", (json_int_t)frame->about.stamp_ns, "tag",
                           row_name(frame->about.tag), "lost", (json_int_t)frame->lost, "skipped",
                           (json_int_t)frame->skipped, "size", (json_int_t)frame->size);
        if (object != NULL && text != NULL)
                json_object_set_new(object, "text", text);
        else if (object != NULL)
                json_object_set_new(object, "hex", json_hex(frame->data, (size_t)frame->size));
        json_dumpf(object, stdout, 0);
        putchar('\n');
        json_decref(object);
}

void
sub_output_frame(enum sub_output output, const struct weir_frame *frame, uint64_t bytes_max, bool with_topic)
{
        size_t size = (size_t)frame->size;
        size_t shown = frame->size < bytes_max ? size : (size_t)bytes_max;

        if (with_topic && output == SUB_TEXT)
                printf("%s: ", frame->topic); /* a name has no control characters */
        else if (with_topic && output == SUB_HEX)
                puts(frame->topic);
        switch (output) {
        case SUB_RAW: fwrite(frame->data, 1, size, stdout); break;
        case SUB_TEXT: print_text(frame->data, shown, size - shown); break;
        case SUB_HEX: print_hex(frame->data, shown, size - shown); break;
        case SUB_JSON: print_json(frame); break;
        case SUB_NONE: break;
        }
}
