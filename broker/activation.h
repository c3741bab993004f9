/*
 * Sockets that a service manager opened before it started this process, and passed down with their names: the protocol
 * of sd_listen_fds(3), which is LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES in the environment and descriptors from 3 on.
 *
 *      name "package=ID"    a socket for that package; FileDescriptorName= of its .socket file
 *      any other name       an ordinary socket; the first one is the broker's address
 *
 * They stay the manager's: they are listened to while this process is gone, so nobody else takes its place, and their
 * paths are not removed when it ends.
 *
 * The variables are meant for one process and are taken out of its environment in any case. Meant for another one (a
 * shell that was started by systemd and started us), they say nothing about our descriptors.
 */
#ifndef WR_ACTIVATION_H
#define WR_ACTIVATION_H

#include "named-objects/region.h"

enum { WR_ACTIVATION_SOCKETS_MAX = 64, WR_ACTIVATION_NAME_MAX = 255 };

struct wr_activation {
        size_t count; /* 0: nobody passed anything */
        struct wr_activation_socket {
                wr_object object;
                char name[WR_ACTIVATION_NAME_MAX + 1]; /* "" where the manager gave none */
                char path[256];
        } sockets[WR_ACTIVATION_SOCKETS_MAX];
};

/*
 * Once, before other threads begin: takes what was passed, and looks what each of it is. The objects are the caller's
 * from now on, and closed on exec; on a failure they are closed.
 *
 * WEIR_E_USAGE   the variables are for us and make no sense, or a socket is not what a broker listens with (the
 * sentence names it), or there is none but for packages WEIR_E_DENIED  the directory of one could be written by others
 */
enum weir_result
wr_activation_open(struct wr_activation *activation, char *sentence, size_t room);

/* The path of the first ordinary socket. NULL: nothing was passed. */
const char *
wr_activation_address(const struct wr_activation *activation);

/* activation_linux.c: the variables and the descriptors' numbers, without a look at what they are. */
enum weir_result
wr_activation_take(struct wr_activation *activation, char *sentence, size_t room);

/* The package of a socket's name, or NULL. */
const char *
wr_activation_package(const char *name);

/* Closes what nobody took: those whose object is not WR_NO_OBJECT. */
void
wr_activation_close(struct wr_activation *activation);

#endif
