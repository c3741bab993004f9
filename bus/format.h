/*
 * A format as bytes: what stands in the block that a format slot names.
 *
 *      type length (4) | encoding length (4) | schema length (8) | type, 0 | encoding, 0 | schema, 0
 *
 * The lengths do not count the closing zero bytes, which let a reader hand out C strings in place.
 */
#ifndef WR_FORMAT_H
#define WR_FORMAT_H

#include "bus/result.h"

#include <stddef.h>
#include <stdint.h>

enum {
        WR_FORMAT_TYPE_MAX = 127,
        WR_FORMAT_ENCODING_MAX = 63,
        WR_FORMAT_SCHEMA_MAX = 1 << 20,
        WR_FORMAT_BYTES_MAX = 16 + WR_FORMAT_TYPE_MAX + 1 + WR_FORMAT_ENCODING_MAX + 1 + WR_FORMAT_SCHEMA_MAX + 1,
};

/* The parts of a format; strings end in a zero byte, NULL reads as "". */
struct wr_format_parts {
        const char *type, *encoding;
        const void *schema;
        uint64_t schema_size;
};

/* Bytes that the parts take; 0 when a part exceeds its limit. */
size_t
wr_format_bytes(const struct wr_format_parts *parts);

/* Writes wr_format_bytes(parts) bytes to `to`. */
void
wr_format_encode(const struct wr_format_parts *parts, void *to);

/* Checks bytes that came from a peer (already copied to private memory) and points the parts into them.
 * WEIR_E_CORRUPT: lengths that do not add up, a missing zero byte, or a zero byte inside type or encoding. */
enum weir_result
wr_format_decode(const void *bytes, size_t size, struct wr_format_parts *parts);

#endif
