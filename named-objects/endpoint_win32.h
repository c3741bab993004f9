/*
 * Inside the Windows endpoint: what the other halves of this folder need of a connection.
 *
 * On the broker's side the identity half fills the peer in, once it knows whose token the client showed: then objects
 * go to the client by handle where its process may be opened, and by name where not.
 */
#ifndef WR_ENDPOINT_WIN32_H
#define WR_ENDPOINT_WIN32_H

#include "named-objects/endpoint.h"
#include "named-objects/rights/sid.h"

#include <windows.h>

enum { WR_ENDPOINT_SIDS_MAX = 2 }; /* the user half, and of a client in an AppContainer its package half */

struct wr_endpoint_peer {
        HANDLE pipe;    /* our end; the connection's */
        bool is_client; /* we are the client, and the peer is the broker */
        HANDLE process; /* the client's, with PROCESS_DUP_HANDLE; the connection closes it. NULL: objects go by name */
        size_t sid_count; /* whom an object's list has to admit before its name is told; 0: nobody, nothing by name */
        struct wr_sid sids[WR_ENDPOINT_SIDS_MAX];
        bool is_low; /* what it is to write and opens by name needs a label for that, too */
};

/* NULL for what is no connection. Lives as long as that. */
struct wr_endpoint_peer *
wr_endpoint_peer(wr_object connection);

#endif
