/* Columns of text whose width follows from their content: the tables of ls, info and status. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TABLE_COLUMNS_MAX = 14 };

struct table {
        unsigned columns;
        size_t cell_count, cell_room;
        char **cells; /* row by row, the heading first */
        bool failed;  /* out of memory: table_print() says so */
};

/* Begins a table. A heading that begins with '>' makes its column stand to the right, without the sign. */
void
table_open(struct table *table, const char *const *headings, unsigned columns);

/* Adds the next cell, row by row. */
__attribute__((format(printf, 2, 3))) void
table_add(struct table *table, const char *format, ...);

/* Adds a number of bytes as people read it: "3.1 MB". */
void
table_add_bytes(struct table *table, uint64_t bytes);

/* Adds a time as people say it: "850 us", "12.3 ms", "4.0 s", "3 min". */
void
table_add_time(struct table *table, int64_t ns);

/* Prints it on stdout and frees it. False when there was no memory for it. */
bool
table_print(struct table *table);

#endif
