/*
 * The input of `weir pub`.
 *
 *      frames of a known size    reading writes straight into the loan: no copy of ours
 *      lines, whole inputs       collected in a buffer, since their size is known only at their end
 */
#include "clients/cli/pub_source.h"

#include "clients/cli/system.h"

#include <stdlib.h>
#include <string.h>

void
pub_source_open(struct pub_source *source, intptr_t input, bool lines, uint64_t frame_size)
{
        *source = (struct pub_source){ .input = input, .lines = lines, .frame_size = frame_size };
}

void
pub_source_close(struct pub_source *source)
{
        free(source->buffer);
        source->buffer = NULL;
}

/* Reading did not go well. */
static enum weir_result
broke_off(struct pub_source *source, int64_t how)
{
        if (how == CLI_READ_INTERRUPTED)
                return WEIR_INTERRUPTED;
        source->error = cli_system_error();
        return WEIR_E_SYSTEM;
}

/* Reads until `size` bytes came or the input ended. *got counts also what came before a failure. */
static enum weir_result
read_whole(struct pub_source *source, char *to, uint64_t size, uint64_t *got)
{
        *got = 0;
        while (*got < size) {
                int64_t n = cli_system_read(source->input, to + *got, size - *got);

                if (n < 0)
                        return broke_off(source, n);
                if (n == 0) {
                        source->ended = true;
                        return WEIR_OK;
                }
                *got += (uint64_t)n;
        }
        return WEIR_OK;
}

static enum weir_result
publish_loan(struct pub_source *source, struct weir_publisher *publisher, uint64_t *bytes)
{
        struct weir_loan *loan;
        enum weir_result result = weir_lend(publisher, source->frame_size, WEIR_FOREVER, &loan);

        if (result != WEIR_OK)
                return result;
        result = read_whole(source, loan->data, source->frame_size, bytes);
        if (result != WEIR_OK || *bytes == 0) {
                weir_loan_discard(loan);
                return result == WEIR_OK ? WEIR_ENDED : result;
        }
        loan->size = *bytes;
        return weir_loan_publish(loan);
}

/* Reads more behind what the buffer holds, growing it as needed. */
static enum weir_result
fill_buffer(struct pub_source *source)
{
        int64_t n;

        if (source->begin > 0) {
                memmove(source->buffer, source->buffer + source->begin, source->end - source->begin);
                source->end -= source->begin;
                source->begin = 0;
        }
        if (source->end == source->room) {
                size_t room = source->room * 2 + 65536;
                char *buffer = realloc(source->buffer, room);

                if (buffer == NULL) {
                        source->error = "no memory for a frame of that size";
                        return WEIR_E_NO_MEMORY;
                }
                source->buffer = buffer;
                source->room = room;
        }
        n = cli_system_read(source->input, source->buffer + source->end, source->room - source->end);
        if (n < 0)
                return broke_off(source, n);
        source->ended = n == 0;
        source->end += (size_t)n;
        return WEIR_OK;
}

static enum weir_result
publish_line(struct pub_source *source, struct weir_publisher *publisher, uint64_t *bytes)
{
        size_t searched = 0; /* of what the buffer holds: a long line is searched once, not once a read */
        enum weir_result result;

        for (;;) {
                size_t held = source->end - source->begin;
                char *line = held > 0 ? source->buffer + source->begin : NULL; /* there may be no buffer yet */
                char *end = held > searched ? memchr(line + searched, '\n', held - searched) : NULL;

                if (end != NULL || (source->ended && held > 0)) {
                        *bytes = end != NULL ? (uint64_t)(end - line) : held;
                        source->begin += *bytes + (end != NULL);
                        return weir_publish(publisher, line, *bytes, NULL, WEIR_FOREVER);
                }
                if (source->ended)
                        return WEIR_ENDED;
                searched = held;
                result = fill_buffer(source);
                if (result != WEIR_OK)
                        return result;
        }
}

static enum weir_result
publish_whole(struct pub_source *source, struct weir_publisher *publisher, uint64_t *bytes)
{
        enum weir_result result = WEIR_OK;

        if (source->ended)
                return WEIR_ENDED;
        while (result == WEIR_OK && !source->ended)
                result = fill_buffer(source);
        if (result != WEIR_OK)
                return result;
        *bytes = source->end;
        return weir_publish(publisher, source->buffer, *bytes, NULL, WEIR_FOREVER);
}

enum weir_result
pub_source_publish(struct pub_source *source, struct weir_publisher *publisher, uint64_t *bytes)
{
        *bytes = 0;
        if (source->frame_size > 0)
                return source->ended ? WEIR_ENDED : publish_loan(source, publisher, bytes);
        return source->lines ? publish_line(source, publisher, bytes) : publish_whole(source, publisher, bytes);
}
