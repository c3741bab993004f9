/* Inside the Windows endpoint: objects into the trailer of a datagram, and out of it. */
#ifndef WR_ENDPOINT_OBJECTS_WIN32_H
#define WR_ENDPOINT_OBJECTS_WIN32_H

#include "named-objects/endpoint_win32.h"
#include "named-objects/trailer.h"

/*
 * Each object reaches the client: duplicated into its process, or by name with an entry in its list. WR_NO_OBJECT, and
 * a process that could go by handle only, become WR_TRAILER_NONE.
 *
 * WEIR_E_DENIED   the client can be given nothing, neither by handle nor by name, or not this object
 * WEIR_E_USAGE    it is no kind of object that is handed over
 * WEIR_E_CLOSED   the client's process has ended
 */
enum weir_result
wr_endpoint_objects_give(const struct wr_endpoint_peer *peer, const wr_object *objects, size_t count,
                         struct wr_trailer_entry *entries);

/* What was given by handle is closed in the client's process: it will never hear of it. */
void
wr_endpoint_objects_withdraw(const struct wr_endpoint_peer *peer, const struct wr_trailer_entry *entries, size_t count);

/* The client's side. WEIR_E_CORRUPT: one of them is not what the entry says, or cannot be opened; then none is kept. */
enum weir_result
wr_endpoint_objects_take(const struct wr_trailer_entry *entries, size_t count, wr_object *objects);

#endif
