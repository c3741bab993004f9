/* A hash table over 64-bit keys. Clients choose some of them: where they fall is salted. Nodes live in the members. */
#ifndef WR_TABLE_H
#define WR_TABLE_H

#include "bus/result.h"

#include <stddef.h>
#include <stdint.h>

struct wr_node {
        uint64_t key;
        struct wr_node *next;
};

struct wr_table {
        struct wr_node **buckets;
        size_t bucket_count; /* a power of two */
        size_t count;
        uint64_t salt;
};

#define WR_TABLE_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

enum weir_result
wr_table_open(struct wr_table *table);

/* The members are their owners'. */
void
wr_table_close(struct wr_table *table);

/* Never fails: without memory to grow, chains grow instead. */
void
wr_table_insert(struct wr_table *table, struct wr_node *node, uint64_t key);

/* A node that is not in the table is left alone. */
void
wr_table_remove(struct wr_table *table, struct wr_node *node);

/* The first node with this key, or NULL. */
struct wr_node *
wr_table_find(const struct wr_table *table, uint64_t key);

/* The next node with the same key, or NULL. */
struct wr_node *
wr_table_next(const struct wr_node *node);

#endif
