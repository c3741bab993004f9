/* weir/broker.h: run a broker inside this process. Links the broker; libweir alone does not. */
#ifndef WEIR_BROKER_H
#define WEIR_BROKER_H

#include <stdint.h>
#include <weir/result.h>
#include <weir/weir.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Become the broker at `address` (NULL: the default address), in a thread of this process: for weir_options.embed.
 *
 * The thread begins with a descriptor table of its own (unshare(CLONE_FILES)) and closes in it all that is not its own,
 * so that neither it nor a child of this process keeps anything of the other's open. It ends with the process.
 * The policy is that of WEIR_CONFIG, else of $XDG_CONFIG_HOME/weir/broker.conf, else none (full trust of this user may
 * do all, packages nothing). Blocks until the broker listens. Any thread.
 *
 * WEIR_OK            this process is the broker now
 * WEIR_FULL          another process is: connect to it
 * WEIR_E_DENIED      the directory is not ours, or not ours alone
 * WEIR_E_USAGE       the policy file has an error (weir_broker_error() has line and column)
 * WEIR_E_SYSTEM, WEIR_E_NO_MEMORY
 */
int WEIR_CALL
weir_broker_embed(const char *address);

/* weir_broker_options.flags. SERVICE: this is the machine's broker, whose address and policy are by default the
 * system's; on Windows the service control manager started it, is told how it is, and tells it to stop. */
enum { WEIR_BROKER_SERVICE = 1 };

/* How a broker is run; 0 is the default of every field. Strings are copied. */
struct weir_broker_options {
        uint32_t size, flags;
        const char *address;                /* where to listen; default: as weir_open looks, the user's or root's */
        const char *config;                 /* policy file; default: as weir_broker_embed */
        const char *const *package_sockets; /* "ID=PATH", ended by NULL: a listener of its own for each package */
        uint64_t reserve_max;               /* bytes of shared memory in all; default 16 GiB per identity */
        int64_t idle_exit_ns;               /* weir_broker_run: end after so long without a client; default: never */
        uint32_t
                tcp_port; /* of 127.0.0.1, where holders of tickets may connect, too (<weir/ticket.h>); default: none */
        uint32_t reserved;
};

/* The same with options. */
enum weir_result WEIR_CALL
weir_broker_embed_with(const struct weir_broker_options *options);

/**
 * Run the broker in this thread until SIGTERM, SIGINT or `weir broker stop`; logs to stderr. For the daemon.
 *
 * Sockets that a service manager passed down (sd_listen_fds(3)) are listened at instead of the address, and a manager
 * that wants to know is told how the broker is (sd_notify(3)). A second signal ends the process at once.
 *
 * WEIR_OK            it ran, and was asked to stop
 * WEIR_FULL          another process is the broker there
 * WEIR_E_USAGE       an option, the policy file or a passed socket is wrong, or with WEIR_BROKER_SERVICE nobody started
 *                    this process as a service; weir_broker_error() says what
 * WEIR_E_DENIED      the directory is not ours, or not ours alone
 * WEIR_E_QUOTA, WEIR_E_SYSTEM, WEIR_E_NO_MEMORY
 */
enum weir_result WEIR_CALL
weir_broker_run(const struct weir_broker_options *options);

/* This thread's last failure of a function above, with the remedy. */
const char *WEIR_CALL
weir_broker_error(void);

#ifdef __cplusplus
}
#endif
#endif
