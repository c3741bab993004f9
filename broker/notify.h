/*
 * What the broker tells the service manager that started it: the protocol of sd_notify(3), one datagram of lines
 * "KEY=value" to the socket that NOTIFY_SOCKET names.
 *
 *      READY=1        it listens; also after a reload, good or bad
 *      RELOADING=1    it reads its policy, since MONOTONIC_USEC
 *      STOPPING=1     it says goodbye
 *      STATUS=...     what `systemctl status` shows: how many clients and topics, or why it could not start
 *      WATCHDOG=1     a turn of the loop came round; half as often as the manager asks for with WATCHDOG_USEC
 *
 * It never waits for the manager. READY that did not get through is said again at the next turn; the others are not.
 */
#ifndef WR_NOTIFY_H
#define WR_NOTIFY_H

#include "named-objects/region.h"

#include <stdint.h>

enum { WR_NOTIFY_ADDRESS_BYTES = 128, WR_NOTIFY_STATUS_BYTES = 160 };

struct wr_notify {
        wr_object socket;    /* WR_NO_OBJECT: there is nobody to tell */
        int64_t watchdog_ns; /* between two WATCHDOG=1; 0: nobody asked */
        int64_t watchdog_due_ns;
        bool owes_ready;
        char status[WR_NOTIFY_STATUS_BYTES]; /* the last that was said */
};

/*
 * Runs `run` in a process that a service manager started. Linux: calls it, since systemd asks nothing of a service.
 * Windows: joins the service control manager, which calls it, and returns with what it returned. WEIR_E_USAGE: nobody
 * started this process as a service.
 */
enum weir_result
wr_notify_serve(enum weir_result (*run)(void *argument), void *argument);

/* Once, before other threads begin. The variables are taken out of the environment: they are for this process alone. */
void
wr_notify_open(struct wr_notify *notify);

void
wr_notify_close(struct wr_notify *notify);

void
wr_notify_ready(struct wr_notify *notify);

void
wr_notify_reloading(struct wr_notify *notify, int64_t now_ns);

/* reason: for STATUS. */
void
wr_notify_stopping(struct wr_notify *notify, const char *reason);

/* It could not start; the sentence says why. */
void
wr_notify_failed(struct wr_notify *notify, const char *sentence);

/* Of every turn that is due: what is owed, the watchdog, and a STATUS that is not the last one. */
void
wr_notify_turn(struct wr_notify *notify, int64_t now_ns, const char *status);

#endif
