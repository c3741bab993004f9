/* The broker as a process of its own: this thread serves, stderr is the log, SIGTERM and SIGINT end it. */
#include "broker/broker.h"
#include "broker/settings.h"

#include "named-objects/watch.h"

enum weir_result WEIR_CALL
weir_broker_run(const struct weir_broker_options *options)
{
        struct wr_settings settings;
        struct wr_server server;
        struct wr_log log;
        enum weir_result result = wr_settings_make(&settings, options, wr_broker_error, sizeof(wr_broker_error));

        if (result < 0)
                return result;
        wr_watch_objects_raise();
        wr_log_open_stderr(&log);
        settings.server.catches_signals = true;
        result = wr_server_open(&server, &settings.server, settings.policy, &log, wr_broker_error,
                                sizeof(wr_broker_error));
        if (result == WEIR_OK) {
                wr_broker_error[0] = '\0';
                result = wr_server_run(&server);
                wr_server_close(&server);
        }
        wr_settings_drop(&settings);
        return result;
}
