#include "bench/wake.h"

#include "bench/peer.h"

#include <windows.h>

bool
bench_wake_create(intptr_t *object)
{
        SECURITY_ATTRIBUTES inherited = { .nLength = sizeof inherited, .bInheritHandle = TRUE };
        HANDLE event = CreateEventW(&inherited, FALSE, FALSE, NULL);

        *object = event != NULL ? (intptr_t)event : BENCH_NO_OBJECT;
        return event != NULL;
}

void
bench_wake_close(intptr_t object)
{
        if (object != BENCH_NO_OBJECT)
                CloseHandle((HANDLE)object);
}

/* A raise that nobody slept for stays in the event: the next sleep ends at once, and its caller looks again. */
void
bench_wake_wait(wr_word32 *word, uint32_t value, intptr_t object)
{
        if (wr_load32(word) == value)
                WaitForSingleObject((HANDLE)object, INFINITE);
}

void
bench_wake_raise(wr_word32 *word, intptr_t object)
{
        (void)word;
        SetEvent((HANDLE)object);
}
