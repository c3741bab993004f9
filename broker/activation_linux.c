/* The protocol is three variables that have not changed since 2010, so there is no library for it here; see
 * docs/dependencies.md. */
#include "broker/activation.h"

#include "named-objects/sentence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST = 3 };

/* A decimal number above 0, and nothing else. */
static bool
number_of(const char *text, long *number)
{
        char *end;

        if (*text < '0' || *text > '9')
                return false;
        errno = 0;
        *number = strtol(text, &end, 10);
        return errno == 0 && *end == '\0' && *number > 0;
}

/* The next of "one:two:three"; the rest have none. */
static const char *
name_copy(const char *names, char *name, size_t room)
{
        size_t length = strcspn(names, ":");

        wr_sentence(name, room, "%.*s", (int)(length < room ? length : room - 1), names);
        return names[length] == ':' ? names + length + 1 : names + length;
}

static enum weir_result
sockets_take(struct wr_activation *activation, const char *count_text, const char *names, char *sentence, size_t room)
{
        long count = 0;

        if (!number_of(count_text, &count) || count > WR_ACTIVATION_SOCKETS_MAX) {
                wr_sentence(sentence, room, "LISTEN_FDS is '%.32s', which is no number from 1 to %d", count_text,
                            WR_ACTIVATION_SOCKETS_MAX);
                return WEIR_E_USAGE;
        }
        for (int i = 0; i < (int)count; i++) {
                struct wr_activation_socket *socket = &activation->sockets[i];

                names = name_copy(names, socket->name, sizeof(socket->name));
                if (fcntl(FIRST + i, F_SETFD, FD_CLOEXEC) < 0) {
                        wr_sentence(sentence, room, "LISTEN_FDS says %ld, but descriptor %d is not open", count,
                                    FIRST + i);
                        return WEIR_E_USAGE;
                }
                socket->object = FIRST + i;
                activation->count++;
        }
        return WEIR_OK;
}

enum weir_result
wr_activation_take(struct wr_activation *activation, char *sentence, size_t room)
{
        const char *process_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
        const char *names = getenv("LISTEN_FDNAMES");
        enum weir_result result = WEIR_OK;
        long process;

        activation->count = 0;
        if (process_text && count_text && number_of(process_text, &process) && process == (long)getpid())
                result = sockets_take(activation, count_text, names ? names : "", sentence, room);
        unsetenv("LISTEN_PID"); /* after the last look at what they point to */
        unsetenv("LISTEN_FDS");
        unsetenv("LISTEN_FDNAMES");
        unsetenv("LISTEN_PIDFDID"); /* of newer managers, beside LISTEN_PID */
        return result;
}
