/* Inside the Linux endpoint: a socket's directory, opened once and checked through that descriptor. */
#ifndef WR_ENDPOINT_LINUX_H
#define WR_ENDPOINT_LINUX_H

#include "named-objects/endpoint.h"

#include <sys/types.h>

/* From now on the kernel answers EPERM to a client that sends descriptors there; see endpoint_linux.c. */
void
wr_endpoint_descriptors_refuse(int fd);

/* The directory of `path` as an O_PATH descriptor, not followed if it is a symbolic link, and the name inside it, which
 * points into `path`. Nothing is checked yet. WEIR_E_NO_BROKER: there is no such directory. */
enum weir_result
wr_endpoint_directory_open(const char *path, int *directory, const char **name, char *sentence, size_t room);

/* For who listens: the directory is ours and only ours to write. `path` is for the sentence. */
enum weir_result
wr_endpoint_directory_check_own(int directory, const char *path, char *sentence, size_t room);

/* For who connects: may a server of user `server` be believed, at socket `name` in this directory? */
enum weir_result
wr_endpoint_directory_check_server(int directory, const char *name, const char *path, uid_t server, char *sentence,
                                   size_t room);

/* For who connects, before: WEIR_E_DENIED when others than the owner may write it. */
enum weir_result
wr_endpoint_directory_check_mode(int directory, const char *path, char *sentence, size_t room);

#endif
