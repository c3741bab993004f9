/* This process, as people call it. */
#ifndef WR_PROCESS_H
#define WR_PROCESS_H

#include <stddef.h>

/* The name of the program that it runs, without folder and ending; "?" where the system does not tell. Cut if it does
 * not fit. */
void
wr_process_name(char *name, size_t room);

#endif
