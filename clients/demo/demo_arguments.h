/* What a child is told on its command line: its role, and all that the demo was told. */
#ifndef DEMO_ARGUMENTS_H
#define DEMO_ARGUMENTS_H

#include "clients/demo/demo_plan.h"

enum { DEMO_ARGUMENTS = 20, DEMO_NUMBER_TEXT = 32 };

struct demo_arguments {
        const char *list[DEMO_ARGUMENTS]; /* ended by NULL; into this structure, the plan, or constant */
        char size[DEMO_NUMBER_TEXT], live[DEMO_NUMBER_TEXT], memory[DEMO_NUMBER_TEXT], pictures[DEMO_NUMBER_TEXT];
};

/* `video`: where the child finds it. It has to stay as it is for as long as the list is used. */
void
demo_arguments_compose(struct demo_arguments *arguments, const struct demo_options *options, const char *role,
                       enum demo_kind kind, const char *video);

#endif
