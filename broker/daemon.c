/*
 * The broker as a process of its own: this thread serves, stderr is the log, SIGTERM and SIGINT end it. What a service
 * manager passed down (sockets) is taken up, and the manager is told how things are.
 */
#include "broker/broker.h"
#include "broker/notify.h"
#include "broker/relay/relay.h"
#include "broker/settings.h"

#include "named-objects/sentence.h"
#include "named-objects/watch.h"

#include <inttypes.h>
#include <string.h>

struct daemon {
        struct wr_overseer overseer; /* first: the server knows the daemon by it */
        struct wr_notify notify;
        struct wr_activation activation;
        struct wr_settings settings;
        struct wr_relay_starter *starter;
};

static void
tell(struct wr_overseer *overseer, const struct wr_server *server, enum wr_server_news news)
{
        struct daemon *daemon = (struct daemon *)(void *)overseer;
        char status[WR_NOTIFY_STATUS_BYTES];

        wr_sentence(status, sizeof(status), "%" PRIu32 " client%s, %zu topic%s, %" PRIu64 " refusal%s",
                    server->session_count, wr_s(server->session_count), server->registry.topics_by_name.count,
                    wr_s(server->registry.topics_by_name.count), server->refusals, wr_s(server->refusals));
        switch (news) {
        case WR_SERVER_TICK: wr_notify_turn(&daemon->notify, server->now_ns, status); break;
        case WR_SERVER_RELOADING: wr_notify_reloading(&daemon->notify, server->now_ns); break;
        case WR_SERVER_RELOADED: wr_notify_ready(&daemon->notify); break;
        }
}

/* Where sockets were passed, they say where the broker listens, and nothing else may. */
static enum weir_result
address_settle(struct daemon *daemon, const char *wanted, char *sentence, size_t room)
{
        const char *passed = wr_activation_address(&daemon->activation);
        struct wr_settings *settings = &daemon->settings;

        if (!passed)
                return WEIR_OK;
        if (wanted && strcmp(wanted, passed) != 0) {
                wr_sentence(sentence, room,
                            "the socket that was passed is at '%s', and --address says '%s': leave --address out, and"
                            " name the path in the .socket file",
                            passed, wanted);
                return WEIR_E_USAGE;
        }
        wr_sentence(settings->address, sizeof(settings->address), "%s", passed);
        settings->server.activation = &daemon->activation;
        return WEIR_OK;
}

static enum weir_result
serve(struct daemon *daemon, const struct wr_log *log)
{
        struct wr_settings *settings = &daemon->settings;
        struct wr_server server;
        enum weir_result result;
        const char *signal;

        result = wr_server_open(&server, &settings->server, settings->policy, log, wr_broker_error,
                                sizeof(wr_broker_error));
        if (result != WEIR_OK)
                return result;
        wr_broker_error[0] = '\0';
        wr_notify_ready(&daemon->notify);
        result = wr_server_run(&server);
        signal = wr_loop_signal(server.loop);
        wr_notify_stopping(&daemon->notify, "says goodbye to its clients");
        wr_log_line(&server.log, NULL, server.now_ns, WR_LOG_NOTICE,
                    "the broker at %s stops%s%s after %.1f s, with %" PRIu32 " client%s", server.address,
                    signal ? " on " : "", signal ? signal : "", (double)(server.now_ns - server.started_ns) / 1e9,
                    server.session_count, wr_s(server.session_count));
        if (result < 0)
                wr_sentence(wr_broker_error, sizeof(wr_broker_error), "the broker's wait failed: it cannot go on");
        wr_server_close(&server);
        return result;
}

static enum weir_result
run(struct daemon *daemon, const struct weir_broker_options *options)
{
        struct wr_settings *settings = &daemon->settings;
        enum weir_result result = wr_activation_open(&daemon->activation, wr_broker_error, sizeof(wr_broker_error));
        struct wr_log log;

        if (result == WEIR_OK)
                result = wr_settings_make(settings, options, wr_broker_error, sizeof(wr_broker_error));
        if (result < 0)
                return result;
        result = address_settle(daemon, options ? options->address : NULL, wr_broker_error, sizeof(wr_broker_error));
        if (result == WEIR_OK) {
                wr_watch_objects_raise();
                wr_log_open_stderr(&log);
                settings->server.catches_signals = true;
                settings->server.idle_exit_ns = options ? options->idle_exit_ns : 0;
                settings->server.overseer = &daemon->overseer;
                settings->server.starter = daemon->starter;
                if (daemon->notify.watchdog_ns > 0 && daemon->notify.watchdog_ns < WR_SERVER_TICK_NS)
                        settings->server.tick_ns = daemon->notify.watchdog_ns;
                result = serve(daemon, &log);
        } else {
                wr_policy_close(settings->policy);
        }
        wr_settings_drop(settings);
        return result;
}

/* What weir_broker_run was asked for, on its way through the service manager. */
struct order {
        const struct weir_broker_options *options;
        char error[WR_BROKER_ERROR_MAX]; /* Windows runs a service in a thread of its own */
};

static enum weir_result
run_order(void *argument)
{
        struct order *order = argument;
        struct daemon daemon = { .overseer = { tell }, .starter = wr_relay_open() }; /* without one nobody is relayed */
        enum weir_result result;

        wr_notify_open(&daemon.notify);
        result = run(&daemon, order->options);
        if (result != WEIR_OK)
                wr_notify_failed(&daemon.notify, wr_broker_error);
        wr_relay_close(daemon.starter);
        wr_activation_close(&daemon.activation);
        wr_notify_close(&daemon.notify);
        memcpy(order->error, wr_broker_error, sizeof(order->error));
        return result;
}

enum weir_result WEIR_CALL
weir_broker_run(const struct weir_broker_options *options)
{
        struct order order = { .options = options };
        enum weir_result result;

        if (!options || !(options->flags & WEIR_BROKER_SERVICE))
                return run_order(&order);
        wr_sentence(order.error, sizeof(order.error),
                    "this process was not started as a service: leave --service out, or weir broker install");
        result = wr_notify_serve(run_order, &order);
        memcpy(wr_broker_error, order.error, sizeof(wr_broker_error));
        return result;
}
