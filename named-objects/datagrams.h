/*
 * Datagrams over a stream: each with its length in front (4 bytes, little-endian). What an endpoint does by itself, for
 * connections that are streams. No objects travel on them.
 */
#ifndef WR_DATAGRAMS_H
#define WR_DATAGRAMS_H

#include "named-objects/stream.h"

enum { WR_DATAGRAM_MAX = 2048, WR_DATAGRAM_HEAD = 4 };

struct wr_datagrams {
        wr_object stream; /* the owner's to close */
        size_t in_size, out_begin, out_end;
        uint8_t in[WR_DATAGRAM_HEAD + WR_DATAGRAM_MAX], out[WR_DATAGRAM_HEAD + WR_DATAGRAM_MAX];
};

void
wr_datagrams_open(struct wr_datagrams *datagrams, wr_object stream);

/* One of 1 to WR_DATAGRAM_MAX bytes. WEIR_OK: it is on its way, or waits for wr_datagrams_flush as the only one.
 * WEIR_FULL: the one before it still waits. WEIR_E_CLOSED and the like: as wr_stream_write. */
enum weir_result
wr_datagrams_send(struct wr_datagrams *datagrams, const void *bytes, size_t size);

/* WEIR_FULL: some of it still waits. */
enum weir_result
wr_datagrams_flush(struct wr_datagrams *datagrams);

/* WEIR_EMPTY: no whole one is here. WEIR_E_CORRUPT: it is longer than any, or has no bytes, or than `room`. */
enum weir_result
wr_datagrams_receive(struct wr_datagrams *datagrams, void *bytes, size_t room, size_t *size);

static inline bool
wr_datagrams_waits(const struct wr_datagrams *datagrams)
{
        return datagrams->out_begin < datagrams->out_end;
}

#endif
