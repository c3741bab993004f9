/*
 * Identities under an LSM that labels processes. Runs as root in a guest kernel (guest_test.py boots it): there is no
 * such kernel to be had on every machine that runs the tests, and no policy of ours may be loaded into one that is.
 *
 *      label_guest list LSM              the scenes' names, a line each
 *      label_guest run LSM               plays them all: "ok NAME" or "not ok NAME: why", a line each
 *      label_guest as LABEL COMMAND...   takes a label and executes
 *
 * A scene is one peer that takes a label, lives somewhere and connects, and what the broker's side is to see.
 */
#include "named-objects/endpoint.h"
#include "named-objects/identity.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET "/tmp/label/bus"

enum { WAIT_MS = 20000 };

struct scene {
        const char *lsm, *name;
        const char *broker_label; /* that we take before; NULL: none */
        const char *label;        /* that the peer takes before it connects; NULL: none */
        const char *later;        /* and after it; NULL: none */
        bool is_foreign;          /* the peer has a mount namespace of its own, as a Snap has */
        const char *socket;       /* the package whose socket it comes through; NULL: the ordinary one */
        int trust;                /* what is to be seen; 0: it is refused */
        const char *text;         /* how the identity reads, behind "user:0 "; or a piece of the refusal */
        bool by_number_too;       /* the process that is asked for by its number is the same */
};

#define U "weir_u:weir_r:"

static const struct scene scenes[] = {
        { "apparmor", "an unconfined process has full trust", NULL, NULL, NULL, false, NULL, WR_TRUST_FULL,
          "full trust (same root)", true },
        { "apparmor", "a Snap is the package of its label", NULL, "snap.firefox.firefox", NULL, false, NULL,
          WR_TRUST_PACKAGE, "package:firefox (snap label) label:snap.firefox.firefox (enforce)", true },
        { "apparmor", "a Snap in a mount namespace of its own is the same package", NULL, "snap.firefox.firefox", NULL,
          true, NULL, WR_TRUST_PACKAGE, "package:firefox (snap label) label:snap.firefox.firefox (enforce)", true },
        { "apparmor", "a Snap whose profile only complains is a package too", NULL, "snap.code_two.hook.install", NULL,
          false, NULL, WR_TRUST_PACKAGE, "package:code_two (snap label) label:snap.code_two.hook.install (complain)",
          true },
        { "apparmor", "a profile that is no Snap's confines", NULL, "sensor", NULL, false, NULL, WR_TRUST_CONFINED,
          "confined (confined by a security label) label:sensor (enforce)", true },
        { "apparmor", "a label that begins like a Snap's is none", NULL, "snap.Firefox", NULL, false, NULL,
          WR_TRUST_CONFINED, "confined (confined by a security label) label:snap.Firefox (enforce)", true },
        { "apparmor", "the broker's own label has full trust", "sensor", "sensor", NULL, false, NULL, WR_TRUST_FULL,
          "full trust (same root) label:sensor (enforce)", true },
        { "apparmor", "a broker that is a Snap trusts its own program", "snap.firefox.firefox", "snap.firefox.firefox",
          NULL, false, NULL, WR_TRUST_FULL, "full trust (same root) label:snap.firefox.firefox (enforce)", true },
        { "apparmor", "its own label in another mount namespace is a package", "snap.firefox.firefox",
          "snap.firefox.firefox", NULL, true, NULL, WR_TRUST_PACKAGE,
          "package:firefox (snap label) label:snap.firefox.firefox (enforce)", false },
        { "apparmor", "a Snap at its own package's socket is that package", NULL, "snap.firefox.firefox", NULL, true,
          "firefox", WR_TRUST_PACKAGE,
          "package:firefox (package socket, snap label) label:snap.firefox.firefox (enforce)", false },
        { "apparmor", "a Snap at another package's socket is refused", NULL, "snap.firefox.firefox", NULL, true,
          "org.weir.Camera", 0, "its label says firefox", false },
        { "selinux", "the broker's own label has full trust", NULL, NULL, NULL, false, NULL, WR_TRUST_FULL,
          "full trust (same root) label:" U "kern_t", true },
        { "selinux", "another label confines", NULL, U "sensor_t", NULL, false, NULL, WR_TRUST_CONFINED,
          "confined (confined by a security label) label:" U "sensor_t", true },
        { "selinux", "unconfined_t has full trust", NULL, U "unconfined_t", NULL, false, NULL, WR_TRUST_FULL,
          "full trust (same root) label:" U "unconfined_t", true },
        { "selinux", "unconfined_t in another mount namespace is confined", NULL, U "unconfined_t", NULL, true, NULL,
          WR_TRUST_CONFINED, "confined (foreign mount namespace) label:" U "unconfined_t", true },
        { "selinux", "a broker with a label trusts that label", U "sensor_t", U "sensor_t", NULL, false, NULL,
          WR_TRUST_FULL, "full trust (same root) label:" U "sensor_t", true },
        { "selinux", "a label that is taken after connecting changes nothing", NULL, U "sensor_t", U "unconfined_t",
          false, NULL, WR_TRUST_CONFINED, "confined (confined by a security label) label:" U "sensor_t", false },
        { "selinux", "a package socket outranks the label", NULL, U "sensor_t", NULL, true, "org.weir.Camera",
          WR_TRUST_PACKAGE, "package:org.weir.Camera (package socket) label:" U "sensor_t", false },
};

