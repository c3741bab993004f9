/* The broker as a thread of a host: the host keeps what is its own, and nothing of it stays open because of us. */
#include "broker/broker.h"
#include "tests/fault/broker_fixture.h"

#ifndef _WIN32
#        include <sys/stat.h>
#endif

static const char *address;

static void
place_make(void)
{
        address = kit_address();
        unsetenv("WEIR_CONFIG");
        setenv("XDG_CONFIG_HOME", "/nowhere", 1);
}

TestSuite(broker_embed, .init = place_make, .fini = kit_clean, .timeout = 60);

static void
policy_write(const char *text)
{
        FILE *file = fopen(kit_file(), "w");

        cr_assert(file != NULL);
        fputs(text, file);
        fclose(file);
}

Test(broker_embed, a_process_becomes_the_broker_once_however_often_it_asks)
{
        cr_assert(eq(int, weir_broker_embed(address), WEIR_OK));
        cr_assert(eq(int, weir_broker_embed(address), WEIR_OK));
        struct client client = client_at(address, "guest");
        cr_assert(eq(uint, client_status(&client).pid, wr_user_process()));
        cr_assert(eq(str, client.message.state.address, (char *)address));
        client_close(&client);
}

static void
play_second(int line)
{
        (void)line;
        kit_must(weir_broker_embed(kit_address()) == WEIR_FULL);
}

Test(broker_embed, another_process_is_told_that_there_is_one)
{
        struct kit_child second;

        cr_assert(eq(int, weir_broker_embed(address), WEIR_OK));
        second = kit_start(play_second);
        cr_assert(eq(int, kit_end(&second), 0));
}

Test(broker_embed, the_role_is_free_again_after_stop)
{
        for (int i = 0; i < 3; i++) {
                struct client client;

                /* Once it said goodbye it is no broker any more, but it may still hold the lock for a moment. */
                while (weir_broker_embed(address) == WEIR_FULL)
                        sched_yield();
                client = client_at(address, "stopper");
                client_send(&client, (struct wr_message){ .kind = WR_STOP });
                client_expect(&client, WR_DONE);
                client_expect(&client, WR_BYE);
                client_expect_end(&client);
                client_close(&client);
        }
}

Test(broker_embed, an_error_of_the_policy_file_is_told_with_line_and_column)
{
        struct weir_broker_options options = { .size = sizeof(options), .address = address };
        const char *path = kit_file();
        char words[640];

        policy_write("[topic.\"t\"]\npublish = [\"user:root\"\nsubscribe = []\n");
        snprintf(words, sizeof(words), "%s:3:1: expected ',' or ']'", path);
        options.config = path;
        cr_assert(eq(int, weir_broker_embed_with(&options), WEIR_E_USAGE));
        cr_assert(eq(str, (char *)weir_broker_error(), words));
        setenv("WEIR_CONFIG", path, 1);
        cr_assert(eq(int, weir_broker_embed(address), WEIR_E_USAGE));
        cr_assert(eq(int, weir_broker_run(&(struct weir_broker_options){ .size = sizeof(options), .address = address }),
                     WEIR_E_USAGE));
        setenv("WEIR_CONFIG", "/nowhere/policy.conf", 1);
        cr_assert(eq(int, weir_broker_embed(address), WEIR_E_USAGE));
        cr_assert(strstr(weir_broker_error(), "cannot be read") != NULL);
}

Test(broker_embed, who_opens_a_bus_with_it_is_told_the_reason_and_the_real_address)
{
        const char *path = kit_file();
        struct weir *bus;

        policy_write("[topic.\"t\"]\npublish = [\"user:root\"\nsubscribe = []\n");
        setenv("WEIR_CONFIG", path, 1);
        setenv("WEIR_BROKER", address, 1);
        cr_assert(eq(int, weir_open(&bus, WEIR_OPTIONS(.embed = weir_broker_embed)), WEIR_E_USAGE));
        cr_assert(strstr(weir_error(), address) != NULL, "%s", weir_error());
        cr_assert(strstr(weir_error(), "expected ',' or ']'") != NULL, "%s", weir_error());
}

Test(broker_embed, an_address_that_is_no_place_for_a_socket_is_refused)
{
        static const char *const addresses[] = { "", "bus", "relative/bus", "/bus" };

        for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
                cr_assert(eq(int, weir_broker_embed(addresses[i]), WEIR_E_USAGE), "%s", addresses[i]);
}

Test(broker_embed, refusals_are_logged_where_weir_log_says_and_never_with_control_characters)
{
        char path[128], line[1024] = "";
        FILE *file;

        snprintf(path, sizeof(path), "%.100s.log", kit_file());
        setenv("WEIR_LOG", path, 1);
        cr_assert(eq(int, weir_broker_embed(address), WEIR_OK));
        struct client client = client_at(address, "evil\nweir: all is well");
        client_send(&client, publish("a//b"));
        client_expect_refusal(&client, WEIR_E_USAGE, "is no topic");
        client_status(&client);
        file = fopen(path, "r");
        cr_assert(file != NULL);
        while (fgets(line, sizeof(line), file) && !strstr(line, "refused"))
                cr_assert(strncmp(line, "weir: ", 6) == 0 && !strstr(line, "all is well"));
        cr_assert(strstr(line, "refused evil?weir: all is well") != NULL, "%s", line);
        fclose(file);
        client_close(&client);
        unsetenv("WEIR_LOG");
}

