#include "bench/system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

const char *
bench_system_error(void)
{
        return strerror(errno);
}

double
bench_system_cpu_s(void)
{
        struct rusage usage;

        getrusage(RUSAGE_SELF, &usage);
        return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

bool
bench_system_terminal(void)
{
        return isatty(STDERR_FILENO);
}

FILE *
bench_system_open(const char *path, const char *mode)
{
        return fopen(path, mode[0] == 'r' ? "re" : "we");
}

/* A folder of its own, for the socket and the lock. */
bool
bench_system_address_make(char *address, size_t room)
{
        char folder[] = "/tmp/weir-bench-XXXXXX";

        address[0] = '\0';
        if (!mkdtemp(folder))
                return false;
        snprintf(address, room, "%s/broker", folder);
        return true;
}

/* The broker's files, whatever they are called, and their folder. */
void
bench_system_address_remove(const char *address)
{
        char *folder = strdup(address), *slash = folder ? strrchr(folder, '/') : NULL;
        struct dirent *entry;
        DIR *directory;

        if (slash) {
                *slash = '\0';
                directory = opendir(folder);
                while (directory && (entry = readdir(directory)) != NULL)
                        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                                unlinkat(dirfd(directory), entry->d_name, 0);
                if (directory)
                        closedir(directory);
                rmdir(folder);
        }
        free(folder);
}

void
bench_machine_read(struct bench_machine *machine)
{
        FILE *file = fopen("/proc/cpuinfo", "re");
        struct utsname name;
        char line[256];

        *machine = (struct bench_machine){ .processor = "unknown processor", .cores = sysconf(_SC_NPROCESSORS_ONLN) };
        while (file && fgets(line, sizeof line, file))
                if (sscanf(line, "model name : %127[^\n]", machine->processor) == 1)
                        break;
        if (file)
                fclose(file);
        if (uname(&name) == 0)
                snprintf(machine->kernel, sizeof machine->kernel, "%s %s", name.sysname, name.release);
}
