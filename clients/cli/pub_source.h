/* The input of `weir pub`, cut into frames. */
#ifndef CLI_PUB_SOURCE_H
#define CLI_PUB_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/weir.h>

struct pub_source {
        intptr_t input;    /* cli_system_input's */
        const char *error; /* why reading failed; NULL while it did not */
        bool lines, ended;
        uint64_t frame_size; /* 0: the whole input is one frame */
        char *buffer;        /* lines and whole inputs; [begin, end) is not yet published */
        size_t room, begin, end;
};

/* The input stays the caller's. */
void
pub_source_open(struct pub_source *source, intptr_t input, bool lines, uint64_t frame_size);

void
pub_source_close(struct pub_source *source);

/*
 * Publishes the next frame of the input.
 *
 * WEIR_OK           *bytes of it
 * WEIR_ENDED        the input has ended, nothing was published
 * WEIR_INTERRUPTED  by a signal
 * WEIR_E_SYSTEM     reading failed: source->error
 * others            as weir_lend() and weir_publish()
 */
enum weir_result
pub_source_publish(struct pub_source *source, struct weir_publisher *publisher, uint64_t *bytes);

#endif
