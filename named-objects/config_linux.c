#include "named-objects/config.h"

#include "named-objects/sentence.h"

#include <stdlib.h>
#include <unistd.h>

void
wr_config_system_path(char *path, size_t room)
{
        wr_sentence(path, room, "/etc/weir/broker.conf");
}

void
wr_config_path(char *path, size_t room)
{
        const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");

        if (config && config[0] == '/')
                wr_sentence(path, room, "%s/weir/broker.conf", config);
        else if (geteuid() == 0)
                wr_config_system_path(path, room);
        else
                wr_sentence(path, room, "%s/.config/weir/broker.conf", home ? home : "");
}
