/* A kernel, or the filter of a container, that lacks some system calls. */
#ifndef WR_TEST_FORBID_H
#define WR_TEST_FORBID_H

#include "named-objects/kernel_linux.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>

enum { FORBIDDEN_MAX = 4 };

/* From now on these calls of this thread, and of those that it starts, fail with `error`. Ends with a 0. */
static inline bool
forbid(const long *calls, int error)
{
        struct sock_filter filter[2 * FORBIDDEN_MAX + 2] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                                      offsetof(struct seccomp_data, nr)) };
        struct sock_fprog program = { .len = 1, .filter = filter };

        for (; *calls && program.len < 2 * FORBIDDEN_MAX; calls++) {
                filter[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)*calls, 0, 1);
                filter[program.len++] =
                        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error);
        }
        filter[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static inline bool
forbid_waitv(int error)
{
        return forbid((const long[]){ SYS_futex_waitv, 0 }, error);
}

#endif
