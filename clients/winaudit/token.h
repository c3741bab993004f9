/* What a token says of who holds it: read as the broker reads it, and what only the audit asks. */
#ifndef AUDIT_TOKEN_H
#define AUDIT_TOKEN_H

#include "named-objects/identity_token.h"

#include <windows.h>

/* False: it does not tell all that the broker has to know. */
bool
audit_token_read(HANDLE handle, struct wr_identity_token *token);

/* The SID of the logon session, a count of 0 where there is none. */
struct wr_sid
audit_token_logon(const struct wr_identity_token *token);

/* The system's form; false: it is none. */
bool
audit_token_sid(struct wr_sid *sid, const void *bytes);

/*
 * The n-th text of an attribute such as WIN://SYSAPPID, from 0 on, as UTF-8. False: there is no such attribute, it has
 * fewer values, or other than texts. text: NULL only asks whether there is such an attribute, of whatever type.
 */
bool
audit_token_attribute(HANDLE handle, const wchar_t *name, size_t n, char *text, size_t room);

#endif
