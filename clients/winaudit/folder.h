/*
 * A copy of this program in a folder that every kind of child may read: in the folder where the user keeps it a
 * container or a restricted token could not load it.
 */
#ifndef AUDIT_FOLDER_H
#define AUDIT_FOLDER_H

#include <stdbool.h>
#include <wchar.h>
#include <windows.h>

/* Makes it on the first call. NULL: GetLastError() says why. */
const wchar_t *
audit_folder_program(void);

/* The folder itself, once the program is there. */
const wchar_t *
audit_folder_path(void);

void
audit_folder_remove(void);

#endif
