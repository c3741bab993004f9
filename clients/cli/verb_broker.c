/*
 * weir broker run | status | reload | stop: the daemon, a look at it, its policy anew, its end.
 */
#include "clients/cli/cli.h"
#include "clients/cli/document.h"
#include "clients/cli/install.h"
#include "clients/cli/system.h"
#include "clients/cli/verbs.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <weir/broker.h>

const char verb_broker_help[] =
        "usage: weir broker run [--config FILE] [--address PATH] [--package-socket ID=PATH]...\n"
        "                       [--idle-exit SECONDS] [--allow-tcp PORT]\n"
        "       weir broker status [--json]\n"
        "       weir broker reload [--json]\n"
        "       weir broker stop\n"
        "       weir broker install [--user]\n"
        "       weir broker uninstall [--user]\n"
        "\n"
        "run: names topics, checks who may do what, hands out shared memory, notices deaths; until SIGTERM, Ctrl-C or\n"
        "`weir broker stop`. It is never on the way of a frame. As a service of systemd (weir.socket, weir.service)\n"
        "it listens at the sockets that are passed to it, and --address has no place; see docs/service.md.\n"
        "status: its address, its TCP port, how many sockets of packages it has, its policy, and what it holds.\n"
        "reload: it reads its policy again, as on SIGHUP. Who loses a right by it is told at once; a file with an\n"
        "error changes nothing (exit 2).\n"
        "install: a broker that is there without being typed, from now on: for the machine, or with --user for you\n"
        "from logon on. Linux: systemd's socket; Windows: a service, or an entry of the logon. uninstall: no more.\n"
        "\n"
        "  --config FILE             the policy; default: $WEIR_CONFIG, else ~/.config/weir/broker.conf, for root\n"
        "                            /etc/weir/broker.conf; without one, full trust of this user may do all\n"
        "  -a, --address PATH        where to listen (also -b); default: $WEIR_BROKER, else\n"
        "                            $XDG_RUNTIME_DIR/weir/bus, for root /run/weir/bus, without that variable\n"
        "                            /tmp/weir-UID/bus\n"
        "  --package-socket ID=PATH  listen at PATH for the package ID: put only this socket into its sandbox, and\n"
        "                            every connection through it is that package. May be given many times\n"
        "  --allow-tcp PORT          holders of tickets may connect to 127.0.0.1:PORT, too (weir ticket new): for who\n"
        "                            can use nothing better, such as programs under Wine\n"
        "  --idle-exit SECONDS       end after so long without a client: for a broker that its socket starts again\n"
        "  --user                    install, uninstall: for you, not for the machine\n"
        "  --service, --no-window    how Windows starts what was installed\n"
        "  --json                    status, reload: one object\n"
        "\n"
        "Example:\n"
        "  weir broker run --config policy.conf --package-socket org.example.Camera=/run/camera/bus\n";

enum { PACKAGE_SOCKETS_MAX = 256 };
enum {
        OPTION_CONFIG = CLI_VERB_OPTION,
        OPTION_PACKAGE_SOCKET,
        OPTION_IDLE_EXIT,
        OPTION_ALLOW_TCP,
        OPTION_USER,
        OPTION_SERVICE,
        OPTION_NO_WINDOW,
};

struct arguments {
        struct cli_common common;
        const char *config;
        const char *package_sockets[PACKAGE_SOCKETS_MAX + 1];
        unsigned package_socket_count;
        int64_t idle_exit_ns;
        uint32_t tcp_port;
        bool is_users, is_service;
};

static int
run(const struct arguments *arguments)
{
        struct weir_broker_options options = {
                .size = sizeof options,
                .address = arguments->common.address,
                .config = arguments->config,
                .package_sockets = arguments->package_sockets,
                .idle_exit_ns = arguments->idle_exit_ns,
                .tcp_port = arguments->tcp_port,
                .flags = arguments->is_service ? WEIR_BROKER_SERVICE : 0,
        };
        enum weir_result result = weir_broker_run(&options);

        if (result == WEIR_OK)
                return CLI_OK;
        fprintf(stderr, "weir broker: %s\n", weir_broker_error());
        return result == WEIR_FULL ? CLI_FAILED : cli_exit_code(result);
}

