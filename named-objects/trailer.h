/*
 * How objects travel where the kernel carries bytes only: behind the bytes of a datagram, from the broker to a client.
 *
 *      payload | entry, entry, ... | count, mark          all little-endian
 *      entry   kind (4), rights (4), handle (8), name (112, ends with 0 and is filled with 0)
 *
 * An object is given by handle (its number in the receiver's own process, where the sender put it), by name (then the
 * handle is 0), or not at all: WR_TRAILER_NONE stands for an object that the sender could not get. Every datagram of a
 * broker ends in a trailer, also one without objects.
 *
 * The bytes come from a broker that was asked who it is, and are read like a stranger's. Pure: no system call.
 */
#ifndef WR_TRAILER_H
#define WR_TRAILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        WR_TRAILER_ENTRIES_MAX = 16,
        WR_TRAILER_NAME_BYTES = 112, /* with its 0 */
        WR_TRAILER_ENTRY_BYTES = 16 + WR_TRAILER_NAME_BYTES,
        WR_TRAILER_TAIL_BYTES = 8,
        WR_TRAILER_BYTES_MAX = WR_TRAILER_ENTRIES_MAX * WR_TRAILER_ENTRY_BYTES + WR_TRAILER_TAIL_BYTES
};

enum wr_trailer_kind {
        WR_TRAILER_NONE = 0,
        WR_TRAILER_SECTION = 1,
        WR_TRAILER_EVENT = 2,
        WR_TRAILER_PROCESS = 3, /* by handle only */
        WR_TRAILER_PIPE = 4,    /* an end of a stream */
        WR_TRAILER_KINDS
};

struct wr_trailer_entry {
        enum wr_trailer_kind kind;
        uint32_t rights;                  /* that the receiver is to have, no others */
        uint64_t handle;                  /* 0: by name */
        char name[WR_TRAILER_NAME_BYTES]; /* "" with a handle */
};

/* Writes the trailer of at most WR_TRAILER_ENTRIES_MAX entries, which wr_trailer_read would take; returns its size. */
size_t
wr_trailer_write(const struct wr_trailer_entry *entries, size_t count, void *bytes);

/*
 * The trailer at the end of `size` bytes: its entries, and how many bytes of payload are before it. False: it is none,
 * or an entry is not as it has to be: a kind that there is; a handle as the system numbers them (a multiple of four, of
 * 31 bits) or a name of printable ASCII, never both; rights, of no more than 24 bits; nothing of all that with NONE;
 * and no handle twice.
 */
bool
wr_trailer_read(const void *bytes, size_t size, struct wr_trailer_entry entries[WR_TRAILER_ENTRIES_MAX], size_t *count,
                size_t *payload_bytes);

#endif
