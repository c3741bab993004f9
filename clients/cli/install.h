/*
 * A broker that is there without anybody typing it: for one user from logon on, or for the machine. Two halves.
 *
 *                    the user's                                   the machine's
 *      Linux         weir.socket of the user's systemd            weir-system.socket of systemd
 *      Windows       started at logon, without a window           a service that runs as LocalService
 */
#ifndef CLI_INSTALL_H
#define CLI_INSTALL_H

#include <stdbool.h>
#include <stddef.h>

/* Makes it so, now and from the next start on. False: `sentence` says what is wrong and what to do. */
bool
cli_install(bool is_users, char *sentence, size_t room);

/* Ends it, now and from the next start on. What was never installed is no failure. */
bool
cli_uninstall(bool is_users, char *sentence, size_t room);

#endif
