/*
 * A world in which the real broker runs without a kernel, a clock or a thread: every run is a function of its seed.
 *
 *      broker core   all of broker/ above its seams, as it ships
 *      seams         sim_loop.c, sim_endpoint.c, sim_object.c, sim_system.c in place of the kernel's
 *      clients       sim_client.c, sim_reply.c, sim_wish.c, sim_mischief.c: good ones, hasty ones, hostile ones
 *      ledger        ledger.c, ledger_pairs.c: what was said on every connection, and what follows from it
 *      checks        sim_check.c: the broker's own books, compared with each other and with the ledger
 *
 * The broker calls wr_loop_wait when it has nothing to do: there, and only there, the world goes on (sim_world.c). A
 * crash of the broker is a jump out of any of its calls; what it had allocated and opened is taken away behind it.
 */
#ifndef SIM_H
#define SIM_H

#include "broker/server.h"

#include <setjmp.h>
#include <stdio.h>

#define SIM_MS     INT64_C(1000000)
#define SIM_SECOND INT64_C(1000000000)

enum {
        SIM_CLIENTS_MAX = 12,
        SIM_TOPICS = 5,
        SIM_IDENTITIES = 6,
        SIM_LINES_MAX = 2048,
        SIM_OBJECTS_MAX = 1 << 15,
        SIM_NUMBERS_MAX = 1 << 18,
        SIM_PACKETS_MAX = 4096,
        SIM_LISTENERS_MAX = 4,
};

/* What the kernel would hold behind a descriptor. */
enum sim_kind {
        SIM_LOOP,
        SIM_LOCK,
        SIM_FLAG,
        SIM_LISTENER,
        SIM_SOCKET,
        SIM_PROCESS,
        SIM_REGION,
        SIM_HELD,
        SIM_WATCHED
};

struct sim_object {
        enum sim_kind kind;
        unsigned broker, others; /* descriptors of it: the broker's; its clients', and those on their way to them */
        struct sim_object *of;   /* read-only view: the region. Watched end of a life-line: the held one */
        struct sim_line *line;   /* socket, life-line: whose */
        uint64_t bytes;          /* region */
        bool is_sealed, is_allocated, is_view, has_view;
        bool is_over; /* process: it ended */
};

struct sim_packet {
        struct sim_packet *next;
        size_t size, count;
        struct sim_object *objects[WR_MESSAGE_DESCRIPTORS_MAX];
        bool has_objects; /* from a client: descriptors that nobody may take */
        uint8_t bytes[WR_MESSAGE_BYTES_MAX + 64];
};

struct sim_queue {
        struct sim_packet *first, *last;
        size_t bytes, room;
};

struct sim_request {
        uint32_t number;
        enum wr_message_kind kind;
        char name[WR_TOPIC_MAX + 8], type[128];
        bool is_reliable, refuses_reliable;
        uint64_t lane;        /* PUBLISH: once it was granted. MOVE */
        uint64_t again;       /* SUBSCRIBE: the subscription that it comes back with */
        bool is_moot;         /* the lane was closed: an answer may be on its way, or not */
        bool is_hold_refused; /* SUBSCRIBE: there was no room for all that was said to be held */
};

enum { SIM_REQUESTS_MAX = 160 };

/* A connection, and what was said on it. */
struct sim_line {
        struct sim_client *client; /* NULL: its process let it go */
        struct sim_object *process;
        unsigned identity, listener;
        struct sim_queue to_broker, to_client;
        bool at_client, at_broker, is_accepted; /* open at that end */
        struct sim_object *socket;
        /* the ledger's */
        struct wr_session *session; /* of this turn */
        bool said_hello, is_welcome, said_bye, must_end, was_refused, was_full, is_buried, is_bye_lost;
        bool is_innocent;     /* its client keeps to the protocol */
        const char *why;      /* it must end */
        uint64_t id;          /* of the session */
        uint32_t subscribing; /* number of its last SUBSCRIBE */
        enum wr_message_kind owes;
        uint64_t owes_id;
        int64_t accepted_ns;
        unsigned request_count;
        struct sim_request requests[SIM_REQUESTS_MAX];
};