static const char *
scope_name(uint32_t scope)
{
        static const char *const names[] = { "?", "user", "system", "companion" };

        return scope < sizeof names / sizeof names[0] ? names[scope] : "?";
}

static bool
print_state_json(const struct weir_broker_state *state)
{
        json_t *object =
                json_pack("{s:s, s:s, s:s, s:i, s:s, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:I}", "version",
                          state->version, "address", state->address, "policy", state->policy, "pid", (int)state->pid,
                          "scope", scope_name(state->scope), "uptime_ns", (json_int_t)state->uptime_ns, "sessions",
                          (int)state->sessions, "topics", (int)state->topics, "lanes", (int)state->lanes, "pairs",
                          (int)state->pairs, "subscriptions", (int)state->subscriptions, "refusals",
                          (int)state->refusals, "tcp_port", (int)state->tcp_port, "package_sockets",
                          (int)state->package_sockets, "reserve_bytes", (json_int_t)state->reserve_bytes);

        return cli_print_json(object, JSON_INDENT(2));
}

static const char *
policy_text(const char *policy)
{
        if (policy[0] == '\0')
                return "none: full trust of the broker's user may do all";
        return strcmp(policy, "?") == 0 ? "not told: only root and full trust of the broker's user may know it"
                                        : policy;
}

static void
print_state(const struct weir_broker_state *state)
{
        printf("broker         weir %s, pid %u, %s\n", state->version, state->pid, scope_name(state->scope));
        printf("address        %s\n", state->address);
        if (state->tcp_port != 0)
                printf("tcp            127.0.0.1:%u, for holders of tickets\n", state->tcp_port);
        else
                printf("tcp            none\n");
        printf("packages       %u socket%s\n", (unsigned)state->package_sockets, cli_s(state->package_sockets));
        printf("policy         %s\n", policy_text(state->policy));
        printf("up             %.1f s\n", (double)state->uptime_ns / 1e9);
        printf("sessions       %u\n", state->sessions);
        printf("topics         %u\n", state->topics);
        printf("lanes          %u, %.1f MB reserved\n", state->lanes, (double)state->reserve_bytes / 1e6);
        printf("subscriptions  %u, %u pair%s\n", state->subscriptions, state->pairs, cli_s(state->pairs));
        printf("refusals       %u\n", state->refusals);
}

static int
status(const struct cli_common *common)
{
        struct weir_broker_state state = { .size = sizeof state };
        struct weir *bus;
        enum weir_result result;
        int code = cli_open(&bus, "broker", common);

        if (code != CLI_OK)
                return code;
        result = weir_broker_status(bus, &state);
        cli_close(bus);
        if (result != WEIR_OK)
                return cli_failed("broker", result);
        if (!common->json)
                print_state(&state);
        else if (!print_state_json(&state))
                return CLI_FAILED;
        return cli_finish("broker");
}

static int
stop(const struct cli_common *common)
{
        struct weir *bus;
        enum weir_result result;
        int code = cli_open(&bus, "broker", common);

        if (code != CLI_OK)
                return code;
        result = weir_broker_stop(bus);
        code = result == WEIR_OK ? CLI_OK : cli_failed("broker", result);
        cli_close(bus);
        return code;
}

static int
reload(const struct cli_common *common)
{
        struct weir *bus;
        enum weir_result result;
        int code = cli_open(&bus, "broker", common);

        if (code != CLI_OK)
                return code;
        result = weir_broker_reload(bus);
        if (result != WEIR_OK && !common->json)
                code = cli_failed("broker", result);
        else if (common->json)
                cli_print_json(json_pack("{s:b, s:s}", "reloaded", result == WEIR_OK, "error",
                                         result == WEIR_OK ? "" : weir_error()),
                               JSON_INDENT(2));
        cli_close(bus);
        if (code != CLI_OK || result != WEIR_OK)
                return cli_exit_code(result);
        return cli_finish("broker");
}

static int
install(const struct arguments *arguments, bool is_install)
{
        char sentence[512];

        if (is_install ? cli_install(arguments->is_users, sentence, sizeof sentence)
                       : cli_uninstall(arguments->is_users, sentence, sizeof sentence))
                return CLI_OK;
        fprintf(stderr, "weir broker: %s\n", sentence);
        return CLI_FAILED;
}

