/*
 *      waiting thread                                  user's threads
 *  H1  arm all lanes, full fence                   K1  take, next
 *  H2  something there? else sleep, again from H1  K2  lock; up and nothing there? lower, down, wake the thread
 *  H3  lock; still something there? raise, up
 *  H4  sleep until it is down
 *
 *  H3, K2  under one lock, each with a look of its own: the handle is up exactly while there is something, whichever
 *          came first. What arrives behind K2's look is found by H2.
 */
#include "clients/c/wakeup.h"

#include "bus/pair.h"

#include "clients/c/bus.h"
#include "clients/c/error.h"
#include "clients/c/wait.h"
#include "named-objects/flag.h"

void
wr_wakeup_init(struct wr_wakeup *wakeup)
{
        wr_mutex_init(&wakeup->lock);
        wakeup->flag = WR_NO_OBJECT;
}

/* H1, H2: returns when there was something, or the bus closes. */
static void
wakeup_wait_something(struct weir *bus)
{
        struct wr_wait wait;
        bool found = false;
        uint32_t tries = 0;

        while (!found) {
                wr_wait_begin(&wait, bus);
                wr_wait_add_bus(&wait, bus);
                wr_wait_settle(bus->stands_in[0] || wait.peers_fence);
                found = wr_wait_has_something(bus);
                if (!found)
                        wr_wait_sleep(&wait, WEIR_FOREVER, tries++);
                wr_wait_end(&wait);
        }
}

static void *
wakeup_main(void *argument)
{
        struct weir *bus = argument;
        struct wr_wakeup *wakeup = &bus->wakeup;

        while (!wr_load32_acquire(&wakeup->ending)) {
                struct wr_signal_wait down;
                bool up;

                wakeup_wait_something(bus);
                wr_mutex_lock(&wakeup->lock);
                if (!wakeup->up && wr_wait_has_something(bus)) { /* H3 */
                        wakeup->up = true;
                        wr_flag_raise(wakeup->flag);
                }
                down = (struct wr_signal_wait){ &wakeup->turn, wr_load32(&wakeup->turn), true };
                up = wakeup->up; /* who lowers it changes `turn` as well */
                wr_mutex_unlock(&wakeup->lock);
                while (up && wr_load32_acquire(&wakeup->turn) == down.value && !wr_load32_acquire(&wakeup->ending))
                        wr_signal_wait(&down, 1, WEIR_FOREVER); /* H4 */
        }
        return NULL;
}

void
wr_wakeup_settle(struct weir *bus)
{
        if (wr_load32(&bus->wakeup.used) != 0 && !bus->wakeup.by_hand)
                wr_wakeup_lower(bus);
}

void
wr_wakeup_lower(struct weir *bus)
{
        struct wr_wakeup *wakeup = &bus->wakeup;

        wr_mutex_lock(&wakeup->lock);
        if (wakeup->up && !wr_wait_has_something(bus)) { /* K2 */
                wr_flag_lower(wakeup->flag);
                wakeup->up = false;
                wr_add32(&wakeup->turn, 1);
                wr_signal_raise_private(&wakeup->turn);
        }
        wr_mutex_unlock(&wakeup->lock);
}

/* wakeup->lock is held. */
static enum weir_result
wakeup_start(struct weir *bus)
{
        struct wr_wakeup *wakeup = &bus->wakeup;
        enum weir_result result = wr_flag_create(&wakeup->flag);

        if (result < 0)
                return wr_error_cannot(result, "make the native handle of", "a bus");
        if (wr_thread_start(&wakeup->thread, wakeup_main, bus, 0)) {
                wr_store32_release(&wakeup->used, 1);
                return WEIR_OK;
        }
        wr_object_close(wakeup->flag);
        wakeup->flag = WR_NO_OBJECT;
        return wr_error(WEIR_E_NO_MEMORY, "cannot start the thread behind the native handle of a bus");
}

weir_native WEIR_CALL
weir_wakeup(struct weir *bus)
{
        weir_native flag = WR_NO_OBJECT;

        if (wr_bus_check(bus) < 0)
                return flag;
        wr_mutex_lock(&bus->wakeup.lock);
        if (wr_load32(&bus->wakeup.used) || wakeup_start(bus) == WEIR_OK)
                flag = bus->wakeup.flag;
        wr_mutex_unlock(&bus->wakeup.lock);
        return flag;
}

void
wr_wakeup_close(struct weir *bus)
{
        struct wr_wakeup *wakeup = &bus->wakeup;

        if (wr_load32(&wakeup->used) == 0)
                return;
        wr_store32_release(&wakeup->ending, 1);
        wr_add32(&wakeup->turn, 1);
        wr_signal_raise_private(&wakeup->turn);
        wr_bus_poke(bus); /* the bus is closed: that is something, too */
        wr_thread_join(wakeup->thread);
        wr_object_close(wakeup->flag);
        wakeup->flag = WR_NO_OBJECT;
        wr_store32(&wakeup->used, 0);
}
