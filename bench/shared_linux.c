#include "bench/shared.h"

#include <stddef.h>
#include <sys/mman.h>

bool
bench_shared_create(struct bench_shared *shared, uint64_t bytes)
{
        void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        *shared = (struct bench_shared){ 0 };
        if (address == MAP_FAILED)
                return false;
        shared->address = address;
        shared->bytes = bytes;
        return true;
}

bool
bench_shared_attach(struct bench_shared *shared)
{
        return shared->address != NULL; /* the fork brought it */
}

void
bench_shared_close(struct bench_shared *shared)
{
        if (shared->address)
                munmap(shared->address, shared->bytes);
        *shared = (struct bench_shared){ 0 };
}
