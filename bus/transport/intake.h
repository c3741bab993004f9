/*
 * What comes from a stream, cut into records: a buffer between the reads and whoever takes them apart. Payloads that
 * are large go past it, from the stream to where they belong; small ones come many to a read.
 *
 *      spans = wr_intake_room(rest of a payload)  ->  read  ->  wr_intake_filled(bytes that came)
 *      wr_intake_next      a record, its payload comes next
 *      wr_intake_payload   as much of that as is here
 *
 * No system calls: the reads are the caller's.
 */
#ifndef WR_INTAKE_H
#define WR_INTAKE_H

#include "bus/transport/record.h"

enum {
        WR_INTAKE_BYTES = 64 << 10,
        WR_INTAKE_LARGE = 16 << 10, /* payloads from so many bytes on are read past the buffer */
};

struct wr_intake {
        size_t begin, end; /* of what is in the buffer and not taken */
        size_t ahead;      /* the last payload was large: what stood before it. 0: it was not */
        uint8_t bytes[WR_INTAKE_BYTES];
};

/* Where the next read may put bytes, behind what is wanted first (the rest of a payload, elsewhere): little where large
 * payloads follow each other, so that they are not read into the buffer and copied out of it. */
size_t
wr_intake_room(struct wr_intake *in, void **at);

/* So many bytes were put there. */
void
wr_intake_filled(struct wr_intake *in, size_t bytes);

/* Takes a record off the buffer. WEIR_OK, WEIR_EMPTY (read more), WEIR_E_CORRUPT: as wr_record_decode. */
enum weir_result
wr_intake_next(struct wr_intake *in, struct wr_record *record, const char **why);

/* Takes up to `size` bytes of a payload off the buffer; returns how many there were. */
size_t
wr_intake_payload(struct wr_intake *in, void *to, size_t size);

#endif
