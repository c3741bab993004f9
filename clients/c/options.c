#include "clients/c/options.h"

#include "bus/topic.h"
#include "clients/c/error.h"

#include <string.h>

enum weir_result
wr_options_read(void *to, size_t size, const void *options, const char *name)
{
        uint32_t given;

        memset(to, 0, size);
        if (!options)
                return WEIR_OK;
        memcpy(&given, options, sizeof given);
        if (given < sizeof given)
                return wr_error(WEIR_E_USAGE, "%s.size is %u: set it to sizeof(struct %s)", name, given, name);
        for (size_t i = size; i < given; i++)
                if (((const unsigned char *)options)[i] != 0)
                        return wr_error(WEIR_E_USAGE,
                                        "%s has a field set that this library (%u bytes of %u) does not know: "
                                        "load a newer libweir",
                                        name, (unsigned)size, given);
        memcpy(to, options, given < size ? given : size);
        return WEIR_OK;
}

/* Not inlined: from a caller whose structure is as large as ours GCC 12 sees more written than there is, and warns. */
__attribute__((noinline)) enum weir_result
wr_options_write(void *to, const void *from, size_t size, const char *name)
{
        uint32_t room;

        if (!to)
                return wr_error(WEIR_E_USAGE, "struct %s is NULL", name);
        memcpy(&room, to, sizeof room);
        if (room < sizeof room)
                return wr_error(WEIR_E_USAGE, "%s.size is %u: set it to sizeof(struct %s)", name, room, name);
        if (room > size)
                memset((char *)to + size, 0, room - size);
        memcpy((char *)to + sizeof room, (const char *)from + sizeof room, (room < size ? room : size) - sizeof room);
        return WEIR_OK;
}

uint32_t
wr_options_count(uint32_t value, uint32_t when_zero)
{
        if (value == 0)
                return when_zero;
        return value == WEIR_NONE ? 0 : value;
}

enum weir_result
wr_options_path(uint32_t require, const char *topic)
{
        static const char *const names[] = { "any", "shm", "pipe", "tcp", "vsock", "ivshmem" };

        if (require <= WEIR_TCP)
                return WEIR_OK; /* the broker says whether it can be had */
        if (require > WEIR_IVSHMEM)
                return wr_error(WEIR_E_USAGE, "%u is no path: use one of WEIR_ANY_PATH, WEIR_SHM, WEIR_PIPE, WEIR_TCP",
                                require);
        return wr_error(WEIR_E_NO_PATH, "'%s' requires path '%s': this version of weir has 'shm', 'pipe' and 'tcp'",
                        topic, names[require]);
}

enum weir_result
wr_options_topic(const char *topic)
{
        const char *why = NULL;

        if (!topic)
                return wr_error(WEIR_E_USAGE, "no topic was named");
        if (wr_topic_valid(topic, &why))
                return WEIR_OK;
        if (strchr(topic, '*') && wr_topic_pattern_valid(topic, NULL))
                return wr_error(WEIR_E_USAGE, "'%s' is a pattern: only one topic can be published, name it exactly",
                                topic);
        return wr_error(WEIR_E_USAGE, "'%.200s' is no name of a topic: %s", topic, why ? why : "it breaks the grammar");
}

enum weir_result
wr_options_pattern(const char *pattern)
{
        const char *why = NULL;

        if (!pattern)
                return wr_error(WEIR_E_USAGE, "no topic was named");
        if (wr_topic_pattern_valid(pattern, &why))
                return WEIR_OK;
        return wr_error(WEIR_E_USAGE, "'%.200s' is no %s: %s", pattern,
                        strchr(pattern, '*') ? "pattern of topics" : "name of a topic",
                        why ? why : "it breaks the grammar");
}
