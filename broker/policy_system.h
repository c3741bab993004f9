/* What of the rules is spelt as the system spells it: paths, the place of a package's own door, words of a shell. Pure.
 */
#ifndef WR_POLICY_SYSTEM_H
#define WR_POLICY_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>

/* The file's name behind its folders. */
const char *
wr_policy_file_name(const char *path);

/* Does the path say from the root on where the file is? */
bool
wr_policy_path_is_whole(const char *path);

/* May a package's own socket be there? NULL, or what was expected. */
const char *
wr_policy_socket_refusal(const char *where);

/* A word as the user's shell takes it, in quotes where it has to be. False: it does not fit, or no quotes of this
 * system's shells hold it. */
bool
wr_policy_shell_word(const char *word, char *text, size_t room);

#endif