enum sim_trait {
        SIM_SILENT = 1 << 0,        /* never says HELLO */
        SIM_DEAF = 1 << 1,          /* stops reading */
        SIM_SLOW = 1 << 2,          /* thinks long */
        SIM_NO_READY = 1 << 3,      /* leaves LANE_GRANT without its answer */
        SIM_NO_ACK = 1 << 4,        /* PAIR_ADDED likewise */
        SIM_NO_PAIR_READY = 1 << 5, /* LANE_ADDED likewise */
        SIM_NO_DONE = 1 << 6,       /* keeps what it read */
        SIM_SAYS_NO = 1 << 7,       /* answers with failures, now and then */
        SIM_FLOODS = 1 << 8,
        SIM_GARBLES = 1 << 9,  /* sends what is no message, or not its to send */
        SIM_MEDDLES = 1 << 10, /* names what belongs to others */
        SIM_GREEDY = 1 << 11,
        SIM_HASTY = 1 << 12,  /* closes what it has only just asked for */
        SIM_MORTAL = 1 << 13, /* dies at any moment */
        SIM_RUDE = 1 << 14,   /* hangs up without BYE */
        SIM_EVICTS = 1 << 15,
        SIM_FORKS = 1 << 16,   /* a child keeps its connection open when it dies */
        SIM_FREEZES = 1 << 17, /* is stopped for a while */
};

/* Traits of which the rules are broken, or others may suffer. */
#define SIM_HOSTILE                                                                                         \
        (SIM_SILENT | SIM_DEAF | SIM_NO_READY | SIM_NO_ACK | SIM_NO_PAIR_READY | SIM_NO_DONE | SIM_FLOODS | \
         SIM_GARBLES | SIM_MEDDLES | SIM_FREEZES)

enum sim_phase { SIM_CHAOS, SIM_CALM, SIM_LEAVING, SIM_OVER };

/* What this seed is about; made by sim_scenario.c. */
struct sim_plan {
        unsigned family, clients, topics;
        unsigned traits_of_all; /* a client gets some of these */
        unsigned traits_odds;   /* one in so many of them */
        unsigned numbers_max;   /* the broker's limit of open descriptors */
        unsigned memory_odds;   /* one allocation in so many fails; 0: none */
        unsigned flight_odds;   /* one message with descriptors in so many does not go now; 0: none */
        size_t room_max;        /* bytes that a connection takes, at most */
        int64_t think_ns;       /* how long a client thinks, at most */
        int64_t late_ns;        /* how late the broker wakes, at most */
        int64_t chaos_ns;
        unsigned crashes, stops, deposals; /* of the broker, during the chaos */
        unsigned reloads;
        uint64_t lanes, subscriptions, reserve_bytes, allocated_bytes, connections, per_second;
        bool has_patterns, has_types, has_moves, has_rejoins;
        unsigned patience; /* one turn in so many a client leaves a broker that lives, and comes back; 0: none */
};

struct sim {
        uint64_t seed, random, ids, hash;
        bool traces;
        int64_t now_ns;
        enum sim_phase phase;
        struct sim_plan plan;
        jmp_buf life;            /* out of the broker: it crashed, or a rule was broken */
        bool in_broker, in_turn; /* between two waits */
        struct wr_server server;
        bool is_serving; /* `server` is one that was opened */
        int crash_in;    /* calls of seams until it crashes; < 0: it does not */
        bool wants_stop, wants_reload, is_deposed;
        int64_t broker_back_ns; /* when the next broker starts */
        int64_t phase_ns, event_ns;
        unsigned crashes, stops, deposals, reloads; /* left */
        unsigned lives;                             /* brokers that ran */
        uint64_t said, heard, turns, idle_turns, events;
        unsigned rights[SIM_IDENTITIES][SIM_TOPICS]; /* enum wr_right bits; what the file says now */
        unsigned rights_in_force[SIM_IDENTITIES][SIM_TOPICS];
        bool is_file_broken;
        uint64_t ended[256]; /* lanes into which END was written, as their readers see it in shared memory */
        unsigned ended_count;
        char policy[8192];
        const char *found; /* what is wrong; NULL: nothing yet */
        char sentence[1024];
};

extern struct sim sim;

enum sim_way_out { SIM_CRASHED = 1, SIM_FOUND = 2 };

/* ---- sim_world.c: the run, its clock and its dice */

/* Runs one seed. False: a rule was broken; sim.sentence says which. */
bool
sim_run(uint64_t seed, bool traces);

uint64_t
sim_random(void);

