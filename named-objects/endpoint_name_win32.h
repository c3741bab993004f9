/* Inside the Windows endpoint: the names of its pipes, and whose they are. */
#ifndef WR_ENDPOINT_NAME_WIN32_H
#define WR_ENDPOINT_NAME_WIN32_H

#include "named-objects/endpoint_win32.h"

enum { WR_ENDPOINT_GENERATIONS = 8, WR_ENDPOINT_NAME_MAX = 257 }; /* units of a pipe's whole name, with its 0 */

/* `path` with "-generation" behind it. WEIR_E_USAGE: it is no name of a pipe of this machine, or too long. */
enum weir_result
wr_endpoint_name(const char *path, unsigned generation, wchar_t name[WR_ENDPOINT_NAME_MAX], char *sentence,
                 size_t room);

/* Does anybody hold this name, as a listener or as a client that has not let go of it? */
bool
wr_endpoint_name_is_held(const wchar_t *name);

/* The user of this process. */
bool
wr_endpoint_name_self(struct wr_sid *user);

/* Whom a client believes to be its broker, and a broker to be another one. */
bool
wr_endpoint_name_trusted(const struct wr_sid *user, const struct wr_sid *self);

/* Below Medium, or no integrity at all. Who is not so himself believes no such server, whoever's it is: what runs at
 * low integrity was made to do nothing for others. */
bool
wr_endpoint_name_is_low(const struct wr_sid *integrity);

/* Opens the client's end and looks whose it is.
 *
 * WEIR_OK           *pipe is the caller's
 * WEIR_E_NO_BROKER  there is no such pipe
 * WEIR_FULL         there is one, and nobody accepts at the moment
 * WEIR_E_DENIED     it is not for us, or somebody else's; the sentence says which
 */
enum weir_result
wr_endpoint_name_open(const wchar_t *name, const char *path, HANDLE *pipe, char *sentence, size_t room);

/* An end of a stream that the broker handed over by name: opened with these rights, and believed as little as a
 * broker's pipe. The results are those above. */
enum weir_result
wr_endpoint_name_open_stream(const char *name, uint32_t rights, HANDLE *pipe);

#endif
