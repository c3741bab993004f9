#include "bench/pipe_win32.h"

#include "bench/bytes.h"
#include "bench/system.h"

#include <windows.h>

enum { PIPE_BYTES = 1 << 20 };

/* Made by nobody else before, and open to nobody else after: there is one instance, and its other end is ours. */
static HANDLE
make(const char *name, bool of_messages, SECURITY_ATTRIBUTES *inherited)
{
        DWORD mode = of_messages ? PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE : PIPE_TYPE_BYTE | PIPE_READMODE_BYTE;

        return CreateNamedPipeA(name, PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                mode | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1, PIPE_BYTES, PIPE_BYTES, 0, inherited);
}

/* Into `in` what is written to `out`. */
static bool
connect_pair(bool of_messages, intptr_t *in, intptr_t *out)
{
        SECURITY_ATTRIBUTES inherited = { .nLength = sizeof inherited, .bInheritHandle = TRUE };
        char name[BENCH_ADDRESS_BYTES];

        if (!bench_system_address_make(name, sizeof name))
                return false;
        *in = (intptr_t)make(name, of_messages, &inherited);
        if (*in == BENCH_NO_OBJECT)
                return false;
        *out = (intptr_t)CreateFileA(name, GENERIC_WRITE, 0, &inherited, OPEN_EXISTING,
                                     FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
        return *out != BENCH_NO_OBJECT;
}

bool
bench_pipe_prepare(struct bench_link *link, bool of_messages)
{
        bool made = connect_pair(of_messages, bench_bytes_object(link, BENCH_CONSUMER, BENCH_IN),
                                 bench_bytes_object(link, BENCH_PRODUCER, BENCH_OUT)) &&
                    connect_pair(of_messages, bench_bytes_object(link, BENCH_PRODUCER, BENCH_IN),
                                 bench_bytes_object(link, BENCH_CONSUMER, BENCH_OUT));

        return made ? true : bench_link_fail(link, "a named pipe of 1 MiB: %s", bench_system_error());
}
