/* The place of a socket is its directory, and the lock that decides who listens there stands beside it. */
#include "named-objects/endpoint.h"

#include "named-objects/sentence.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

enum weir_result
wr_endpoint_place(const char *path, char *sentence, size_t room)
{
        const char *slash = strrchr(path, '/');
        char directory[PATH_MAX];

        if (path[0] != '/' || slash == path || strlen(path) >= sizeof directory) {
                wr_sentence(sentence, room, "'%s': a socket needs an absolute path in a directory of its own", path);
                return WEIR_E_USAGE;
        }
        memcpy(directory, path, (size_t)(slash - path));
        directory[slash - path] = '\0';
        return wr_endpoint_directory(directory, sentence, room);
}

enum weir_result
wr_endpoint_lock_path(const char *path, uint32_t generation, char *lock, size_t lock_room, char *sentence, size_t room)
{
        int length = generation == 0 ? snprintf(lock, lock_room, "%s.lock", path)
                                     : snprintf(lock, lock_room, "%s.lock.%" PRIu32, path, generation);

        if (length > 0 && (size_t)length < lock_room)
                return WEIR_OK;
        wr_sentence(sentence, room, "the name of the lock of '%s' is too long", path);
        return WEIR_E_TOO_LARGE;
}

enum weir_result
wr_endpoint_admit(wr_object listener, const struct wr_sid *guests, size_t count)
{
        (void)listener;
        (void)guests;
        (void)count;
        return WEIR_OK;
}
