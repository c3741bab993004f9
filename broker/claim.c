/*
 * Each broker that deposed a silent one holds the lock of the next generation: the old one's cannot be had. The file of
 * a later generation stays: it tells who comes next that the locks before it, which stopped processes may hold for
 * ever, count no more.
 */
#include "broker/claim.h"

#include "broker/contend.h"
#include "named-objects/endpoint.h"
#include "named-objects/lock.h"
#include "named-objects/sentence.h"

enum { LOCK_PATH_BYTES = 1536, GENERATIONS_MAX = 1000 };

/* That there is a path was seen by wr_claim_take. */
static void
lock_path(const char *address, uint32_t generation, char *path, size_t room)
{
        wr_endpoint_lock_path(address, generation, path, room, NULL, 0);
}

void
wr_claim_give(struct wr_claim *claim, const char *address)
{
        char path[LOCK_PATH_BYTES];

        if (claim->lock == WR_NO_OBJECT)
                return;
        lock_path(address, 0, path, sizeof(path));
        if (claim->generation == 0)
                wr_lock_give(claim->lock, path);
        else
                wr_object_close(claim->lock);
        claim->lock = WR_NO_OBJECT;
}

/* The newest generation's lock; of the next one, where the holder of the newest does nothing. A broker that was
 * started by its socket holds none: the service manager sees to it that it is one. */
static enum weir_result
newest(struct wr_claim *claim, const char *address, int64_t patience_ns, char *path, size_t room)
{
        enum weir_result result;

        lock_path(address, 1, path, room);
        while (wr_lock_exists(path) && claim->generation < GENERATIONS_MAX)
                lock_path(address, ++claim->generation + 1, path, room);
        lock_path(address, claim->generation, path, room);
        result = wr_contend_take(&claim->lock, path, address, patience_ns);
        if (result == WEIR_OK && wr_contend_is_served(address, patience_ns)) {
                wr_claim_give(claim, address);
                return WEIR_FULL;
        }
        if (result != WEIR_EMPTY)
                return result;
        if (claim->generation == GENERATIONS_MAX)
                return WEIR_FULL;
        lock_path(address, ++claim->generation, path, room);
        return wr_lock_take(&claim->lock, path);
}

enum weir_result
wr_claim_take(struct wr_claim *claim, const char *address, int64_t patience_ns, char *sentence, size_t room)
{
        char path[LOCK_PATH_BYTES];
        enum weir_result result;

        *claim = (struct wr_claim){ .lock = WR_NO_OBJECT };
        result = wr_endpoint_place(address, sentence, room);
        if (result == WEIR_OK)
                result = wr_endpoint_lock_path(address, 0, path, sizeof(path), sentence, room);
        if (result < 0)
                return result;
        result = newest(claim, address, patience_ns, path, sizeof(path));
        if (result < 0 && result != WEIR_FULL)
                wr_sentence(sentence, room, "cannot take the lock '%s'", path);
        return result;
}