static int
add_package_socket(struct arguments *arguments, const char *value)
{
        const char *equals = strchr(value, '=');

        if (equals == NULL || equals == value || equals[1] == '\0')
                return cli_usage("broker", "'%s' is not ID=PATH", value);
        if (arguments->package_socket_count == PACKAGE_SOCKETS_MAX)
                return cli_usage("broker", "more than %d package sockets", PACKAGE_SOCKETS_MAX);
        arguments->package_sockets[arguments->package_socket_count++] = value;
        return CLI_GO_ON;
}

static int
set_idle_exit(struct arguments *arguments, const char *value)
{
        if (!cli_seconds(value, &arguments->idle_exit_ns) || arguments->idle_exit_ns == 0)
                return cli_usage("broker", "'%s' is no time above 0, such as 60 or 250ms", value);
        return CLI_GO_ON;
}

static int
set_tcp(struct arguments *arguments, const char *value)
{
        uint64_t port;

        if (!cli_count(value, &port) || port == 0 || port > UINT16_MAX)
                return cli_usage("broker", "'%s' is no port: 1 to 65535", value);
        arguments->tcp_port = (uint32_t)port;
        return CLI_GO_ON;
}

static int
parse(int argc, char **argv, struct arguments *arguments)
{
        static const struct option options[] = {
                { "config", required_argument, NULL, OPTION_CONFIG },
                { "address", required_argument, NULL, 'a' },
                { "package-socket", required_argument, NULL, OPTION_PACKAGE_SOCKET },
                { "idle-exit", required_argument, NULL, OPTION_IDLE_EXIT },
                { "allow-tcp", required_argument, NULL, OPTION_ALLOW_TCP },
                { "user", no_argument, NULL, OPTION_USER },
                { "service", no_argument, NULL, OPTION_SERVICE },
                { "no-window", no_argument, NULL, OPTION_NO_WINDOW },
                CLI_LONG,
        };
        int option, code = CLI_GO_ON;

        while (code == CLI_GO_ON && (option = getopt_long(argc, argv, CLI_SHORT "a:", options, NULL)) != -1) {
                if (option == OPTION_CONFIG)
                        arguments->config = cli_absolute(optarg);
                else if (option == 'a')
                        arguments->common.address = cli_address(optarg);
                else if (option == OPTION_PACKAGE_SOCKET)
                        code = add_package_socket(arguments, optarg);
                else if (option == OPTION_IDLE_EXIT)
                        code = set_idle_exit(arguments, optarg);
                else if (option == OPTION_ALLOW_TCP)
                        code = set_tcp(arguments, optarg);
                else if (option == OPTION_USER)
                        arguments->is_users = true;
                else if (option == OPTION_SERVICE)
                        arguments->is_service = true;
                else if (option == OPTION_NO_WINDOW)
                        cli_system_hide();
                else
                        code = cli_common_option("broker", option, argv, &arguments->common);
        }
        return code;
}

int
verb_broker(int argc, char **argv)
{
        struct arguments arguments = { .common = CLI_COMMON };
        const char *what;
        int code = parse(argc, argv, &arguments);

        if (code != CLI_GO_ON)
                return code;
        if (optind == argc)
                return cli_usage("broker", "run, status, reload, stop, install or uninstall is missing");
        if (argc - optind > 1)
                return cli_usage("broker", "'%s' is too much", argv[optind + 1]);
        what = argv[optind];
        if (arguments.is_users && strstr(what, "install") == NULL)
                return cli_usage("broker", "--user belongs to install and uninstall");
        if (strcmp(what, "run") == 0)
                return run(&arguments);
        if (arguments.config != NULL || arguments.package_socket_count > 0 || arguments.idle_exit_ns != 0 ||
            arguments.tcp_port != 0)
                return cli_usage("broker", "--config, --package-socket, --idle-exit and --allow-tcp belong to run");
        if (strcmp(what, "install") == 0 || strcmp(what, "uninstall") == 0)
                return install(&arguments, strcmp(what, "install") == 0);
        if (strcmp(what, "status") == 0)
                return status(&arguments.common);
        if (strcmp(what, "reload") == 0)
                return reload(&arguments.common);
        if (strcmp(what, "stop") == 0)
                return stop(&arguments.common);
        return cli_usage("broker", "'%s' is neither run, status, reload, stop, install nor uninstall", what);
}
