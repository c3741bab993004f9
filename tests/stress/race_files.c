/*
 * Under TSan alone: the calls on descriptors, past its interceptors. TSan knows one table of descriptors, while the
 * threads of broker and library have tables of their own: with its interceptors the same number in two tables would be
 * a race of one file, and traffic over one of them would order threads that nothing orders. A definition here goes
 * before the interceptor, which is a weak one.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int
close(int fd)
{
        return (int)syscall(SYS_close, fd);
}

ssize_t
read(int fd, void *to, size_t size)
{
        return syscall(SYS_read, fd, to, size);
}

ssize_t
write(int fd, const void *from, size_t size)
{
        return syscall(SYS_write, fd, from, size);
}

int
open(const char *path, int flags, ...)
{
        va_list rest;
        mode_t mode;

        va_start(rest, flags);
        mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
        va_end(rest);
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int
pipe2(int ends[2], int flags)
{
        return (int)syscall(SYS_pipe2, ends, flags);
}

int
eventfd(unsigned count, int flags)
{
        return (int)syscall(SYS_eventfd2, count, flags);
}

int
socket(int domain, int type, int protocol)
{
        return (int)syscall(SYS_socket, domain, type, protocol);
}

int
connect(int fd, const struct sockaddr *address, socklen_t size)
{
        return (int)syscall(SYS_connect, fd, address, size);
}

int
bind(int fd, const struct sockaddr *address, socklen_t size)
{
        return (int)syscall(SYS_bind, fd, address, size);
}

int
listen(int fd, int count)
{
        return (int)syscall(SYS_listen, fd, count);
}

int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
        return (int)syscall(SYS_accept4, fd, address, size, flags);
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
        return syscall(SYS_sendmsg, fd, message, flags);
}

ssize_t
recvmsg(int fd, struct msghdr *message, int flags)
{
        return syscall(SYS_recvmsg, fd, message, flags);
}

int
epoll_create1(int flags)
{
        return (int)syscall(SYS_epoll_create1, flags);
}

int
epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
        return (int)syscall(SYS_epoll_ctl, epoll, what, fd, event);
}

int
epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
        return (int)syscall(SYS_epoll_pwait, epoll, events, max, timeout_ms, NULL, 8);
}

FILE *
fopen(const char *path, const char *mode)
{
        FILE *(*next)(const char *, const char *) = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");

        return next(path, mode);
}

int
fclose(FILE *file)
{
        int (*next)(FILE *) = (int (*)(FILE *))dlsym(RTLD_NEXT, "fclose");

        return next(file);
}
