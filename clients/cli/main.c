/*
 * weir: the command. A verb is a row of this table and a file verb_NAME.c.
 */
#include "clients/cli/cli.h"
#include "clients/cli/system.h"
#include "clients/cli/verbs.h"

#include <stdio.h>
#include <string.h>

static int
verb_help(int argc, char **argv);

const struct verb verbs[] = {
        { "broker", verb_broker, "run the broker, ask how it is, reload its policy, stop it", verb_broker_help },
        { "pub", verb_pub, "publish a file, a stream or lines", verb_pub_help },
        { "sub", verb_sub, "print what is published", verb_sub_help },
        { "echo", verb_sub, "another name of sub", verb_sub_help },
        { "hz", verb_hz, "measure topics: rate, bytes, jitter, latency, what was lost", verb_hz_help },
        { "bw", verb_hz, "another name of hz", verb_hz_help },
        { "top", verb_top, "what every topic does now: rates, lost, lag, out; a table every two seconds",
          verb_top_help },
        { "ls", verb_ls, "list topics, and with -l their publishers and subscribers", verb_ls_help },
        { "info", verb_info, "all about one topic: who, how much, lost, path, copies", verb_info_help },
        { "who", verb_who, "who is connected, how far behind, what is out, who was refused", verb_who_help },
        { "access", verb_access, "who may do what, which rule says so, and the line that would change it",
          verb_access_help },
        { "ticket", verb_ticket, "a right as a line of text, to be handed to somebody else", verb_ticket_help },
        { "id", verb_id, "who a process or a package is, in the names of policies and paths", verb_id_help },
        { "config", verb_config, "is the policy file right, and what may stand in it", verb_config_help },
        { "bench", verb_bench, "measure weir beside pipe, socket and TCP", verb_bench_help },
        { "demo", verb_demo, "real video from a sandbox, through shared memory, checked", verb_demo_help },
        { "version", verb_version, "the version of the command and of its library", verb_version_help },
        { "help", verb_help, "the list of verbs, or the help of one",
          "usage: weir help [VERB]\n\nExample:\n  weir help pub\n" },
        { NULL, NULL, NULL, NULL },
};

static void
print_verbs(FILE *stream)
{
        fputs("usage: weir VERB [OPTIONS]\n\n", stream);
        for (const struct verb *verb = verbs; verb->name != NULL; verb++)
                fprintf(stream, "  %-8s  %s\n", verb->name, verb->line);
        fputs("\n"
              "Options follow the verb. Common ones: --json, -q, -v, -b ADDRESS, -t SECONDS and -n COUNT (both end a\n"
              "stream successfully), --help.\n"
              "The broker is looked for at -b ADDRESS, else at ",
              stream);
        fputs(cli_system_addresses, stream);
        fputs("Environment: WEIR_BROKER (above); WEIR_CONFIG, the policy file; "
              "WEIR_LOG, the log of an embedded broker;\n"
              "WEIR_PATH=pipe or tcp: map no memory of others, go through the broker's agents; WEIR_TICKET, a ticket\n"
              "or @FILE, as --ticket.\n"
              "In JSON what is counted is a number, times are nanoseconds, and what names something (source, id, tag)\n"
              "is a string of 16 hexadecimal digits: most readers of JSON would round such a number.\n"
              "Exit: 0 done, 1 failed, 2 usage, 3 no broker, 4 no such topic, 5 denied, 6 deadline missed,\n"
              "7 data lost or wrong, 130 Ctrl-C.\n"
              "\n"
              "Example:\n"
              "  weir broker run &\n"
              "  weir sub greeting -n 1 &\n"
              "  echo hello | weir pub greeting --lines --wait-readers 1\n",
              stream);
}

static const struct verb *
find_verb(const char *name)
{
        for (const struct verb *verb = verbs; verb->name != NULL; verb++)
                if (strcmp(verb->name, name) == 0)
                        return verb;
        if (name[0] == '-')
                fprintf(stderr, "weir: options follow the verb: weir VERB %s ... Try: weir help\n", name);
        else
                fprintf(stderr, "weir: no verb '%s'. Try: weir help\n", name);
        return NULL;
}

static int
verb_help(int argc, char **argv)
{
        const struct verb *verb;

        if (argc < 2) {
                print_verbs(stdout);
                return cli_finish("help");
        }
        verb = find_verb(strcmp(argv[1], "--help") == 0 ? "help" : argv[1]);
        if (verb == NULL)
                return CLI_USAGE;
        if (verb->run == verb_bench) /* its options are told by the program that it runs */
                return verb_bench(2, (char *[]){ argv[1], "--help", NULL });
        fputs(verb->help, stdout);
        return cli_finish("help");
}

int
main(int argc, char **argv)
{
        const struct verb *verb;
        const char *name;

        cli_system_begin(&argc, &argv);
        name = argc > 1 ? argv[1] : NULL;
        if (name == NULL) {
                print_verbs(stderr);
                return CLI_USAGE;
        }
        if (strcmp(name, "--version") == 0)
                name = "version";
        else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
                name = "help";
        verb = find_verb(name);
        return verb != NULL ? verb->run(argc - 1, argv + 1) : CLI_USAGE;
}
