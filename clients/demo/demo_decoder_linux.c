/*
 * The decoder is a child that writes raw pictures to a pipe; read() puts them where they shall be, be it a loan in
 * shared memory.
 *
 *      ffmpeg -i clip -fps_mode passthrough -vf scale=W:H -pix_fmt yuv420p -f rawvideo -  ->  pipe, 1 MiB  ->  read()
 *
 * Passthrough gives every coded frame exactly once; FFmpeg's default repeats some to keep a constant rate.
 */
#include "clients/demo/demo_decoder.h"
#include "clients/demo/demo_stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20 };

/* Starts a program of PATH whose standard output is a pipe. Returns its read end, or -1 with errno set. */
static int
start(const char *const *argv, pid_t *pid)
{
        posix_spawn_file_actions_t actions;
        int ends[2], error;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -1;
        fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES); /* fewer switches; a smaller pipe works too */
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        error = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        close(ends[1]);
        if (error == 0)
                return ends[0];
        close(ends[0]);
        errno = error;
        return -1;
}

bool
demo_decoder_open(struct demo_decoder *decoder, const struct demo_clip *clip)
{
        char input[4200], scale[64], seconds[32];
        const char *argv[32];
        unsigned n = 0;
        pid_t pid = 0;

        /* "file:" keeps a colon in the name from being taken for a protocol. */
        snprintf(input, sizeof input, "file:%s", clip->path);
        snprintf(scale, sizeof scale, "scale=%u:%u", clip->width, clip->height);
        snprintf(seconds, sizeof seconds, "%.3f", (double)clip->paced_ns / 1e9);
        argv[n++] = "ffmpeg";
        argv[n++] = "-nostdin";
        argv[n++] = "-v";
        argv[n++] = "error";
        if (clip->paced_ns > 0) {
                argv[n++] = "-re";
                argv[n++] = "-t";
                argv[n++] = seconds;
        }
        argv[n++] = "-i";
        argv[n++] = input;
        argv[n++] = "-map";
        argv[n++] = "0:v:0";
        argv[n++] = "-fps_mode";
        argv[n++] = "passthrough";
        argv[n++] = "-vf";
        argv[n++] = scale;
        argv[n++] = "-pix_fmt";
        argv[n++] = "yuv420p";
        argv[n++] = "-f";
        argv[n++] = "rawvideo";
        argv[n++] = "-";
        argv[n] = NULL;
        *decoder = (struct demo_decoder){ .frame_bytes = demo_clip_frame_bytes(clip) };
        decoder->source = start(argv, &pid);
        decoder->process = pid;
        if (decoder->source >= 0)
                return true;
        fprintf(stderr, "weir demo: ffmpeg cannot be started: %s. Install the package ffmpeg\n", strerror(errno));
        return false;
}

int
demo_decoder_read(struct demo_decoder *decoder, void *to)
{
        uint64_t got = 0;

        while (got < decoder->frame_bytes) {
                ssize_t n = read((int)decoder->source, (char *)to + got, decoder->frame_bytes - got);

                if (n < 0 || (n == 0 && got > 0)) {
                        decoder->error = n < 0 ? errno : EPIPE;
                        return -1;
                }
                if (n == 0)
                        return 0;
                got += (uint64_t)n;
                decoder->read_bytes += (uint64_t)n;
        }
        return 1;
}

bool
demo_decoder_close(struct demo_decoder *decoder)
{
        char byte;
        bool at_end = read((int)decoder->source, &byte, 1) == 0;
        int status = 0;

        if (!at_end)
                kill((pid_t)decoder->process, SIGKILL); /* it would complain of the closed pipe */
        close((int)decoder->source);
        while (waitpid((pid_t)decoder->process, &status, 0) < 0 && errno == EINTR)
                ;
        return !at_end || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* -1 with errno set when there is no ffprobe. */
static int64_t
count_packets(const char *path)
{
        char input[4200], answer[64] = "";
        const char *argv[] = { "ffprobe",       "-v",
                               "error",         "-select_streams",
                               "v:0",           "-count_packets",
                               "-show_entries", "stream=nb_read_packets",
                               "-of",           "csv=p=0",
                               input,           NULL };
        pid_t pid;
        size_t length = 0;
        ssize_t n;
        int fd, status;

        snprintf(input, sizeof input, "file:%s", path);
        fd = start(argv, &pid);
        if (fd < 0)
                return -1;
        while (length < sizeof answer - 1 && (n = read(fd, answer + length, sizeof answer - 1 - length)) > 0)
                length += (size_t)n;
        close(fd);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return strtoll(answer, NULL, 10);
}

uint64_t
demo_decoder_count(const struct demo_clip *clip)
{
        int64_t count = count_packets(clip->path);

        if (count < 0)
                fprintf(stderr, "weir demo: ffprobe cannot be started: %s. Install the package ffmpeg\n",
                        strerror(errno));
        else if (count == 0 && demo_stopped() == 0)
                fprintf(stderr, "weir demo: %s has no video that ffmpeg can read\n", clip->path);
        return count > 0 ? (uint64_t)count : 0;
}