/* 0 to below - 1; 0 for 0. */
uint64_t
sim_below(uint64_t below);

/* True once in so many times; never for 0. */
bool
sim_one_in(unsigned odds);

/* A rule is broken: does not return while the broker runs. */
__attribute__((format(printf, 1, 2))) _Noreturn void
sim_fail(const char *format, ...);

__attribute__((format(printf, 1, 2))) void
sim_trace(const char *format, ...);

/* What happened goes into the run's hash, so that two runs of one seed can be compared. */
void
sim_note(uint64_t what);

/* Every seam of the broker begins with it: here it may crash. */
void
sim_seam(void);

/* The next thing that happens without the broker: when, or INT64_MAX; and let it happen. */
int64_t
sim_next_ns(void);

void
sim_act(void);

/* ---- sim_scenario.c */

extern const char *const sim_families[];
unsigned
sim_family_count(void);

void
sim_scenario_make(void);

/* Writes sim.policy from sim.rights. */
void
sim_scenario_write_policy(void);

/* Some rights change. */
void
sim_scenario_change_rights(void);

/* The file was read and is what counts from now on. */
void
sim_scenario_in_force(void);

const char *
sim_topic(unsigned index);

/* May this identity do this on the topic, by the file in force? Names of no topic of ours: nobody may. */
bool
sim_may(unsigned identity, const char *topic, unsigned rights);

void
sim_identity_fill(unsigned index, const char *package, struct wr_identity *identity);

/* The broker's own user in full trust, who may do all where no rule stands. */
bool
sim_identity_is_own(unsigned identity);

/* Whose listener this is: its path and package. */
const char *
sim_listener_path(unsigned index);

/* ---- sim_object.c */

void
sim_objects_clear(void);

struct sim_object *
sim_object_new(enum sim_kind kind);

/* A descriptor of the broker's; WEIR_E_QUOTA: it has as many as it may. */
enum weir_result
sim_object_open(struct sim_object *object, wr_object *number);

/* What stands behind a number of the broker's; anything else is a broken rule. */
struct sim_object *
sim_object_any(wr_object number);

struct sim_object *
sim_object_at(wr_object number, enum sim_kind kind);

unsigned
sim_objects_open(void);

/* The broker is gone: the kernel closes all that it had. */
void
sim_objects_take_away(void);

/* One of a client's, or on its way, is closed. */
void
sim_object_drop(struct sim_object *object);

/* ---- sim_endpoint.c */

void
sim_lines_clear(void);

/* NULL: nobody listens there, or it accepts nobody now. */
struct sim_line *
sim_line_connect(struct sim_client *client, unsigned listener);

/* False: not now. */
bool
sim_line_send(struct sim_line *line, const void *bytes, size_t size, bool has_objects);

/* NULL: nothing there. The caller gives it back with sim_packet_free, which drops its objects. */
struct sim_packet *
sim_line_receive(struct sim_line *line);

void
sim_packet_free(struct sim_packet *packet);

void
sim_line_hang_up(struct sim_line *line);

unsigned
sim_line_count(void);

struct sim_line *
sim_line_at(unsigned index);

unsigned
sim_socket_ready(const struct sim_line *line);

bool
sim_listener_ready(const struct sim_object *listener);

void
sim_line_broker_closed(struct sim_line *line);

/* ---- sim_loop.c */

void
sim_loop_clear(void);

bool
sim_loop_has(wr_object number);

/* ---- sim_system.c */

/* Everything that the broker allocated and did not free; bytes and pieces. */
size_t
sim_memory_bytes(void);

void
sim_memory_take_away(void);

/* ---- sim_client.c: see client.h */

void
sim_clients_make(void);

int64_t
sim_clients_next_ns(void);

void
sim_clients_act(void);

void
sim_clients_calm(void);

void
sim_clients_leave(void);

/* There is something to read. With nothing to do in the calm a client sleeps, or that would be most of what happens. */
void
sim_client_wake(struct sim_client *client);

/* Process ids are made of these. */
unsigned
sim_client_pid(const struct sim_line *line);

/* ---- sim_check.c */

/* The broker has nothing to do for timeout_ns: are its books in order? */
void
sim_check_turn(int64_t timeout_ns);

/* Nobody is connected. */
void
sim_check_empty(void);

/* The broker closed. */
void
sim_check_closed(const char *when);

#endif
