/* A row of weir_list(), as JSON and as cells: what `ls` and `info` both show. */
#ifndef CLI_ROW_H
#define CLI_ROW_H

#include "clients/cli/table.h"

#include <jansson.h>
#include <stdbool.h>
#include <weir/weir.h>

#define ROW_ENDPOINT_HEADINGS \
        "ROLE", "NAME", ">PID", "IDENTITY", "PATH", ">FRAMES", ">BYTES", ">LOST", ">SKIPPED", ">OUT"
enum { ROW_ENDPOINT_COLUMNS = 10 };

/* A new object, or NULL without memory. */
json_t *
row_json(const struct weir_row *row, bool endpoint);

/* The cells of one endpoint, under ROW_ENDPOINT_HEADINGS. */
void
row_add_endpoint(struct table *table, const struct weir_row *row);

/* The same with everything that is known of it: copies of each payload byte, the other ends, how far behind. */
#define ROW_ALL_HEADINGS                                                                                           \
        "ROLE", "NAME", ">PID", "IDENTITY", "PATH", ">COPIES", ">PEERS", ">FRAMES", ">BYTES", ">LOST", ">SKIPPED", \
                ">LAG", ">OUT"
enum { ROW_ALL_COLUMNS = 13 };

void
row_add_all(struct table *table, const struct weir_row *row);

/* How often this end copied each payload byte, on average: 0 in place. */
double
row_copies(const struct weir_row *row);

/* What names something in JSON: 16 hexadecimal digits, since most readers of JSON round a number of 64 bits. */
json_t *
row_name(uint64_t name);

/* "publisher", "reliable subscriber", "subscriber". */
const char *
row_role(const struct weir_row *row);

/* "shm", "pipe", ...: how the endpoint's frames travel. */
const char *
row_path(uint32_t path);

#endif
