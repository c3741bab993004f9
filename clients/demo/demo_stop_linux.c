/* Ctrl-C: every wait of the demo comes to its end, children and the private directory are cleared away, exit 130. */
#include "clients/demo/demo_stop.h"

#include <signal.h>
#include <weir/weir.h>

static struct weir *volatile interrupted_bus;
static volatile sig_atomic_t caught;

static void
on_signal(int number)
{
        caught = number;
        if (interrupted_bus != NULL)
                weir_interrupt(interrupted_bus, 1);
}

void
demo_stop_open(void)
{
        struct sigaction action = { .sa_handler = on_signal };

        sigemptyset(&action.sa_mask);
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGHUP, &action, NULL);
}

void
demo_stop_interrupts(struct weir *bus)
{
        interrupted_bus = bus;
}

int
demo_stopped(void)
{
        return caught;
}
