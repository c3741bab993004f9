/* The pipe that a log is written into, and what came out of it. */
#ifndef LOG_PIPE_H
#define LOG_PIPE_H

#include "broker/log.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#ifdef _WIN32
#        include <windows.h>

static HANDLE log_pipe_end;

/* As stderr, since the log does to that what a pipe needs. */
static inline void
log_pipe_open(struct wr_log *log)
{
        HANDLE end;

        cr_assert(CreatePipe(&log_pipe_end, &end, NULL, 65536));
        cr_assert(SetStdHandle(STD_ERROR_HANDLE, end));
        wr_log_open_stderr(log);
}

/* From now on who writes into a full pipe is to wait, unless the log sees to it. */
static inline void
log_pipe_block(void)
{
}

static inline size_t
log_pipe_read(char *text, size_t room)
{
        DWORD there = 0, got = 0;

        if (!PeekNamedPipe(log_pipe_end, NULL, 0, NULL, &there, NULL) || there == 0)
                return 0;
        return ReadFile(log_pipe_end, text, (DWORD)room, &got, NULL) ? got : 0;
}
#else
#        include <fcntl.h>
#        include <unistd.h>

static int log_pipe_ends[2];

static inline void
log_pipe_open(struct wr_log *log)
{
        cr_assert(eq(int, pipe2(log_pipe_ends, O_NONBLOCK), 0));
        *log = (struct wr_log){ .object = log_pipe_ends[1] };
}

/* From now on who writes into a full pipe is to wait, unless the log sees to it. */
static inline void
log_pipe_block(void)
{
        fcntl(log_pipe_ends[1], F_SETFL, 0);
}

static inline size_t
log_pipe_read(char *text, size_t room)
{
        ssize_t got = read(log_pipe_ends[0], text, room);

        return got > 0 ? (size_t)got : 0;
}
#endif

#endif
