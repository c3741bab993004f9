/* The small seams: clock, random numbers, users, identities, the policy file, the log, and memory that may run out. */
#include "broker/log.h"
#include "bus/os/clock.h"
#include "named-objects/address.h"
#include "named-objects/file.h"
#include "named-objects/identity.h"
#include "named-objects/random.h"
#include "named-objects/sentence.h"
#include "named-objects/stream.h"
#include "named-objects/stream_tcp.h"
#include "named-objects/user.h"
#include "named-objects/watch.h"
#include "tests/simulation/sim.h"

#include <stdlib.h>
#include <string.h>

int64_t
wr_clock_ns(void)
{
        sim_seam();
        sim.now_ns += 1 + (int64_t)sim_below(20000); /* the broker's own time */
        return sim.now_ns;
}

/* Of a stream of their own, and never the same twice. */
uint64_t
wr_random(void)
{
        uint64_t mixed = sim.ids += UINT64_C(0x9E3779B97F4A7C15);

        mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
        return mixed ^ (mixed >> 31);
}

/* Nobody relays here. */
enum weir_result
wr_stream_pair(wr_object connection, wr_object ends[2])
{
        (void)connection;
        sim_seam();
        ends[0] = ends[1] = WR_NO_OBJECT;
        return WEIR_E_QUOTA;
}

/* Nor comes anybody by TCP: nobody listens there. */
enum weir_result
wr_stream_tcp_listen(wr_object *listener, uint16_t *port)
{
        (void)port;
        *listener = WR_NO_OBJECT;
        return WEIR_E_HELD;
}

enum weir_result
wr_stream_tcp_accept(wr_object listener, wr_object *stream)
{
        (void)stream;
        sim_fail("somebody came by TCP, at %d", (int)listener);
}

enum weir_result
wr_stream_write(wr_object stream, const struct wr_span *spans, size_t count, size_t *done)
{
        (void)spans, (void)done;
        sim_fail("%zu spans are written to a stream, %d", count, (int)stream);
}

enum weir_result
wr_stream_read(wr_object stream, const struct wr_span *spans, size_t count, size_t *done)
{
        (void)spans, (void)done;
        sim_fail("%zu spans are read from a stream, %d", count, (int)stream);
}

uint32_t
wr_watch_objects_max(void)
{
        return sim.plan.numbers_max;
}

/* Only who contends waits for a connection of its own, and nobody does (sim_endpoint.c). */
void
wr_watch_wait(struct wr_watch *watches, size_t count, int64_t timeout_ns)
{
        (void)watches;
        sim_fail("the broker waits %lld ns for %zu objects behind the back of its loop", (long long)timeout_ns, count);
}

struct wr_sid
wr_user_self(void)
{
        return wr_sid_of_uid(1000);
}

bool
wr_address_is_system(const char *address)
{
        (void)address;
        return false;
}

uint32_t
wr_user_process(void)
{
        return 1;
}

bool
wr_user_name(const struct wr_sid *user, char *name, size_t room)
{
        uint32_t number = 0;

        wr_sid_is_unix(user, &number, NULL);
        wr_sentence(name, room, "u%u", (unsigned)number);
        return true;
}

bool
wr_user_find(const char *name, struct wr_sid *user)
{
        *user = wr_sid_of_uid((uint32_t)strtoul(name, NULL, 10));
        return user->words[1] != 0;
}

bool
wr_group_find(const char *name, struct wr_sid *group)
{
        *group = wr_sid_of_gid((uint32_t)strtoul(name, NULL, 10));
        return group->words[1] != 0;
}

void
wr_user_groups(const struct wr_sid *user, struct wr_sid_list *groups)
{
        (void)user;
        (void)groups;
}

bool
wr_user_of_service(struct wr_sid *user)
{
        (void)user;
        return false;
}

bool
wr_user_is_system(const struct wr_sid *user)
{
        uint32_t number = 1;

        return wr_sid_is_unix(user, &number, NULL) && number == 0;
}

/* ---- who is there --------------------------------------------------------------------------------------------- */

