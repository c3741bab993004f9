/*
 * The broker as systemd starts it: the sockets that are passed to it, and what its manager is told. What a real systemd
 * does with it is in tests/e2e/service_test.py; its end is in broker_service_test.c.
 */
#include "tests/fault/broker_fixture.h"

#include "broker/activation.h"
#include "broker/notify.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <weir/broker.h>

TestSuite(broker_passed, .timeout = 60);

/* ---- passed sockets -------------------------------------------------------------------------------------------- */

static int
status_of(void (*play)(void))
{
        pid_t child = fork();
        int status;

        if (child == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                play();
                _exit(0);
        }
        cr_assert(eq(int, waitpid(child, &status, 0), child));
        return status;
}

static void
must(bool condition, const char *what)
{
        if (condition)
                return;
        fprintf(stderr, "not so: %s\n", what);
        _exit(1);
}

static void
variables(long process, const char *count, const char *names)
{
        char text[32];

        snprintf(text, sizeof(text), "%ld", process);
        setenv("LISTEN_PID", text, 1);
        setenv("LISTEN_FDS", count, 1);
        setenv("LISTEN_FDNAMES", names, 1);
}

static void
play_not_ours(void)
{
        static struct wr_activation activation;
        char sentence[512];

        variables((long)getpid() + 1, "1", "bus");
        must(wr_activation_open(&activation, sentence, sizeof(sentence)) == WEIR_OK, "no failure");
        must(activation.count == 0, "nothing is taken");
        must(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES"), "no child will see them");
}

Test(broker_passed, variables_for_another_process_say_nothing_and_go_no_further)
{
        cr_assert(eq(int, status_of(play_not_ours), 0));
}

static void
play_names(void)
{
        static struct wr_activation activation;
        char sentence[512];

        for (int fd = 3; fd < 6; fd++)
                must(dup2(STDERR_FILENO, fd) == fd, "dup2");
        variables((long)getpid(), "3", "one:package=org.weir.Camera");
        must(wr_activation_take(&activation, sentence, sizeof(sentence)) == WEIR_OK, sentence);
        must(activation.count == 3, "all three");
        must(strcmp(activation.sockets[0].name, "one") == 0, "the first name");
        must(strcmp(wr_activation_package(activation.sockets[1].name), "org.weir.Camera") == 0, "the package");
        must(activation.sockets[2].name[0] == '\0', "no name is left for the third");
        for (int fd = 3; fd < 6; fd++)
                must(fcntl(fd, F_GETFD) == FD_CLOEXEC, "no child will have them");
        must(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES"), "no child will see them");
}

Test(broker_passed, passed_sockets_have_their_names_and_go_no_further)
{
        cr_assert(eq(int, status_of(play_names), 0));
}

/* A broker that was passed one socket at `address` and one for a package at `package_socket`. */
static struct broker
passed_begin(struct wr_activation *activation)
{
        struct broker broker = broker_there();

        snprintf(broker.package_socket, sizeof(broker.package_socket), "%s/camera", kit_folder);
        *activation = (struct wr_activation){ .count = 2 };
        for (int i = 0; i < 2; i++) {
                struct wr_activation_socket *passed = &activation->sockets[i];
                struct sockaddr_un address = { .sun_family = AF_UNIX };

                strcpy(address.sun_path, i ? broker.package_socket : broker.address);
                snprintf(passed->name, sizeof(passed->name), "%s", i ? "package=org.weir.Camera" : "bus");
                passed->object = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
                cr_assert(eq(int, bind(passed->object, (struct sockaddr *)&address, sizeof(address)), 0));
                cr_assert(eq(int, listen(passed->object, 8), 0));
                cr_assert(eq(int, wr_endpoint_adopt(passed->object, passed->path, sizeof(passed->path), NULL, 0),
                             WEIR_OK));
                cr_assert(eq(str, passed->path, (char *)(i ? broker.package_socket : broker.address)));
                cr_assert(ne(int, fcntl(passed->object, F_GETFL) & O_NONBLOCK, 0));
        }
        return broker;
}

static void
passed_end(const struct broker *broker)
{
        char lock[160];

        snprintf(lock, sizeof(lock), "%s.lock", broker->address);
        cr_assert(ne(int, access(lock, F_OK), 0));
        cr_assert(eq(int, unlink(broker->address), 0), "it is not the broker's to remove");
        cr_assert(eq(int, unlink(broker->package_socket), 0));
        cr_assert(eq(int, rmdir(kit_folder), 0), "no lock, nothing else");
}

Test(broker_passed, a_policy_that_names_a_passed_socket_leaves_it_where_it_is)
{
        static struct wr_server server;
        static struct wr_activation activation;
        struct broker broker = passed_begin(&activation);
        struct wr_server_options options = { .address = broker.address, .activation = &activation };
        struct wr_log log = { .object = WR_NO_OBJECT };
        char policy_text[512], sentence[1024] = "";
        struct stat before, after;
        struct wr_policy *policy;

        snprintf(policy_text, sizeof(policy_text), "[package.\"org.weir.Camera\"]\nsocket = \"%s\"\n",
                 broker.package_socket);
        cr_assert(eq(int,
                     wr_policy_parse(&policy, policy_text, strlen(policy_text), "/p", wr_user_self(), sentence,
                                     sizeof(sentence)),
                     WEIR_OK),
                  "%s", sentence);
        cr_assert(eq(int, stat(broker.package_socket, &before), 0));
        cr_assert(eq(int, wr_server_open(&server, &options, policy, &log, sentence, sizeof(sentence)), WEIR_OK), "%s",
                  sentence);
        cr_assert(eq(uint, server.listener_count, 2));
        cr_assert(eq(int, stat(broker.package_socket, &after), 0));
        cr_assert(before.st_ino == after.st_ino, "the same socket");
        cr_assert(eq(int,
                     wr_listener_open(&server, "org.weir.Other", broker.package_socket, sentence, sizeof(sentence)),
                     WEIR_E_USAGE));
        cr_assert(strstr(sentence, "was passed") != NULL, "%s", sentence);
        wr_server_close(&server);
        passed_end(&broker);
}

Test(broker_passed, a_directory_of_somebody_else_is_no_place_to_adopt)
{
        static struct wr_activation activation;
        struct broker broker = passed_begin(&activation);
        char path[256], sentence[512];

        cr_assert(eq(int, chmod(kit_folder, 0777), 0));
        cr_assert(eq(int,
                     wr_endpoint_adopt(activation.sockets[0].object, path, sizeof(path), sentence, sizeof(sentence)),
                     WEIR_E_DENIED));
        cr_assert(strstr(sentence, "can be written by others") != NULL, "%s", sentence);
        wr_activation_close(&activation);
        passed_end(&broker);
}

/* Who would be the broker there is told that one is, and the socket stays where it is. */
Test(broker_passed, nobody_takes_the_place_of_a_broker_that_was_passed_its_socket)
{
        static struct wr_activation activation;
        struct broker broker = passed_begin(&activation);
        struct stat before, after;
        int status;

        broker.child.pid = fork();
        if (broker.child.pid == 0) {
                static struct wr_server server;
                struct wr_server_options options = { .address = broker.address,
                                                     .activation = &activation,
                                                     .catches_signals = true };
                struct wr_log log = { .object = WR_NO_OBJECT };
                struct wr_policy *policy;
                char sentence[512];

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                must(wr_policy_parse(&policy, "", 0, "/p", wr_user_self(), sentence, sizeof(sentence)) == WEIR_OK,
                     sentence);
                must(wr_server_open(&server, &options, policy, &log, sentence, sizeof(sentence)) == WEIR_OK, sentence);
                must(wr_server_run(&server) == WEIR_OK, "it ran");
                wr_server_close(&server);
                _exit(0);
        }
        wr_activation_close(&activation);
        cr_assert(eq(int, stat(broker.address, &before), 0));
        cr_assert(eq(int, weir_broker_embed(broker.address), WEIR_FULL));
        cr_assert(strstr(weir_broker_error(), "another process is the broker") != NULL, "%s", weir_broker_error());
        cr_assert(eq(int, stat(broker.address, &after), 0));
        cr_assert(before.st_ino == after.st_ino);
        kill(broker.child.pid, SIGTERM);
        cr_assert(eq(int, waitpid(broker.child.pid, &status, 0), broker.child.pid));
        cr_assert(eq(int, status, 0));
        passed_end(&broker);
}

/* ---- what a manager is told ------------------------------------------------------------------------------------ */

static void
expect_told(int manager, const char *text)
{
        char told[2048];
        ssize_t got = recv(manager, told, sizeof(told) - 1, MSG_DONTWAIT);

        told[got > 0 ? got : 0] = '\0';
        cr_assert(eq(str, told, (char *)text));
}

Test(broker_passed, the_manager_is_told_in_its_own_words)
{
        int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char name[64], process[32];
        struct wr_notify notify;

        snprintf(name, sizeof(name), "@weir-notify-%d", (int)getpid());
        memcpy(address.sun_path + 1, name + 1, strlen(name + 1));
        cr_assert(eq(int, bind(manager, (struct sockaddr *)&address, (socklen_t)(sizeof(sa_family_t) + strlen(name))),
                     0));
        snprintf(process, sizeof(process), "%d", (int)getpid());
        setenv("NOTIFY_SOCKET", name, 1);
        setenv("WATCHDOG_USEC", "4000000", 1);
        setenv("WATCHDOG_PID", process, 1);
        wr_notify_open(&notify);
        cr_assert(zero(ptr, getenv("NOTIFY_SOCKET")));
        cr_assert(zero(ptr, getenv("WATCHDOG_USEC")));
        cr_assert(zero(ptr, getenv("WATCHDOG_PID")));
        wr_notify_ready(&notify);
        expect_told(manager, "READY=1");
        wr_notify_turn(&notify, 10, "0 clients");
        expect_told(manager, "WATCHDOG=1");
        expect_told(manager, "STATUS=0 clients");
        wr_notify_turn(&notify, 11, "0 clients");
        wr_notify_turn(&notify, 2000000009, "0 clients");
        expect_told(manager, ""); /* nothing new, and not due */
        wr_notify_turn(&notify, 2000000010, "1 clients");
        expect_told(manager, "WATCHDOG=1");
        expect_told(manager, "STATUS=1 clients");
        wr_notify_reloading(&notify, 5000);
        expect_told(manager, "RELOADING=1\nMONOTONIC_USEC=5");
        wr_notify_stopping(&notify, "bye\nREADY=1");
        expect_told(manager, "STOPPING=1\nSTATUS=bye READY=1");
        wr_notify_close(&notify);
        close(manager);
}

Test(broker_passed, a_watchdog_of_another_process_is_not_kept_quiet_by_us)
{
        struct wr_notify notify;

        setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
        wr_notify_open(&notify);
        cr_assert(eq(int, notify.socket, WR_NO_OBJECT));
        wr_notify_ready(&notify);
        wr_notify_turn(&notify, 1, "nobody hears it");
        setenv("WATCHDOG_USEC", "1000", 1);
        setenv("WATCHDOG_PID", "1", 1);
        wr_notify_open(&notify);
        cr_assert(eq(i64, notify.watchdog_ns, 0));
}

Test(broker_passed, ready_is_said_again_until_it_gets_through)
{
        int pair[2];
        struct wr_notify notify = { 0 };
        char byte = 'x';

        cr_assert(eq(int, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0));
        notify.socket = pair[0];
        while (send(pair[0], &byte, 1, 0) == 1)
                ;
        wr_notify_ready(&notify);
        cr_assert(notify.owes_ready);
        while (recv(pair[1], &byte, 1, 0) == 1)
                ;
        wr_notify_turn(&notify, 1, "");
        expect_told(pair[1], "READY=1");
        cr_assert(not(notify.owes_ready));
        wr_notify_close(&notify);
        close(pair[1]);
}

/* ---- its end ------------------------------------------------------------------------------------------------- */

/* Both signals are there before it looks, so the second one is always in time. */
Test(broker_passed, a_second_signal_ends_it_at_once)
{
        struct broker broker = broker_begin();
        int status;

        kill(broker.child.pid, SIGSTOP);
        cr_assert(eq(int, waitpid(broker.child.pid, &status, WUNTRACED), broker.child.pid));
        kill(broker.child.pid, SIGINT);
        kill(broker.child.pid, SIGTERM);
        kill(broker.child.pid, SIGCONT);
        cr_assert(eq(int, waitpid(broker.child.pid, &status, 0), broker.child.pid));
        cr_assert(eq(int, status, SIGTERM), "it ended by the signal itself");
        cr_assert(eq(int, access(broker.address, F_OK), 0), "before it tidied up");
        unlink(broker.address);
        broker_tidy(&broker);
}
