/* Ctrl-C, SIGTERM and SIGHUP, caught so that the demo can clear away what it made; on Windows Ctrl-C, Ctrl-Break and
 * the end of the console. Two halves: demo_stop_linux.c, demo_stop_win32.c. */
#ifndef DEMO_STOP_H
#define DEMO_STOP_H

struct weir;

/* From now on the signals are caught. */
void
demo_stop_open(void);

/* They interrupt what waits on this bus; NULL: nothing. */
void
demo_stop_interrupts(struct weir *bus);

/* The signal that came, or 0. */
int
demo_stopped(void);

#endif
