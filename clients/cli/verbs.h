/* The verbs: each takes its own arguments (argv[0] is its name) and returns an exit code of cli.h. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

int
verb_broker(int argc, char **argv);
int
verb_pub(int argc, char **argv);
int
verb_sub(int argc, char **argv);
int
verb_hz(int argc, char **argv);
int
verb_top(int argc, char **argv);
int
verb_ls(int argc, char **argv);
int
verb_info(int argc, char **argv);
int
verb_who(int argc, char **argv);
int
verb_ticket(int argc, char **argv);
int
verb_id(int argc, char **argv);
int
verb_access(int argc, char **argv);
int
verb_config(int argc, char **argv);
int
verb_bench(int argc, char **argv);
int
verb_demo(int argc, char **argv);
int
verb_version(int argc, char **argv);

extern const char verb_broker_help[], verb_pub_help[], verb_sub_help[], verb_ls_help[], verb_info_help[],
        verb_who_help[], verb_id_help[], verb_access_help[], verb_config_help[], verb_bench_help[], verb_demo_help[],
        verb_version_help[], verb_hz_help[], verb_top_help[], verb_ticket_help[];

#endif
