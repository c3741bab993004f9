/* Chained buckets, doubled when there are more members than buckets. Equal keys stay in one chain. */
#include "broker/table.h"

#include "named-objects/random.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { BUCKETS_FIRST = 64 };

enum weir_result
wr_table_open(struct wr_table *table)
{
        *table = (struct wr_table){ .bucket_count = BUCKETS_FIRST, .salt = wr_random() };
        table->buckets = calloc(BUCKETS_FIRST, sizeof(struct wr_node *));
        return table->buckets ? WEIR_OK : WEIR_E_NO_MEMORY;
}

void
wr_table_close(struct wr_table *table)
{
        free(table->buckets);
        *table = (struct wr_table){ 0 };
}

static struct wr_node **
bucket_of(const struct wr_table *table, uint64_t key)
{
        return &table->buckets[XXH3_64bits_withSeed(&key, sizeof(key), table->salt) & (table->bucket_count - 1)];
}

static void
grow(struct wr_table *table)
{
        struct wr_table larger = { .bucket_count = table->bucket_count * 2,
                                   .count = table->count,
                                   .salt = table->salt };

        larger.buckets = calloc(larger.bucket_count, sizeof(struct wr_node *));
        if (!larger.buckets)
                return;
        for (size_t i = 0; i < table->bucket_count; i++)
                for (struct wr_node *node = table->buckets[i], *next; node; node = next) {
                        struct wr_node **bucket = bucket_of(&larger, node->key);

                        next = node->next;
                        node->next = *bucket;
                        *bucket = node;
                }
        free(table->buckets);
        *table = larger;
}

void
wr_table_insert(struct wr_table *table, struct wr_node *node, uint64_t key)
{
        struct wr_node **bucket;

        if (table->count >= table->bucket_count)
                grow(table);
        bucket = bucket_of(table, key);
        *node = (struct wr_node){ key, *bucket };
        *bucket = node;
        table->count++;
}

void
wr_table_remove(struct wr_table *table, struct wr_node *node)
{
        for (struct wr_node **at = bucket_of(table, node->key); *at; at = &(*at)->next)
                if (*at == node) {
                        *at = node->next;
                        table->count--;
                        return;
                }
}

static struct wr_node *
with_key(struct wr_node *node, uint64_t key)
{
        while (node && node->key != key)
                node = node->next;
        return node;
}

struct wr_node *
wr_table_find(const struct wr_table *table, uint64_t key)
{
        return with_key(*bucket_of(table, key), key);
}

struct wr_node *
wr_table_next(const struct wr_node *node)
{
        return with_key(node->next, node->key);
}
