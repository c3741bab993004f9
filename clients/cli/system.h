/*
 * What the command needs of the system besides the bus: Ctrl-C, sleeping, its input, the program beside it. Two halves:
 * system_linux.c, system_win32.c.
 */
#ifndef CLI_SYSTEM_H
#define CLI_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLI_PATH_MAX = 4096 };

/* First of all. Windows: arguments become UTF-8, the console takes UTF-8, and no stream changes line ends. */
void
cli_system_begin(int *argc, char ***argv);

/* on_signal is called with 2 (SIGINT) or 15 (SIGTERM), on Windows in a thread of its own and with 2 for Ctrl-C, 15 for
 * a console that closes; a read of the input and a sleep end by it. NULL: signals end the process as usual. */
void
cli_system_catch(void (*on_signal)(int number));

/* Where the broker is looked for, for people: the end of a sentence, with the end of its line. */
extern const char cli_system_addresses[];

/* Sleeps until weir_now() is that. False: a signal came first. */
bool
cli_system_sleep_until(int64_t when_ns);

/* The file, or with "-" the standard input. -1: failed, cli_system_error() says why. */
intptr_t
cli_system_input(const char *path);

void
cli_system_input_close(intptr_t input);

enum { CLI_READ_FAILED = -1, CLI_READ_INTERRUPTED = -2 };

/* Bytes read, 0 at the end, or one of the two above. */
int64_t
cli_system_read(intptr_t input, void *to, size_t room);

/* Why the last call above failed, in the system's words. */
const char *
cli_system_error(void);

/* `path` from where the process stands, absolute; false where that does not fit. */
bool
cli_system_absolute(const char *path, char *absolute, size_t room);

/* The folder that this program's own file is in. */
bool
cli_system_folder(char *folder, size_t room);

/* Is there a program of this name, without the ending that programs have? `path` gets it. */
bool
cli_system_program(char *path, size_t room);

/* Goes on as this program. Windows: runs it and ends as it ends. Returns only if it could not be started. */
void
cli_system_become(const char *path, char **argv);

/* Windows: the console's window, if this program has one for itself, is not seen. */
void
cli_system_hide(void);

#endif
