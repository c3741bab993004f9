/*
 * The server ties the rooms together: loop, listeners, sessions, registry, policy, accounts, log. One thread, one
 * clock reading per turn, no blocking call but the loop's wait.
 */
#ifndef WR_SERVER_H
#define WR_SERVER_H

#include "broker/activation.h"
#include "broker/claim.h"
#include "broker/log.h"
#include "broker/loop.h"
#include "broker/policy.h"
#include "broker/refusal.h"
#include "broker/registry.h"
#include "broker/relaying.h"
#include "broker/session.h"
#include "broker/tcp.h"
#include "broker/tickets.h"

enum {
        WR_SERVER_DESCRIPTORS_MIN = 64, /* below this limit of open descriptors a broker is of no use */
        WR_SERVER_SPARE_DESCRIPTORS = 16,
        WR_PACKAGE_SOCKETS_MAX = 64,
};

#define WR_SERVER_TICK_NS INT64_C(1000000000)
#define WR_SERVER_AWAY_NS INT64_C(1000000000) /* how long lanes wait for a client that hung up and lives */

struct wr_listener {
        struct wr_link link;
        struct wr_server *server;
        struct wr_hook hook;
        struct wr_claim claim; /* of a package socket; the ordinary one's is the server's */
        char *package;         /* NULL: the ordinary socket */
        bool is_of_policy;     /* the policy file asked for it, and may take it back */
        bool is_passed;        /* a service manager's: its path is not ours to remove or to lose */
        char path[256];
};

enum wr_server_news { WR_SERVER_TICK, WR_SERVER_RELOADING, WR_SERVER_RELOADED };

/* Whoever wants to know how the server is: the daemon, for its service manager. In the server's thread. */
struct wr_overseer {
        void (*tell)(struct wr_overseer *overseer, const struct wr_server *server, enum wr_server_news news);
};

struct wr_server {
        struct wr_loop *loop;
        struct wr_overseer *overseer; /* or NULL */
        struct wr_log log;
        struct wr_policy *policy;
        struct wr_accounts accounts;
        struct wr_registry registry;
        struct wr_tickets tickets;
        struct wr_relay_starter *starter; /* NULL: this program has no agents, and nobody is relayed */
        struct wr_link relays;
        uint32_t relay_count, relays_awaited; /* awaited: their agents have yet to come */
        struct wr_tcp *tcp;                   /* or NULL */
        uint16_t tcp_port;                    /* of 127.0.0.1, where holders of tickets connect; 0: none */
        struct wr_link listeners;
        struct wr_link sessions, greeting, paused, doomed, away; /* greeting, away: by deadline */
        int64_t resume_ns;       /* when those in `paused` are read again; 0: nobody was in it */
        struct wr_link opening;  /* publications, by deadline */
        struct wr_link watching; /* sessions */
        uint32_t session_count, listener_count;
        uint32_t names_taken; /* wr_region_names_taken() when the log was told last */
        uint64_t refusals, sessions_made;
        struct wr_refusals refused; /* the last of them */
        int64_t now_ns;             /* of this turn */
        int64_t started_ns, tick_ns, tick_every_ns, greet_ns, revoke_ns;
        int64_t idle_exit_ns, busy_ns; /* how long without a client before it ends, or 0; when there was one last */
        uint64_t busy_sessions;        /* sessions_made at that time */
        wr_object spares[WR_SERVER_SPARE_DESCRIPTORS];
        struct wr_claim claim; /* of the address; none where sockets were passed */
        uint32_t scope;
        bool is_open, is_stopping;
        char address[256];
        char config[256]; /* the policy file, or the place where it would be */
};

/* What weir_broker_options come to; strings are the caller's until the server is open. */
struct wr_server_options {
        const char *address;
        const char *const *package_sockets; /* "ID=PATH", ended by NULL; or NULL */
        uint64_t reserve_max;
        int64_t greet_ns;                 /* how long a client may take for its HELLO; 0: 2 s */
        int64_t revoke_ns;                /* how long a subscriber may hold on to what it lost the right to; 0: 5 s */
        int64_t tick_ns;                  /* PING, and what an overseer is told; 0: WR_SERVER_TICK_NS */
        int64_t idle_exit_ns;             /* end after so long without a client; 0: never */
        struct wr_activation *activation; /* its sockets, if any, are listened at and nobody contends; taken over */
        struct wr_overseer *overseer;
        struct wr_relay_starter *starter; /* or NULL; the caller's, and there until the server was closed */
        uint32_t tcp_port;                /* listen at this port of 127.0.0.1, too; 0: do not; WR_TCP_ANY_PORT: any */
        bool catches_signals;
};

/*
 * Lock, listen, be ready. policy and log become the server's, also on failure. Must run in the thread that will serve.
 *
 * WEIR_FULL: another process is the broker at this address. Else failures with a sentence.
 */
enum weir_result
wr_server_open(struct wr_server *server, const struct wr_server_options *options, struct wr_policy *policy,
               const struct wr_log *log, char *sentence, size_t room);

/* Serves until STOP or a signal, until the socket is no longer ours, or idle_exit_ns without a client. */
enum weir_result
wr_server_run(struct wr_server *server);

/* wr_reload_run, with word of it to the overseer. */
enum weir_result
wr_server_reload(struct wr_server *server, const char *who, char *sentence, size_t room);

void
wr_server_close(struct wr_server *server);

/* ---- listener.c */

/*
 * package: NULL for the ordinary socket. The directory is made if absent. One that is open at this path already is
 * opened anew. A package socket is claimed as the address of a broker is, and given back when its listener closes.
 *
 * WEIR_E_DENIED: among others, another broker serves it.
 */
enum weir_result
wr_listener_open(struct wr_server *server, const char *package, const char *path, char *sentence, size_t room);

/* The same for a package socket of the policy file. */
enum weir_result
wr_listener_open_listed(struct wr_server *server, const char *package, const char *path, char *sentence, size_t room);

/* One that the policy in force asks for, or tells the log why not. Whoever has its place, a package perhaps, is not to
 * say whether others are served; the next reload tries again. */
void
wr_listener_try_listed(struct wr_server *server, const char *package, const char *path);

/* One that was passed to this process. Takes the object over, also on a failure. */
enum weir_result
wr_listener_adopt(struct wr_server *server, struct wr_activation_socket *passed, char *sentence, size_t room);

void
wr_listener_close(struct wr_listener *listener);

/* Whom the policy could grant anything to may reach all the listeners, and nobody else from now on. */
enum weir_result
wr_listener_admit(struct wr_server *server, const struct wr_policy *policy, char *sentence, size_t room);

/* Take the descriptors that are kept in reserve, or give them up. False: not all could be taken. */
bool
wr_listener_spares(struct wr_server *server, bool take);

/* ---- reload.c */

/*
 * Read the policy file again, and ask anew for every live grant. who: for the log.
 *
 * WEIR_E_USAGE, ...: the old policy stays, all of it; the sentence says what is wrong, and in which line.
 */
enum weir_result
wr_reload_run(struct wr_server *server, const char *who, char *sentence, size_t room);

/* Every live grant is asked for again: what a rule or a ticket gave may be gone. */
void
wr_reload_recheck(struct wr_server *server);

/* Ask anew for one grant. May free it. */
void
wr_reload_subscription(struct wr_subscription *subscription);

/* Every tick: subscribers that lost their right and still hold on to what they had. */
void
wr_reload_tick(struct wr_server *server);

#endif
