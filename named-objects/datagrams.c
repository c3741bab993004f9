#include "named-objects/datagrams.h"

#include <string.h>

void
wr_datagrams_open(struct wr_datagrams *datagrams, wr_object stream)
{
        memset(datagrams, 0, sizeof *datagrams);
        datagrams->stream = stream;
}

enum weir_result
wr_datagrams_flush(struct wr_datagrams *datagrams)
{
        while (wr_datagrams_waits(datagrams)) {
                struct wr_span span = { datagrams->out + datagrams->out_begin,
                                        datagrams->out_end - datagrams->out_begin };
                size_t done;
                enum weir_result result = wr_stream_write(datagrams->stream, &span, 1, &done);

                if (result != WEIR_OK)
                        return result;
                datagrams->out_begin += done;
        }
        return WEIR_OK;
}

enum weir_result
wr_datagrams_send(struct wr_datagrams *datagrams, const void *bytes, size_t size)
{
        enum weir_result result = wr_datagrams_flush(datagrams);

        if (result != WEIR_OK)
                return result;
        if (size == 0 || size > WR_DATAGRAM_MAX)
                return WEIR_E_TOO_LARGE;
        for (int i = 0; i < WR_DATAGRAM_HEAD; i++)
                datagrams->out[i] = (uint8_t)(size >> (8 * i));
        memcpy(datagrams->out + WR_DATAGRAM_HEAD, bytes, size);
        datagrams->out_begin = 0;
        datagrams->out_end = WR_DATAGRAM_HEAD + size;
        result = wr_datagrams_flush(datagrams);
        return result == WEIR_FULL ? WEIR_OK : result;
}

/* Reads until `wanted` bytes of the one that comes are here. */
static enum weir_result
fill(struct wr_datagrams *datagrams, size_t wanted)
{
        while (datagrams->in_size < wanted) {
                struct wr_span span = { datagrams->in + datagrams->in_size, wanted - datagrams->in_size };
                size_t done;
                enum weir_result result = wr_stream_read(datagrams->stream, &span, 1, &done);

                if (result != WEIR_OK)
                        return result;
                datagrams->in_size += done;
        }
        return WEIR_OK;
}

enum weir_result
wr_datagrams_receive(struct wr_datagrams *datagrams, void *bytes, size_t room, size_t *size)
{
        enum weir_result result = fill(datagrams, WR_DATAGRAM_HEAD);
        uint32_t length = 0;

        if (result != WEIR_OK)
                return result;
        for (int i = 0; i < WR_DATAGRAM_HEAD; i++)
                length |= (uint32_t)datagrams->in[i] << (8 * i);
        if (length == 0 || length > WR_DATAGRAM_MAX || length > room)
                return WEIR_E_CORRUPT;
        result = fill(datagrams, WR_DATAGRAM_HEAD + length);
        if (result != WEIR_OK)
                return result;
        memcpy(bytes, datagrams->in + WR_DATAGRAM_HEAD, length);
        *size = length;
        datagrams->in_size = 0;
        return WEIR_OK;
}
