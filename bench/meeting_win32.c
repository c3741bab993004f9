/* Semaphores and not events: an end may be at the next meeting before the other has woken from this one. */
#include "bench/meeting.h"

#include <limits.h>
#include <windows.h>

bool
bench_meeting_create(struct bench_meeting *meeting)
{
        SECURITY_ATTRIBUTES inherited = { .nLength = sizeof inherited, .bInheritHandle = TRUE };

        for (int end = 0; end < 2; end++) {
                meeting->arrived[end] = CreateSemaphoreW(&inherited, 0, LONG_MAX, NULL);
                if (meeting->arrived[end] == NULL)
                        return false;
        }
        return true;
}

void
bench_meeting_wait(struct bench_meeting *meeting, int end)
{
        ReleaseSemaphore(meeting->arrived[1 - end], 1, NULL);
        WaitForSingleObject(meeting->arrived[end], INFINITE);
}

void
bench_meeting_close(struct bench_meeting *meeting)
{
        for (int end = 0; end < 2; end++) {
                if (meeting->arrived[end] != NULL)
                        CloseHandle(meeting->arrived[end]);
                meeting->arrived[end] = NULL;
        }
}
