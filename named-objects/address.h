/*
 * Where a broker is looked for, and where it listens: the first that applies of
 *
 *      $WEIR_BROKER                     then nothing else is tried
 *      $XDG_RUNTIME_DIR/weir/bus        the user's
 *      /run/weir/bus                    for root
 *      /tmp/weir-UID/bus                for a user without a runtime directory
 *
 * and behind the user's the system broker's, /run/weir/bus. A broker listens at the first of the list. On Windows:
 *
 *      %WEIR_BROKER%                    then nothing else is tried
 *      \\.\pipe\weir-SID-SESSION        the user's, in this session
 *      \\.\pipe\LOCAL\weir             inside an AppContainer: one in its own directory
 *      \\.\pipe\weir-system            the machine's
 */
#ifndef WR_ADDRESS_H
#define WR_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of an address with its zero, which on Windows holds the longest SID of a user; addresses in a list at most. */
enum { WR_ADDRESS_MAX = 108, WR_ADDRESSES = 3 };

/* Fills up to `max` addresses, in the order in which they are tried, and returns how many. One that is too long is
 * left out, so the list may be empty. */
size_t
wr_address_list(char list[][WR_ADDRESS_MAX], size_t max);

/* Is it the one of the system's broker, who serves every user of the machine? */
bool
wr_address_is_system(const char *address);

#endif
