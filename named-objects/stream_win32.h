/* Streams of Windows are pipes in byte mode, or sockets: both are files to the system. */
#ifndef WR_STREAM_WIN32_H
#define WR_STREAM_WIN32_H

#include "named-objects/stream.h"

#include <stdint.h>

/* A connected socket (a SOCKET) becomes a stream, which owns it from WEIR_OK on. */
enum weir_result
wr_stream_socket(uintptr_t socket, wr_object *stream);

#endif