enum { SCENES = sizeof scenes / sizeof *scenes };

/* AppArmor wants a word before the name, SELinux the context alone. */
static bool
label_take(const char *label)
{
        char text[300];
        int fd = open("/proc/self/attr/current", O_WRONLY | O_CLOEXEC), length;
        bool taken;

        if (strchr(label, ':') != NULL)
                length = snprintf(text, sizeof text, "%s", label);
        else
                length = snprintf(text, sizeof text, "changeprofile %s", label);
        taken = fd >= 0 && write(fd, text, (size_t)length) == length;
        if (fd >= 0)
                close(fd);
        return taken;
}

static int
peer_play(const struct scene *s)
{
        wr_object connection;
        char why[256] = "";

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (s->label != NULL && !label_take(s->label))
                perror("label");
        else if (s->is_foreign && unshare(CLONE_NEWNS) != 0)
                perror("unshare");
        else if (wr_endpoint_connect(&connection, SOCKET, why, sizeof why) != WEIR_OK)
                printf("# %s\n", why);
        else if (s->later != NULL && !label_take(s->later))
                perror("later");
        else if (wr_endpoint_send(connection, "r", 1, NULL, 0) == WEIR_OK)
                for (;;)
                        pause();
        return 1;
}

/* The connection of a peer that is where and what it wants to be. */
static bool
accept_ready(wr_object listener, wr_object *connection)
{
        struct pollfd wait = { .fd = listener, .events = POLLIN };
        char byte;
        size_t size;

        if (poll(&wait, 1, WAIT_MS) != 1 || wr_endpoint_accept(listener, connection) != WEIR_OK)
                return false;
        wait.fd = *connection;
        return poll(&wait, 1, WAIT_MS) == 1 &&
               wr_endpoint_receive(*connection, &byte, 1, &size, NULL, NULL) == WEIR_OK && size == 1;
}

/* Prints what is not as it should be; true if nothing. */
static bool
look(const struct scene *s, wr_object connection)
{
        struct wr_identity identity, by_number;
        wr_object process;
        char why[512] = "", text[512];
        enum weir_result result = wr_identity_of(connection, s->socket, &identity, &process, why, sizeof why);

        if (s->trust == 0) {
                printf("# %d: %s\n", (int)result, why);
                return result == WEIR_E_DENIED && strstr(why, s->text) != NULL;
        }
        if (result != WEIR_OK) {
                printf("# refused: %s\n", why);
                return false;
        }
        wr_object_close(process);
        wr_identity_text(&identity, text, sizeof text);
        if (identity.trust != (enum wr_trust)s->trust || strcmp(text + strcspn(text, " ") + 1, s->text) != 0) {
                printf("# %s\n", text);
                return false;
        }
        if (!s->by_number_too)
                return true;
        result = wr_identity_of_process(identity.pid, &by_number, why, sizeof why);
        if (result != WEIR_OK || memcmp(&identity, &by_number, sizeof identity) != 0) {
                wr_identity_text(&by_number, text, sizeof text);
                printf("# by its number: %s %s\n", text, why);
                return false;
        }
        return true;
}

/* In a process of its own, since a label cannot always be given back. */
static int
scene_play(const struct scene *s)
{
        wr_object listener, connection = WR_NO_OBJECT;
        char why[256] = "";
        bool good = false;
        pid_t peer;

        if (s->broker_label != NULL && !label_take(s->broker_label))
                return 1;
        if (wr_endpoint_listen(&listener, SOCKET, why, sizeof why) != WEIR_OK) {
                printf("# %s\n", why);
                return 1;
        }
        fflush(stdout);
        peer = fork();
        if (peer == 0)
                _exit(peer_play(s));
        if (peer > 0) {
                good = accept_ready(listener, &connection) && look(s, connection);
                kill(peer, SIGKILL);
                waitpid(peer, NULL, 0);
        }
        wr_object_close(connection);
        wr_endpoint_unlisten(listener, SOCKET);
        fflush(stdout);
        return good ? 0 : 1;
}

static void
scenes_play(const char *lsm)
{
        for (int i = 0; i < SCENES; i++) {
                int status = 1;
                pid_t child;

                if (strcmp(scenes[i].lsm, lsm) != 0)
                        continue;
                fflush(stdout);
                child = fork();
                if (child == 0)
                        _exit(scene_play(&scenes[i]));
                waitpid(child, &status, 0);
                printf("%s %s\n", status == 0 ? "ok" : "not ok", scenes[i].name);
        }
}

int
main(int count, char **arguments)
{
        if (count == 3 && strcmp(arguments[1], "list") == 0) {
                for (int i = 0; i < SCENES; i++) {
                        if (strcmp(scenes[i].lsm, arguments[2]) == 0)
                                printf("%s\n", scenes[i].name);
                }
                return 0;
        }
        if (count == 3 && strcmp(arguments[1], "run") == 0) {
                scenes_play(arguments[2]);
                return 0;
        }
        if (count > 3 && strcmp(arguments[1], "as") == 0 && label_take(arguments[2])) {
                execv(arguments[3], arguments + 3);
                perror(arguments[3]);
        }
        return 1;
}
