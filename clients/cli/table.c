/*
 * A table is a list of cells; the widths are found when it is printed.
 *
 *      TOPIC         PUBLISHERS   <- the heading; '>' puts a column to the right
 *      camera/front           1
 */
#include "clients/cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
add_cell(struct table *table, char *cell)
{
        if (table->cell_count == table->cell_room && !table->failed) {
                size_t room = table->cell_room * 2 + 64;
                char **cells = realloc(table->cells, room * sizeof *cells);

                if (cells != NULL) {
                        table->cells = cells;
                        table->cell_room = room;
                }
        }
        if (cell == NULL || table->cell_count == table->cell_room) {
                table->failed = true;
                free(cell);
                return;
        }
        table->cells[table->cell_count++] = cell;
}

void
table_open(struct table *table, const char *const *headings, unsigned columns)
{
        *table = (struct table){ .columns = columns };
        for (unsigned i = 0; i < columns; i++)
                add_cell(table, strdup(headings[i]));
}

void
table_add(struct table *table, const char *format, ...)
{
        char *cell;
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        cell = length >= 0 ? malloc((size_t)length + 1) : NULL;
        va_start(arguments, format);
        if (cell != NULL)
                vsnprintf(cell, (size_t)length + 1, format, arguments);
        va_end(arguments);
        add_cell(table, cell);
}

void
table_add_bytes(struct table *table, uint64_t bytes)
{
        static const char *const units[] = { "kB", "MB", "GB", "TB" };
        double number = (double)bytes / 1000;
        unsigned unit = 0;

        if (bytes < 1000) {
                table_add(table, "%u B", (unsigned)bytes);
                return;
        }
        while (number >= 1000 && unit < 3) {
                number /= 1000;
                unit++;
        }
        table_add(table, "%.1f %s", number, units[unit]);
}

void
table_add_time(struct table *table, int64_t ns)
{
        if (ns < 1000000)
                table_add(table, "%lld us", (long long)(ns / 1000));
        else if (ns < 1000000000)
                table_add(table, "%.1f ms", (double)ns / 1e6);
        else if (ns < INT64_C(120) * 1000000000)
                table_add(table, "%.1f s", (double)ns / 1e9);
        else
                table_add(table, "%lld min", (long long)(ns / 60000000000));
}

/* Columns of a UTF-8 string, taking each character for one. */
static int
cell_width(const char *cell)
{
        int width = 0;

        for (; *cell != '\0'; cell++)
                width += (*cell & 0xc0) != 0x80;
        return width;
}

static void
print_row(const struct table *table, size_t row, const int *widths, const bool *right)
{
        for (unsigned i = 0; i < table->columns; i++) {
                const char *cell = table->cells[row * table->columns + i];
                int gap;

                if (row == 0 && right[i])
                        cell++;
                gap = widths[i] - cell_width(cell);
                if (right[i])
                        printf("%*s%s", gap, "", cell);
                else if (i + 1 < table->columns)
                        printf("%s%*s", cell, gap, "");
                else
                        fputs(cell, stdout);
                fputs(i + 1 < table->columns ? "  " : "\n", stdout);
        }
}

bool
table_print(struct table *table)
{
        int widths[TABLE_COLUMNS_MAX] = { 0 };
        bool right[TABLE_COLUMNS_MAX] = { false };
        bool printed = !table->failed;

        for (size_t i = 0; printed && i < table->cell_count; i++) {
                unsigned column = (unsigned)(i % table->columns);
                int width = cell_width(table->cells[i]);

                if (i < table->columns && table->cells[i][0] == '>') {
                        right[column] = true;
                        width--;
                }
                if (width > widths[column])
                        widths[column] = width;
        }
        for (size_t row = 0; printed && row < table->cell_count / table->columns; row++)
                print_row(table, row, widths, right);
        for (size_t i = 0; i < table->cell_count; i++)
                free(table->cells[i]);
        free(table->cells);
        *table = (struct table){ .columns = 0 };
        return printed;
}
