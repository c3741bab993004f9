/* Who listens at an address: a lock beside it, of which a stopped holder keeps nobody out. */
#ifndef WR_CLAIM_H
#define WR_CLAIM_H

#include "named-objects/region.h"

#include <stddef.h>
#include <stdint.h>

struct wr_claim {
        wr_object lock;      /* WR_NO_OBJECT: none is held */
        uint32_t generation; /* of the lock: how many silent brokers were deposed before us */
};

/*
 * Makes the directory of `address` ready and takes the lock there: only its holder may replace the socket. Blocks, and
 * deposes, as wr_contend_take does.
 *
 * WEIR_FULL: another broker serves this address, and there is no sentence. Else the sentence says what failed.
 */
enum weir_result
wr_claim_take(struct wr_claim *claim, const char *address, int64_t patience_ns, char *sentence, size_t room);

/* Who takes it next finds the address free. One that holds no lock is fine. */
void
wr_claim_give(struct wr_claim *claim, const char *address);

#endif
