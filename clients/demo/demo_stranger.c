/* org.weir.Stranger: has a socket to the broker and no grant. Reports what it is told. */
#include "clients/demo/demo_role.h"

enum weir_result
demo_stranger(const struct demo_options *options, json_t *report)
{
        struct weir_subscriber *subscriber;
        struct weir *bus;
        enum weir_result result;

        (void)options;
        result = demo_role_result(report, weir_open(&bus, WEIR_OPTIONS(.name = "stranger")));
        json_object_set_new(report, "connected", json_boolean(result == WEIR_OK));
        if (result != WEIR_OK)
                return result;
        result = demo_role_result(report, weir_subscriber_open(&subscriber, bus, DEMO_TOPIC, NULL));
        if (result == WEIR_OK)
                weir_subscriber_close(subscriber);
        weir_close(bus);
        return result;
}
