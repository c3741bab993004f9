/*
 * The two events of a pair, made by the broker. They reset themselves when somebody has waited for them, since who
 * waits may only wait: nobody could reset them else. Each end is handed what it needs of each; so a subscriber cannot
 * wake itself for ever, nor use up what wakes another, and a publisher as little.
 */
#include "named-objects/signal.h"

#include "bus/os/error.h"
#include "named-objects/grant_win32.h"

static enum weir_result
event_create(wr_object *event)
{
        _Alignas(8) BYTE list[WR_GRANT_LIST_BYTES];
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, list, FALSE };
        wchar_t unguessed[WR_GRANT_NAME_MAX];
        int tries = 0;

        if (wr_grant_closed_list(list, sizeof list) == 0)
                return WEIR_E_SYSTEM;
        do {
                wr_grant_name_make(unguessed);
                SetLastError(ERROR_SUCCESS);
                *event = CreateEventW(&attributes, FALSE, FALSE, unguessed);
        } while (wr_grant_collided(event) && ++tries < WR_GRANT_TRIES_MAX);
        return *event != WR_NO_OBJECT ? WEIR_OK : wr_os_error((int)GetLastError());
}

enum weir_result
wr_signal_create(struct wr_signal_pair *pair)
{
        enum weir_result result;

        *pair = WR_SIGNAL_NONE;
        result = event_create(&pair->wake);
        if (result == WEIR_OK)
                result = event_create(&pair->space);
        if (result < 0)
                wr_signal_close(pair);
        return result;
}

void
wr_signal_close(struct wr_signal_pair *pair)
{
        wr_object_close(pair->wake);
        wr_object_close(pair->space);
        *pair = WR_SIGNAL_NONE;
}

enum weir_result
wr_signal_grant(const struct wr_signal_pair *pair, enum wr_signal_end end, wr_object *objects)
{
        bool publishes = end == WR_SIGNAL_PUBLISHER;
        uint32_t wake = WR_GRANT_KEPT_TO_LABEL | (publishes ? EVENT_MODIFY_STATE : SYNCHRONIZE);
        uint32_t space = WR_GRANT_KEPT_TO_LABEL | (publishes ? SYNCHRONIZE : EVENT_MODIFY_STATE);
        enum weir_result result = wr_grant_narrow(pair->wake, wake, &objects[0]);

        objects[1] = WR_NO_OBJECT;
        if (result == WEIR_OK)
                result = wr_grant_narrow(pair->space, space, &objects[1]);
        if (result < 0)
                wr_signal_grant_close(objects);
        return result;
}

void
wr_signal_grant_close(wr_object *objects)
{
        for (int i = 0; i < WR_SIGNAL_OBJECTS; i++) {
                wr_object_close(objects[i]);
                objects[i] = WR_NO_OBJECT;
        }
}
