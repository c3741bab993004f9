/*
 * The lane of a broken demo is real, and really not sealed: a seccomp filter stands between the broker and the seal.
 *
 *      fcntl(lane, F_ADD_SEALS, FUTURE_WRITE | SEAL)   the filter answers 0; the kernel never hears of it
 *      fcntl(lane, F_GET_SEALS)                        a thread of ours answers that all seals are there, since the
 *                                                      broker looks before it shows a lane to anybody
 *
 * Nothing in the broker or in the library knows of this, so there is nothing to switch off in them.
 */
#include "clients/demo/demo_unseal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL };

/* A word of the call's description, the lower half of an argument. */
#define FIELD(name)     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define IF(value, y, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (y), (n))
#define ANSWER(action)  BPF_STMT(BPF_RET | BPF_K, (action))

static int listener = -1; /* written before the thread that reads it starts */

static void *
answer(void *unused)
{
        struct seccomp_notif call;
        struct seccomp_notif_resp reply;

        for (;;) {
                memset(&call, 0, sizeof call);
                if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) {
                        if (errno == EINTR || errno == ENOENT) /* ENOENT: the caller died meanwhile */
                                continue;
                        return unused;
                }
                reply = (struct seccomp_notif_resp){ .id = call.id, .val = SEALS };
                ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
        }
}

static int
install(void)
{
        struct sock_filter lines[] = {
                FIELD(nr),
                IF(__NR_fcntl, 0, 7),
                FIELD(args[1]),
                IF(F_GET_SEALS, 4, 0),
                IF(F_ADD_SEALS, 0, 4),
                FIELD(args[2]),
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, F_SEAL_FUTURE_WRITE, 0, 2),
                ANSWER(SECCOMP_RET_ERRNO | 0),
                ANSWER(SECCOMP_RET_USER_NOTIF),
                ANSWER(SECCOMP_RET_ALLOW),
        };
        struct sock_fprog filter = { .len = sizeof lines / sizeof lines[0], .filter = lines };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -1;
        return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
}

bool
demo_unseal(enum demo_unseal_moment moment)
{
        pthread_t thread;
        int error = 0;

        if (moment != DEMO_BEFORE_BROKER)
                return true;
        listener = install();
        if (listener < 0)
                error = errno;
        else
                error = pthread_create(&thread, NULL, answer, NULL);
        if (error == 0)
                pthread_detach(thread);
        else
                fprintf(stderr, "weir demo: this kernel lets nobody answer for it (seccomp): %s\n", strerror(error));
        return error == 0;
}