enum weir_result
wr_identity_of(wr_object connection, const char *listener_package, struct wr_identity *identity, wr_object *process,
               char *sentence, size_t room)
{
        struct sim_line *line = sim_object_at(connection, SIM_SOCKET)->line;
        enum weir_result result;

        sim_seam();
        *process = WR_NO_OBJECT;
        if (line->process->is_over) {
                wr_sentence(sentence, room, "the process is dead");
                return WEIR_E_DENIED;
        }
        result = sim_object_open(line->process, process);
        if (result < 0) {
                wr_sentence(sentence, room, "no descriptor is left");
                return result;
        }
        sim_identity_fill(line->identity, listener_package, identity);
        identity->pid = sim_client_pid(line);
        return WEIR_OK;
}

/* ---- the policy file ------------------------------------------------------------------------------------------ */

enum weir_result
wr_file_read(const char *path, size_t most, char **text, size_t *size, char *sentence, size_t room)
{
        (void)path;
        (void)most;
        sim_seam();
        *size = strlen(sim.policy);
        *text = malloc(*size + 1);
        if (!*text) {
                wr_sentence(sentence, room, "no memory for the policy file");
                return WEIR_E_NO_MEMORY;
        }
        memcpy(*text, sim.policy, *size + 1);
        return WEIR_OK;
}

/* ---- the log -------------------------------------------------------------------------------------------------- */

bool
wr_log_write(wr_object object, const char *line, size_t length)
{
        (void)object;
        sim_seam();
        if (memchr(line, '\n', length) != line + length - 1)
                sim_fail("the log gets what is not one line");
        sim_trace("log: %.*s", (int)length - 1, line);
        return true;
}

/* ---- memory --------------------------------------------------------------------------------------------------- */

/* In front of every piece. */
union piece {
        struct {
                union piece *next, *previous;
                size_t bytes;
        };
        max_align_t alignment[2];
};

static union piece *pieces;
static size_t bytes_held;

void *
__real_malloc(size_t bytes);
void
__real_free(void *address);
void *
__wrap_malloc(size_t bytes);
void *
__wrap_calloc(size_t count, size_t bytes);
void *
__wrap_realloc(void *address, size_t bytes);
char *
__wrap_strdup(const char *text);
void
__wrap_free(void *address);
_Noreturn void
__wrap___assert_fail(const char *assertion, const char *file, unsigned line, const char *function);

void *
__wrap_malloc(size_t bytes)
{
        union piece *piece;

        if (sim.in_broker && sim_one_in(sim.plan.memory_odds))
                return NULL;
        piece = __real_malloc(sizeof(*piece) + bytes);
        if (!piece)
                return NULL;
        piece->bytes = bytes;
        piece->previous = NULL;
        piece->next = pieces;
        if (pieces)
                pieces->previous = piece;
        pieces = piece;
        bytes_held += bytes;
        return piece + 1;
}

void *
__wrap_calloc(size_t count, size_t bytes)
{
        void *address = __wrap_malloc(count * bytes);

        return address ? memset(address, 0, count * bytes) : NULL;
}

void
__wrap_free(void *address)
{
        union piece *piece;

        if (!address)
                return;
        piece = (union piece *)address - 1;
        if (piece->previous)
                piece->previous->next = piece->next;
        else
                pieces = piece->next;
        if (piece->next)
                piece->next->previous = piece->previous;
        bytes_held -= piece->bytes;
        memset(address, 0xA5, piece->bytes); /* whoever reads it still reads nonsense */
        __real_free(piece);
}

void *
__wrap_realloc(void *address, size_t bytes)
{
        void *larger = __wrap_malloc(bytes);

        if (!address || !larger)
                return larger;
        memcpy(larger, address,
               ((union piece *)address - 1)->bytes < bytes ? ((union piece *)address - 1)->bytes : bytes);
        __wrap_free(address);
        return larger;
}

char *
__wrap_strdup(const char *text)
{
        size_t bytes = strlen(text) + 1;
        char *copy = __wrap_malloc(bytes);

        return copy ? memcpy(copy, text, bytes) : NULL;
}

_Noreturn void
__wrap___assert_fail(const char *assertion, const char *file, unsigned line, const char *function)
{
        sim_fail("assertion: %s (%s:%u, %s)", assertion, file, line, function);
}

size_t
sim_memory_bytes(void)
{
        return bytes_held;
}

void
sim_memory_take_away(void)
{
        while (pieces)
                __wrap_free(pieces + 1);
}
