/*
 * A life-line: something that a process holds for as long as it lives, and that others can watch. The broker makes
 * one per client; the client holds one end, its peers watch the other and see the hang-up of a death themselves,
 * also when no broker is there. Linux: a pipe; the write end is held, the read end watched. Windows: a process handle
 * that can only be waited for is watched, and nothing is held.
 */
#ifndef WR_LIFELINE_H
#define WR_LIFELINE_H

#include "named-objects/region.h"

/* process: the client's, from wr_identity_of. held: for the client, then closed here. watched: readable (hang-up) once
 * nobody holds the other end. Both close-on-exec and non-blocking. On Windows held is WR_NO_OBJECT, and so is watched
 * for a process that the broker may not open: then its death is told by the broker alone. */
enum weir_result
wr_lifeline_create(wr_object process, wr_object *held, wr_object *watched);

#endif
