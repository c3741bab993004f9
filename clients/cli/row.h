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

/* "publisher", "reliable subscriber", "subscriber". */
const char *
row_role(const struct weir_row *row);

/* "shm", "pipe", ...: how the endpoint's frames travel. */
const char *
row_path(uint32_t path);

#endif
