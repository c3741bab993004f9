/* The system's errors as ours. */
#include "bus/os/error.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>

static void
expect(const int *codes, size_t count, enum weir_result result)
{
        for (size_t i = 0; i < count; i++)
                cr_assert(eq(int, wr_os_error(codes[i]), result), "errno %d", codes[i]);
}

#define EXPECT(result, ...) \
        expect((const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int), result)

Test(error, each_kind_of_errno_becomes_what_the_caller_can_act_on)
{
        EXPECT(WEIR_E_QUOTA, EMFILE, ENFILE, ETOOMANYREFS);
        EXPECT(WEIR_E_NO_MEMORY, ENOMEM, ENOSPC, ENOBUFS, EDQUOT);
        EXPECT(WEIR_E_DENIED, EPERM, EACCES, EROFS);
        EXPECT(WEIR_E_SYSTEM, EINVAL, EIO, ENOSYS, EFAULT, ENOENT);
}

Test(error, no_code_is_ever_a_success)
{
        EXPECT(WEIR_E_SYSTEM, 0, -1, 1 << 30);
        for (int code = 0; code < 4096; code++)
                cr_assert(lt(int, wr_os_error(code), 0));
}
