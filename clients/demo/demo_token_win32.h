/* Tokens of the children: as we are, or with less. */
#ifndef DEMO_TOKEN_WIN32_H
#define DEMO_TOKEN_WIN32_H

#include <stdbool.h>
#include <stddef.h>
#include <windows.h>

/* Whom the policy names for the programs of this user, as "group:S-1-5-4": a group of ours that a child
 * can be kept out of. */
bool
demo_token_principal(char *text, size_t room);

/*
 * A token of this process in which its user and the Administrators count for denials only, and with `stranger` also
 * that group. What it is allowed by name or by ownership is then gone. NULL: GetLastError().
 */
HANDLE
demo_token_less(bool stranger);

#endif
