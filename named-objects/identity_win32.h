/* Inside the Windows identity: reading tokens. */
#ifndef WR_IDENTITY_WIN32_H
#define WR_IDENTITY_WIN32_H

#include "named-objects/identity_token.h"

#include <windows.h>

/*
 * All that the kernel says of a token. logon: out, the number of the logon session that it belongs to.
 *
 * WEIR_E_DENIED: something cannot be had, or does not fit. What the system has no notion of at all (Wine: restricting
 * SIDs, containers) is not there; what it has and does not tell is no token to decide about.
 */
enum weir_result
wr_identity_read(HANDLE token, struct wr_identity_token *read, LUID *logon, char *sentence, size_t room);

#endif
