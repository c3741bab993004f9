/* Small questions to the system, and what it is called in a report. */
#ifndef BENCH_SYSTEM_H
#define BENCH_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Why this thread's last call of a seam in bench/ failed, in the system's words. */
const char *
bench_system_error(void);

/* Processor seconds of this process, user and system. Windows: by its cycles where these can be had, since its clock of
 * processes moves 64 times a second. */
double
bench_system_cpu_s(void);

/* Is stderr a terminal on which a line can overwrite itself? */
bool
bench_system_terminal(void);

/* As fopen, of a path in UTF-8 on both systems. mode: "r" or "w". */
FILE *
bench_system_open(const char *path, const char *mode);

/* Where a broker of this run alone may listen; _remove takes back what was made for it. */
bool
bench_system_address_make(char *address, size_t room);

void
bench_system_address_remove(const char *address);

struct bench_machine {
        char processor[128], kernel[160];
        long cores;
        const char *caveat; /* why these figures say nothing; NULL: they do */
};

void
bench_machine_read(struct bench_machine *machine);

#endif
