/*
 * Where a broker is looked for, and where it listens: the first that applies of
 *
 *      $WEIR_BROKER                     then nothing else is tried
 *      $XDG_RUNTIME_DIR/weir/bus        the user's
 *      /run/weir/bus                    for root
 *      /tmp/weir-UID/bus                for a user without a runtime directory
 *
 * and behind the user's the system broker's, /run/weir/bus. A broker listens at the first of the list.
 */
#ifndef WR_ADDRESS_H
#define WR_ADDRESS_H

#include <stddef.h>

enum { WR_ADDRESS_MAX = 108, WR_ADDRESSES = 2 }; /* bytes of a path with its zero; addresses in a list at most */

/* Fills up to `max` addresses, in the order in which they are tried, and returns how many. A path too long for a
 * socket is left out, so the list may be empty. */
size_t
wr_address_list(char list[][WR_ADDRESS_MAX], size_t max);

#endif
