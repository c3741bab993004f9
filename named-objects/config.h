/* Where a broker's policy is kept unless somebody says otherwise. */
#ifndef WR_CONFIG_H
#define WR_CONFIG_H

#include <stddef.h>

/*
 * Linux: $XDG_CONFIG_HOME/weir/broker.conf, else ~/.config/weir/broker.conf; for root the system's. Windows:
 * %APPDATA%\weir\broker.conf; for the system's own users the system's. Cut if it does not fit.
 */
void
wr_config_path(char *path, size_t room);

/* The system broker's: /etc/weir/broker.conf; %ProgramData%\weir\broker.conf. */
void
wr_config_system_path(char *path, size_t room);

#endif
