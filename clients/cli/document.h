/* JSON on stdout. */
#ifndef CLI_DOCUMENT_H
#define CLI_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Prints a document (flags as json_dumpf takes them) and a line's end, and gives the document up. False for NULL. */
bool
cli_print_json(json_t *document, size_t flags);

#endif
