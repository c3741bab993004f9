/*
 * One end of a named pipe in message mode, with its reads and writes under way. A connection of the endpoint is such an
 * end; all calls for one end come from one thread at a time.
 *
 *      reading   one read is always under way; what it brought waits in `in` until it is received
 *      writing   at most one write is under way, from our own copy in `out`
 *
 * The system cancels what a thread has under way when that thread ends; it is begun again at the next look, and
 * nothing is lost by it.
 */
#ifndef WR_PIPE_WIN32_H
#define WR_PIPE_WIN32_H

#include "named-objects/endpoint_win32.h"
#include "named-objects/object_win32.h"
#include "named-objects/trailer.h"

enum { WR_PIPE_BYTES_MAX = WR_ENDPOINT_BYTES_MAX + WR_TRAILER_BYTES_MAX };

enum wr_pipe_state { WR_PIPE_IDLE, WR_PIPE_BUSY, WR_PIPE_FAILED };

struct wr_pipe {
        struct wr_waitable waitable; /* first; its events are made by wr_pipe_settle */
        struct wr_endpoint_peer peer;
        OVERLAPPED reading, writing;
        enum wr_pipe_state read_state, write_state;
        DWORD read_error, write_size;
        unsigned reads; /* begun so far */
        /* What went with the write that is under way, to be withdrawn should it never arrive. */
        struct wr_trailer_entry given[WR_TRAILER_ENTRIES_MAX];
        size_t given_count;
        uint8_t in[WR_PIPE_BYTES_MAX], out[WR_PIPE_BYTES_MAX];
};

/* Takes the handle over, also on a failure. NULL: no memory. */
struct wr_pipe *
wr_pipe_new(HANDLE handle, bool is_client);

/* Makes the events; from now on it can be waited for. Begins to read, or goes on with a read that was begun before. */
enum weir_result
wr_pipe_settle(struct wr_pipe *pipe);

/* Begins the first read, before the pipe is settled; `event` is set when something came. */
void
wr_pipe_read(struct wr_pipe *pipe, HANDLE event);

/*
 * What has the read brought?
 *
 * WEIR_OK         a message of *size bytes is in `in`
 * WEIR_EMPTY      nothing yet
 * WEIR_E_CLOSED   the peer hung up, and all that it said was received
 * WEIR_E_CORRUPT  a message that is empty or larger than any of ours: there is no going on
 */
enum weir_result
wr_pipe_look(struct wr_pipe *pipe, size_t *size);

/* The message is done with: begin to read the next. */
void
wr_pipe_go_on(struct wr_pipe *pipe);

/* WEIR_FULL: a write is under way. WEIR_E_CLOSED: the peer is gone. WEIR_OK: `out` may be filled. */
enum weir_result
wr_pipe_room(struct wr_pipe *pipe);

/* Writes `size` bytes of `out`. given: what goes along, as above. WEIR_OK, WEIR_E_CLOSED, or the system's failure. */
enum weir_result
wr_pipe_write(struct wr_pipe *pipe, size_t size, const struct wr_trailer_entry *given, size_t count);

/* NULL: the object is no pipe's end. */
struct wr_pipe *
wr_pipe_of(wr_object object);

/* Ends what is under way, closes and frees. */
void
wr_pipe_close(struct wr_pipe *pipe);

#endif
