#include "clients/cli/system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char cli_system_addresses[] =
        "$WEIR_BROKER, else at $XDG_RUNTIME_DIR/weir/bus (where\n"
        "that is not set at /tmp/weir-UID/bus; not for root) and then at the system's, /run/weir/bus.\n";

/* A stream that was closed before we began would else be the next thing that is opened: a lane, or the connection to
 * the broker. What is put there can be used for the other direction alone, so that its use still fails. */
void
cli_system_begin(int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
                if (fcntl(stream, F_GETFD) < 0)
                        open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the lowest that is free */
}

void
cli_system_catch(void (*on_signal)(int number))
{
        struct sigaction action = { .sa_handler = on_signal ? on_signal : SIG_DFL };

        sigemptyset(&action.sa_mask);
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
}

bool
cli_system_sleep_until(int64_t when_ns)
{
        struct timespec when = { .tv_sec = when_ns / 1000000000, .tv_nsec = when_ns % 1000000000 };

        return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == 0;
}

intptr_t
cli_system_input(const char *path)
{
        return strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
}

void
cli_system_input_close(intptr_t input)
{
        if (input != STDIN_FILENO)
                close((int)input);
}

int64_t
cli_system_read(intptr_t input, void *to, size_t room)
{
        ssize_t got = read((int)input, to, room);

        if (got >= 0)
                return got;
        return errno == EINTR ? CLI_READ_INTERRUPTED : CLI_READ_FAILED;
}

const char *
cli_system_error(void)
{
        return strerror(errno);
}

bool
cli_system_absolute(const char *path, char *absolute, size_t room)
{
        char here[CLI_PATH_MAX];
        const char *beside = strncmp(path, "./", 2) == 0 ? path + 2 : path;
        int length;

        if (path[0] == '/')
                length = snprintf(absolute, room, "%s", path);
        else if (getcwd(here, sizeof here) != NULL)
                length = snprintf(absolute, room, "%s/%s", here, beside);
        else
                return false;
        return (size_t)length < room;
}

bool
cli_system_folder(char *folder, size_t room)
{
        ssize_t length = readlink("/proc/self/exe", folder, room - 1);
        char *slash;

        if (length < 0)
                return false;
        folder[length] = '\0';
        slash = strrchr(folder, '/');
        if (slash == NULL)
                return false;
        *slash = '\0';
        return true;
}

bool
cli_system_program(char *path, size_t room)
{
        (void)room;
        return access(path, X_OK) == 0;
}

void
cli_system_become(const char *path, char **argv)
{
        execv(path, argv);
}

void
cli_system_hide(void)
{
}
