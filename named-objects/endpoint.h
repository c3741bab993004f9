/*
 * An endpoint: where the broker listens and clients connect; every datagram is one control message, and nothing blocks.
 * Objects go one way only: a client can receive them, the broker never does.
 *
 *                  Linux                                     Windows
 *      is          AF_UNIX SOCK_SEQPACKET                    a named pipe in message mode
 *      at          a path, in a directory that only its      \\.\pipe\NAME; the pipe's own name has a generation behind
 *                  owner can write                           it, -0 to -7, and the highest one counts
 *      its door    the directory                             the pipe's access list: our own user, and who is admitted
 *      inherited   never: close-on-exec                      never
 *
 * Windows can tell who connected only once it has said something, so there a connection is accepted when its first
 * datagram is here. Who says nothing is hung up on: after two seconds, or sooner when many do it.
 */
#ifndef WR_ENDPOINT_H
#define WR_ENDPOINT_H

#include "named-objects/region.h"

struct wr_sid;

enum { WR_ENDPOINT_BYTES_MAX = 4096 }; /* a datagram of this size is never too large; Linux takes larger ones */

/* A directory for sockets and locks: made with mode 0700 if absent; else it must be a real directory (no symlink),
 * owned by us, writable by nobody else (the parent may be a sticky /tmp). Windows: made with a list that admits our
 * user alone; a real directory of ours, the system's or an administrator's. `sentence` (may be NULL) says what is wrong
 * and what to do. */
enum weir_result
wr_endpoint_directory(const char *path, char *sentence, size_t room);

/* Can a broker listen at `path`? Linux: an absolute path; the directory that it is in is made ready, as above.
 * WEIR_E_USAGE: no address; the sentence says what one looks like. */
enum weir_result
wr_endpoint_place(const char *path, char *sentence, size_t room);

/*
 * The file whose lock decides who is the broker at `path` (which wr_endpoint_place found good), in a directory that is
 * ours: `path`.lock on Linux, %LOCALAPPDATA%\weir\NAME.lock on Windows, where this makes the directory. generation: of
 * the lock, from 0 on; others than 0 end in .1, .2, ... WEIR_E_TOO_LARGE: it does not fit.
 */
enum weir_result
wr_endpoint_lock_path(const char *path, uint32_t generation, char *lock, size_t lock_room, char *sentence, size_t room);

/* Bind a temporary name, listen, rename over `path`. WEIR_E_DENIED: the directory is not ours. Windows: the generation
 * above those that there are, whose doors it shuts: until who listens there accepts again, nobody waits for it in vain.
 * WEIR_E_DENIED: others hold all of them. */
enum weir_result
wr_endpoint_listen(wr_object *listener, const char *path, char *sentence, size_t room);

/*
 * Who may connect at all, beside our own user; from now on, and instead of those of before. To be the users and
 * packages that the policy could ever admit: a packaged client needs its user and its package there. Linux: nothing to
 * do, the door is the directory. WEIR_E_QUOTA: no handles left to do it with.
 */
enum weir_result
wr_endpoint_admit(wr_object listener, const struct wr_sid *guests, size_t count);

/*
 * A listener that somebody else made, bound and handed to this process, such as systemd. The same holds for it as for
 * one of ours: a unix SOCK_SEQPACKET socket that listens at an absolute path, in a directory that only who listens
 * there can write. path: out, where it is bound. From now on it is non-blocking, closed on exec, and refuses
 * descriptors.
 *
 * WEIR_E_USAGE   it is something else; the sentence says what, and which line of a .socket file makes it right; always
 *                on Windows, where nobody passes listeners
 * WEIR_E_DENIED  its directory is not one that a client would believe
 */
enum weir_result
wr_endpoint_adopt(wr_object listener, char *path, size_t path_room, char *sentence, size_t room);

/* Is the socket at `path` still this listener's? (A deposed broker finds that it is not.) Windows: no broker that a
 * client would believe listens at a higher generation. */
bool
wr_endpoint_owns(wr_object listener, const char *path);

/* Close the listener, and remove the socket at `path` if it is still this one's. WR_NO_OBJECT is fine. */
void
wr_endpoint_unlisten(wr_object listener, const char *path);

/* WEIR_EMPTY: nobody there now, although the listener may have been readable. WEIR_E_QUOTA: no descriptors left. */
enum weir_result
wr_endpoint_accept(wr_object listener, wr_object *connection);

/*
 * Connect and check who listens. The directory must be a real one, writable by its owner alone. The server's user must
 * be ourselves or root, in a directory of ours or root's; or the owner of socket and directory alike, in a parent that
 * nobody else can write (so that a name in /tmp, which anybody can take, is never believed to be another's). Inside a
 * sandbox, where foreign users appear as the overflow user, that user stands for root if the parent is closed: whoever
 * built the sandbox put the socket there. Does not block. Needs /proc.
 *
 * Windows: the pipe's owner, and the user of the process that serves it where we may look, must be ourselves, SYSTEM,
 * LocalService or the Administrators, and that process of no low integrity unless we are. A name that somebody else
 * took is passed over, and told if there is no other. The server may learn who we are, and nothing in our name.
 *
 * WEIR_E_NO_BROKER  nobody listens there (or the path does not exist, or the broker accepts nobody now)
 * WEIR_E_DENIED     somebody who may not listens there; the sentence says whom and why
 */
enum weir_result
wr_endpoint_connect(wr_object *connection, const char *path, char *sentence, size_t room);

/* One datagram of at least one byte, whole or not at all, with at most 16 objects, which stay the caller's.
 * WEIR_FULL: try again when writable. WEIR_E_CLOSED: the peer is gone. WEIR_E_QUOTA: too many descriptors of this user
 * are in flight, try again later. WEIR_E_DENIED: the peer refuses descriptors; on Windows also: it can be given these
 * neither by handle nor by name. There WR_NO_OBJECT may stand for an object that could not be had. */
enum weir_result
wr_endpoint_send(wr_object connection, const void *bytes, size_t size, const wr_object *objects, size_t count);

/*
 * One datagram. objects: room for *count; *count becomes what came. With *count 0 on entry descriptors are refused:
 * none is ever taken into this process (SO_PASSRIGHTS off where the kernel has it, no control buffer otherwise).
 *
 * WEIR_EMPTY      nothing there
 * WEIR_E_CLOSED   the peer hung up
 * WEIR_E_CORRUPT  the datagram or its descriptors did not fit; what came was closed: cut the connection
 */
enum weir_result
wr_endpoint_receive(wr_object connection, void *bytes, size_t room, size_t *size, wr_object *objects, size_t *count);

#endif