Test(broker_embed, options_of_another_size_are_refused)
{
        cr_assert(eq(int, weir_broker_embed_with(&(struct weir_broker_options){ .size = 4 }), WEIR_E_USAGE));
}

#ifdef _WIN32
/* Where the lock would be is something that we did not make. */
static void
place_spoil(void)
{
        char file[160];

        cr_assert(CreateDirectoryA(kit_file(), NULL));
        setenv("LOCALAPPDATA", kit_file(), 1);
        snprintf(file, sizeof(file), "%s\\weir", kit_file());
        fclose(fopen(file, "w"));
}

static void
place_mend(void)
{
        char file[160];

        snprintf(file, sizeof(file), "%s\\weir", kit_file());
        cr_assert(DeleteFileA(file));
}
#else
/* It is somebody else's. */
static void
place_spoil(void)
{
        if (geteuid() == 0)
                cr_assert(eq(int, chown(kit_folder, 65534, 65534), 0));
        else
                address = "/etc/bus";
}

static void
place_mend(void)
{
        address = kit_address();
        if (geteuid() == 0)
                cr_assert(eq(int, chown(kit_folder, 0, 0), 0));
}
#endif

Test(broker_embed, a_directory_that_is_not_ours_is_refused)
{
        place_spoil();
        cr_assert(eq(int, weir_broker_embed(address), WEIR_E_DENIED));
        cr_assert(ne(str, (char *)weir_broker_error(), ""));
        place_mend();
        cr_assert(eq(int, weir_broker_embed(address), WEIR_OK), "%s", weir_broker_error());
}

#ifndef _WIN32 /* descriptors, forks and directories */
Test(broker_embed, nothing_of_the_host_stays_open_in_the_brokers_thread)
{
        int ends[2];
        char byte;

        cr_assert(eq(int, pipe(ends), 0));
        cr_assert(eq(int, weir_broker_embed(address), WEIR_OK));
        close(ends[1]);
        cr_assert(eq(int, (int)read(ends[0], &byte, 1), 0), "the host's close is the last");
        close(ends[0]);
}

Test(broker_embed, the_hosts_descriptors_are_as_many_as_before)
{
        struct broker self = { .child.pid = getpid() };
        size_t before = broker_descriptors(&self);

        cr_assert(eq(int, weir_broker_embed(address), WEIR_OK));
        struct client client = client_at(address, "guest");
        client_close(&client);
        cr_assert(eq(sz, broker_descriptors(&self), before));
}

Test(broker_embed, a_child_of_the_dead_host_does_not_keep_the_role)
{
        int there[2];
        pid_t pids[2] = { 0, 0 };

        cr_assert(eq(int, pipe(there), 0));
        pid_t host = fork();
        if (host == 0) {
                if (weir_broker_embed(address) != WEIR_OK)
                        _exit(1);
                pids[1] = fork();
                if (pids[1] == 0)
                        for (;;)
                                pause();
                if (write(there[1], pids, sizeof(pids)) != sizeof(pids))
                        _exit(1);
                for (;;)
                        pause();
        }
        close(there[1]);
        cr_assert(eq(sz, (size_t)read(there[0], pids, sizeof(pids)), sizeof(pids)));
        cr_assert(eq(int, weir_broker_embed(address), WEIR_FULL));
        kill(host, SIGKILL);
        waitpid(host, NULL, 0);
        cr_assert(eq(int, weir_broker_embed(address), WEIR_OK), "%s", weir_broker_error());
        kill(pids[1], SIGKILL);
        close(there[0]);
}

Test(broker_embed, a_directory_that_others_can_write_is_refused)
{
        cr_assert(eq(int, chmod(kit_folder, 0777), 0));
        cr_assert(eq(int, weir_broker_embed(address), WEIR_E_DENIED));
        cr_assert(eq(int, chmod(kit_folder, 0700), 0));
        cr_assert(eq(int, weir_broker_embed(address), WEIR_OK));
}

Test(broker_embed, a_directory_behind_a_symbolic_link_is_refused)
{
        char link[80], through[96];

        snprintf(link, sizeof(link), "%s-link", kit_folder);
        cr_assert(eq(int, symlink(kit_folder, link), 0));
        snprintf(through, sizeof(through), "%s/bus", link);
        cr_assert(eq(int, weir_broker_embed(through), WEIR_E_DENIED));
        unlink(link);
}

Test(broker_embed, with_sixteen_descriptors_the_number_that_is_needed_is_told)
{
        struct rlimit limit = { 16, 16 };
        int status;

        pid_t child = fork();
        if (child == 0) {
                setrlimit(RLIMIT_NOFILE, &limit);
                _exit(weir_broker_embed(address) == WEIR_E_QUOTA && strstr(weir_broker_error(), "at least 64") &&
                                      strstr(weir_broker_error(), "ulimit -n")
                              ? 0
                              : 1);
        }
        cr_assert(eq(int, waitpid(child, &status, 0), child));
        cr_assert(eq(int, status, 0));
}
#endif
