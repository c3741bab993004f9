/*
 * What the tests of many processes have in common: a broker, and children that each have a limit of descriptors and a
 * line to the test; and what the system says a process has open and mapped.
 */
#ifndef WR_MANY_KIT_H
#define WR_MANY_KIT_H

#include "tests/stress/process_kit.h"

#include <dirent.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PACKAGE "org.weir.Many"

enum { MANY_DESCRIPTORS = 4096 }; /* that one process may have at most */

static char address[96], package_folder[96], package_address[128], config[96];
static rlim_t descriptors; /* of every process that is started from now on */

/* ---- processes ---- */

static STRESS_UNUSED void
say(int line, uint64_t word)
{
        must(write(line, &word, sizeof word) == sizeof word);
}

static STRESS_UNUSED uint64_t
hear(int line)
{
        uint64_t word;

        must(read(line, &word, sizeof word) == sizeof word);
        return word;
}

/* 0 when the other end died. */
static STRESS_UNUSED uint64_t
hear_or_none(int line)
{
        uint64_t word = 0;

        return read(line, &word, sizeof word) == sizeof word ? word : 0;
}

static STRESS_UNUSED struct process
start(void (*play)(uint64_t index, int line), uint64_t index)
{
        struct rlimit limit = { descriptors, descriptors };
        struct process process = process_fork(SOCK_SEQPACKET);

        if (process.pid == 0) {
                for (int other = 3; other < 512; other++)
                        if (other != process.line)
                                close(other); /* the lines of those before it */
                must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
                play(index, process.line);
                process_leave();
        }
        return process;
}

static STRESS_UNUSED void
play_broker(uint64_t index, int line)
{
        const char *sockets[] = { PACKAGE "=", NULL };
        char socket[192];

        (void)index, (void)line;
        snprintf(socket, sizeof socket, "%s=%s", PACKAGE, package_address);
        sockets[0] = socket;
        must(freopen("/dev/null", "w", stderr));
        weir_broker_run(&(struct weir_broker_options){ .size = sizeof(struct weir_broker_options),
                                                       .address = address,
                                                       .config = config,
                                                       .package_sockets = sockets });
}

static STRESS_UNUSED struct process
broker_start(const char *policy)
{
        FILE *file = fopen(config, "w");

        must(file && fputs(policy, file) >= 0 && fclose(file) == 0);
        return start(play_broker, 0);
}

static STRESS_UNUSED struct weir *
bus_open(const char *name, const char *where)
{
        struct weir *bus;

        must(weir_open(&bus, WEIR_OPTIONS(.name = name, .address = where, .open_timeout_ns = SOON)) == WEIR_OK);
        return bus;
}

/* ---- what the system has of a process ---- */

static STRESS_UNUSED unsigned
entries(const char *path)
{
        DIR *directory = opendir(path);
        unsigned count = 0;

        if (!directory)
                return 0;
        while (readdir(directory))
                count += 1;
        closedir(directory);
        return count - 2;
}

/* The largest of the descriptor tables of its threads. */
static STRESS_UNUSED unsigned
descriptors_of(pid_t pid)
{
        char path[384];
        unsigned most = 0;
        struct dirent *task;
        DIR *tasks;

        snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
        tasks = opendir(path);
        must(tasks);
        while ((task = readdir(tasks))) {
                unsigned count = 0;

                snprintf(path, sizeof path, "/proc/%d/task/%s/fd", (int)pid, task->d_name);
                if (task->d_name[0] != '.')
                        count = entries(path);
                if (count > most)
                        most = count;
        }
        closedir(tasks);
        return most;
}

static STRESS_UNUSED unsigned
mappings_of(pid_t pid)
{
        char path[64];
        unsigned count = 0;
        FILE *file;
        int byte;

        snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
        file = fopen(path, "r");
        must(file);
        while ((byte = fgetc(file)) != EOF)
                count += byte == '\n';
        fclose(file);
        return count;
}

struct span {
        unsigned least, most;
};

static STRESS_UNUSED void
widen(struct span *span, unsigned value)
{
        if (span->most == 0 || value < span->least)
                span->least = value;
        if (value > span->most)
                span->most = value;
}

/* Prints them; 1: a table is full. */
static STRESS_UNUSED int
tell_sizes(const char *who, const struct process *processes, unsigned count)
{
        struct span open = { 0, 0 }, mapped = { 0, 0 };

        for (unsigned i = 0; i < count; i++) {
                widen(&open, descriptors_of(processes[i].pid));
                widen(&mapped, mappings_of(processes[i].pid));
        }
        printf("# each %s: %u to %u descriptors, %u to %u mappings\n", who, open.least, open.most, mapped.least,
               mapped.most);
        return open.most >= descriptors;
}

/* Hears a word of each while it looks at how many descriptors the broker has; the most it saw. */
static STRESS_UNUSED unsigned
hear_all(const struct process *processes, unsigned count, pid_t broker)
{
        unsigned most = 0;

        for (unsigned i = 0; i < count; i++) {
                struct pollfd line = { .fd = processes[i].line, .events = POLLIN };

                do {
                        unsigned now = descriptors_of(broker);

                        if (now > most)
                                most = now;
                } while (poll(&line, 1, 2) == 0);
                hear(processes[i].line);
        }
        return most;
}

/* ---- the scenario ---- */

/* In a folder of its own; answers for main(). */
static STRESS_UNUSED int
many_run(const char *sentence, int (*play)(void))
{
        struct rlimit most = { MANY_DESCRIPTORS, MANY_DESCRIPTORS };
        int failed;

        setlinebuf(stdout);
        setrlimit(RLIMIT_NOFILE, &most); /* where it may not, a process that needs them says so */
        strcpy(folder, "/tmp/weir-many-XXXXXX");
        must(mkdtemp(folder));
        snprintf(address, sizeof address, "%s/bus", folder);
        snprintf(config, sizeof config, "%s/policy.conf", folder);
        snprintf(package_folder, sizeof package_folder, "%s/package", folder);
        snprintf(package_address, sizeof package_address, "%s/bus", package_folder);
        must(mkdir(package_folder, 0755) == 0);
        failed = play();
        printf("%sok 1 - %s\n1..1\n", failed ? "not " : "", sentence);
        folder_remove(folder);
        return failed != 0;
}

#endif
