/* The order of address.h over this process's environment and user. */
#include "named-objects/address.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char system_address[] = "/run/weir/bus";

struct list {
        char (*addresses)[WR_ADDRESS_MAX];
        size_t count, max;
};

__attribute__((format(printf, 2, 3))) static void
add(struct list *list, const char *format, ...)
{
        va_list arguments;
        int length;

        if (list->count == list->max)
                return;
        va_start(arguments, format);
        length = vsnprintf(list->addresses[list->count], WR_ADDRESS_MAX, format, arguments);
        va_end(arguments);
        if (length > 0 && length < WR_ADDRESS_MAX)
                list->count++;
}

/* A variable of the environment, unless it is empty or this program runs with rights that its caller lacks. */
static const char *
variable(const char *name)
{
        const char *value = secure_getenv(name);

        return value && *value ? value : NULL;
}

size_t
wr_address_list(char addresses[][WR_ADDRESS_MAX], size_t max)
{
        struct list list = { addresses, 0, max };
        const char *given = variable("WEIR_BROKER"), *runtime = variable("XDG_RUNTIME_DIR");

        if (given) {
                add(&list, "%s", given);
                return list.count;
        }
        if (runtime && runtime[0] == '/')
                add(&list, "%s/weir/bus", runtime);
        else if (geteuid() != 0)
                add(&list, "/tmp/weir-%lu/bus", (unsigned long)geteuid());
        if (list.count == 0 || !wr_address_is_system(addresses[0]))
                add(&list, "%s", system_address);
        return list.count;
}

bool
wr_address_is_system(const char *address)
{
        return strcmp(address, system_address) == 0;
}
