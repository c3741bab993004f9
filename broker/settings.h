/* What the options of a broker come to: the address, the policy, the server's options. For broker.h's functions. */
#ifndef WR_SETTINGS_H
#define WR_SETTINGS_H

#include "broker/server.h"

struct weir_broker_options;

struct wr_settings {
        char address[256];
        char **package_sockets; /* copies, ended by NULL; or NULL */
        struct wr_server_options server;
        struct wr_policy *policy; /* the server's once it was opened */
};

/*
 * address: as given, else the first of the default list. policy: of the file given, else of WEIR_CONFIG, else the
 * default one's (named-objects/config.h); else none. A file that was named must be there, one that was only looked for
 * need not.
 */
enum weir_result
wr_settings_make(struct wr_settings *settings, const struct weir_broker_options *options, char *sentence, size_t room);

/* Where the policy is looked for: `given`, else as above. True when it was named and so must be there. */
bool
wr_settings_config(char *path, size_t bytes, const char *given);

/* Frees all but the policy when that is a server's. */
void
wr_settings_drop(struct wr_settings *settings);

/* weir_broker_error() of this thread. */
enum { WR_BROKER_ERROR_MAX = 1024 };
extern _Thread_local char wr_broker_error[WR_BROKER_ERROR_MAX];

#endif
