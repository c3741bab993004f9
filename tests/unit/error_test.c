/* The system's errors as ours. */
#include "bus/os/error.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#ifdef _WIN32
#        include <windows.h>
#else
#        include <errno.h>
#endif

static void
expect(const int *codes, size_t count, enum weir_result result)
{
        for (size_t i = 0; i < count; i++)
                cr_assert(eq(int, wr_os_error(codes[i]), result), "code %d", codes[i]);
}

#define EXPECT(result, ...) \
        expect((const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int), result)

#ifdef _WIN32
Test(error, each_kind_of_the_systems_becomes_what_the_caller_can_act_on)
{
        EXPECT(WEIR_E_QUOTA, ERROR_TOO_MANY_OPEN_FILES, ERROR_NOT_ENOUGH_QUOTA);
        EXPECT(WEIR_E_NO_MEMORY, ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY, ERROR_DISK_FULL, ERROR_NO_SYSTEM_RESOURCES,
               ERROR_COMMITMENT_LIMIT, ERROR_COMMITMENT_MINIMUM);
        EXPECT(WEIR_E_DENIED, ERROR_ACCESS_DENIED, ERROR_PRIVILEGE_NOT_HELD, ERROR_INVALID_OWNER);
        EXPECT(WEIR_E_SYSTEM, ERROR_INVALID_PARAMETER, ERROR_FILE_NOT_FOUND, ERROR_INVALID_HANDLE, ERROR_BROKEN_PIPE);
}
#else
Test(error, each_kind_of_the_systems_becomes_what_the_caller_can_act_on)
{
        EXPECT(WEIR_E_QUOTA, EMFILE, ENFILE, ETOOMANYREFS);
        EXPECT(WEIR_E_NO_MEMORY, ENOMEM, ENOSPC, ENOBUFS, EDQUOT);
        EXPECT(WEIR_E_DENIED, EPERM, EACCES, EROFS);
        EXPECT(WEIR_E_SYSTEM, EINVAL, EIO, ENOSYS, EFAULT, ENOENT);
}
#endif

Test(error, no_code_is_ever_a_success)
{
        EXPECT(WEIR_E_SYSTEM, 0, -1, 1 << 30);
        for (int code = 0; code < 4096; code++)
                cr_assert(lt(int, wr_os_error(code), 0));
}
