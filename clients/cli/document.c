/* A document is printed once and dropped, so that no verb keeps one. */
#include "clients/cli/document.h"

#include <stdio.h>

bool
cli_print_json(json_t *document, size_t flags)
{
        bool printed = document != NULL && json_dumpf(document, stdout, flags) == 0;

        putchar('\n');
        json_decref(document);
        return printed;
}
