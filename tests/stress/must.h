/* What every program of this folder has: a broken promise ends it at once, with the library's own sentence. */
#ifndef WR_TEST_MUST_H
#define WR_TEST_MUST_H

#include <weir/weir.h>

#include <stdio.h>
#include <stdlib.h>

#define STRESS_UNUSED __attribute__((unused))

#define must(condition)                                                                                     \
        do {                                                                                                \
                if (!(condition)) {                                                                         \
                        fprintf(stderr, "# %s:%d: %s: %s\n", __FILE__, __LINE__, #condition, weir_error()); \
                        abort();                                                                            \
                }                                                                                           \
        } while (0)

static STRESS_UNUSED void
folder_remove(const char *path)
{
        char command[128];

        snprintf(command, sizeof command, "rm -rf %s", path);
        if (system(command) != 0)
                perror(command);
}

#endif
