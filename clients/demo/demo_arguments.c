#include "clients/demo/demo_arguments.h"

#include <assert.h>
#include <stdio.h>

void
demo_arguments_compose(struct demo_arguments *arguments, const struct demo_options *options, const char *role,
                       enum demo_kind kind, const char *video)
{
        const char *const pairs[][2] = {
                { "--role", role },
                { "--kind", demo_kind_names[kind] },
                { "--video", video },
                { "--size", arguments->size },
                { "--live", arguments->live },
                { "--memory", arguments->memory },
                { "--pictures", arguments->pictures },
                { "--break", demo_break_names[options->broken] },
        };
        unsigned n = 0;

        snprintf(arguments->size, sizeof arguments->size, "%ux%u", options->width, options->height);
        snprintf(arguments->live, sizeof arguments->live, "%.6f", (double)options->live_ns / 1e9);
        snprintf(arguments->memory, sizeof arguments->memory, "%.6f", (double)options->memory_ns / 1e9);
        snprintf(arguments->pictures, sizeof arguments->pictures, "%llu", (unsigned long long)options->pictures_min);
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                arguments->list[n++] = pairs[i][0];
                arguments->list[n++] = pairs[i][1];
        }
        if (!options->sandbox)
                arguments->list[n++] = "--no-sandbox";
        assert(n < DEMO_ARGUMENTS);
        arguments->list[n] = NULL;
}
