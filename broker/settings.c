#include "broker/settings.h"

#include "broker/broker.h"
#include "named-objects/address.h"
#include "named-objects/config.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Thread_local char wr_broker_error[WR_BROKER_ERROR_MAX];

const char *WEIR_CALL
weir_broker_error(void)
{
        return wr_broker_error;
}

/* Where a broker that nobody told a place listens: the user's is the first, the system's the last of those looked at.
 */
static enum weir_result
address_choose(char *address, size_t bytes, const char *given, bool is_service, char *sentence, size_t room)
{
        char list[WR_ADDRESSES][WR_ADDRESS_MAX];
        size_t count = wr_address_list(list, WR_ADDRESSES), chosen = 0;

        if (given && strlen(given) >= bytes) {
                wr_sentence(sentence, room, "the address is longer than %zu bytes", bytes - 1);
                return WEIR_E_USAGE;
        }
        if (!given && count == 0) {
                wr_sentence(sentence, room, "no address is short enough for a socket: set WEIR_BROKER");
                return WEIR_E_USAGE;
        }
        while (is_service && chosen + 1 < count && !wr_address_is_system(list[chosen]))
                chosen++;
        wr_sentence(address, bytes, "%s", given ? given : list[chosen]);
        return WEIR_OK;
}

bool
wr_settings_config(char *path, size_t bytes, const char *given)
{
        const char *named = given ? given : getenv("WEIR_CONFIG");

        if (named && *named) {
                wr_sentence(path, bytes, "%s", named);
                return true;
        }
        wr_config_path(path, bytes);
        return false;
}

static enum weir_result
package_sockets_copy(struct wr_settings *settings, const char *const *from)
{
        size_t count = 0;

        while (from && from[count])
                count++;
        if (count == 0)
                return WEIR_OK;
        settings->package_sockets = calloc(count + 1, sizeof(char *));
        if (!settings->package_sockets)
                return WEIR_E_NO_MEMORY;
        for (size_t i = 0; i < count; i++) {
                settings->package_sockets[i] = strdup(from[i]);
                if (!settings->package_sockets[i])
                        return WEIR_E_NO_MEMORY;
        }
        return WEIR_OK;
}

enum weir_result
wr_settings_make(struct wr_settings *settings, const struct weir_broker_options *options, char *sentence, size_t room)
{
        static const struct weir_broker_options none = { .size = sizeof(none) };
        char config[512];
        bool is_named, is_service;
        enum weir_result result;

        if (!options)
                options = &none;
        is_service = options->flags & WEIR_BROKER_SERVICE;
        *settings = (struct wr_settings){ 0 };
        if (options->size != sizeof(*options)) {
                wr_sentence(sentence, room, "options->size is not that of this version's struct weir_broker_options");
                return WEIR_E_USAGE;
        }
        if (options->tcp_port > UINT16_MAX) {
                wr_sentence(sentence, room, "%" PRIu32 " is no port of TCP: 1 to 65535", options->tcp_port);
                return WEIR_E_USAGE;
        }
        result = address_choose(settings->address, sizeof(settings->address), options->address, is_service, sentence,
                                room);
        if (result == WEIR_OK)
                result = package_sockets_copy(settings, options->package_sockets);
        if (result == WEIR_OK) {
                is_named = wr_settings_config(config, sizeof(config), options->config);
                if (is_service && !is_named)
                        wr_config_system_path(config, sizeof(config));
                result = wr_policy_load(&settings->policy, is_named ? config : NULL, config, wr_user_self(), sentence,
                                        room);
                if (result == WEIR_OK && !is_named)
                        wr_policy_set_default(settings->policy);
        }
        if (result < 0) {
                wr_settings_drop(settings);
                return result;
        }
        settings->server = (struct wr_server_options){
                .address = settings->address,
                .package_sockets = (const char *const *)settings->package_sockets,
                .reserve_max = options->reserve_max,
                .tcp_port = options->tcp_port,
        };
        return WEIR_OK;
}

void
wr_settings_drop(struct wr_settings *settings)
{
        for (char **socket = settings->package_sockets; socket && *socket; socket++)
                free(*socket);
        free(settings->package_sockets);
        settings->package_sockets = NULL;
}
