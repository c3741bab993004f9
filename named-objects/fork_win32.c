/* Windows has no fork: this is always the process that made it. */
#include "named-objects/fork.h"

uint64_t
wr_fork_generation(void)
{
        return 1;
}

bool
wr_fork_same(uint64_t generation)
{
        return generation == 1;
}
