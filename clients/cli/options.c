/*
 * The common options, and the little languages of their values.
 *
 *      64k 1M 2G      bytes, powers of 1024          10 0.5 250ms     a time
 */
#include "clients/cli/cli.h"
#include "clients/cli/system.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
cli_usage(const char *verb, const char *format, ...)
{
        va_list arguments;

        fprintf(stderr, "weir %s: ", verb);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fprintf(stderr, ". Try: weir %s --help\n", verb);
        return CLI_USAGE;
}

bool
cli_count(const char *text, uint64_t *count)
{
        char *end;

        errno = 0;
        *count = strtoull(text, &end, 10);
        /* strtoull takes "-1" for a large number. */
        return errno == 0 && end != text && *end == '\0' && strchr(text, '-') == NULL;
}

bool
cli_size(const char *text, uint64_t *bytes)
{
        static const char units[] = "kMGT";
        char *end;
        const char *unit;
        uint64_t number;

        errno = 0;
        number = strtoull(text, &end, 10);
        if (errno != 0 || end == text || strchr(text, '-') != NULL)
                return false;
        *bytes = number;
        if (*end == '\0')
                return true;
        unit = *end == 'K' ? units : strchr(units, *end);
        if (unit == NULL || end[1] != '\0')
                return false;
        return !__builtin_mul_overflow(number, UINT64_C(1024) << (10 * (unit - units)), bytes);
}

bool
cli_seconds(const char *text, int64_t *ns)
{
        char *end;
        double number, scale = 1e9;

        errno = 0;
        number = strtod(text, &end);
        if (errno != 0 || end == text)
                return false;
        if (strcmp(end, "ms") == 0)
                scale = 1e6;
        else if (strcmp(end, "us") == 0)
                scale = 1e3;
        else if (*end != '\0' && strcmp(end, "s") != 0)
                return false;
        if (!(number >= 0 && number * scale <= 9e18)) /* what is no number compares with nothing */
                return false;
        *ns = (int64_t)(number * scale);
        return true;
}

const char *
cli_absolute(const char *path)
{
        static char absolute[CLI_PATH_MAX];

        return cli_system_absolute(path, absolute, sizeof absolute) ? absolute : path;
}

const char *
cli_address(const char *text)
{
        static char absolute[CLI_PATH_MAX];
        bool is_relative = text[0] != '/' && strchr(text, '/') != NULL;

        return is_relative && cli_system_absolute(text, absolute, sizeof absolute) ? absolute : text;
}

static const struct verb *
find_verb(const char *name)
{
        const struct verb *verb = verbs;

        while (verb->name != NULL && strcmp(verb->name, name) != 0)
                verb++;
        return verb;
}

int
cli_common_option(const char *verb, int option, char **argv, struct cli_common *common)
{
        switch (option) {
        case 'b': common->address = cli_address(optarg); return CLI_GO_ON;
        case 't':
                if (cli_seconds(optarg, &common->limit_ns))
                        return CLI_GO_ON;
                return cli_usage(verb, "'%s' is not a time: 10, 0.5 or 250ms is one", optarg);
        case 'n':
                if (cli_count(optarg, &common->count) && common->count > 0)
                        return CLI_GO_ON;
                return cli_usage(verb, "'%s' is not a count of 1 or more", optarg);
        case 'q': common->quiet = true; return CLI_GO_ON;
        case 'v': common->verbose = true; return CLI_GO_ON;
        case CLI_JSON: common->json = true; return CLI_GO_ON;
        case CLI_TICKET: common->ticket = optarg; return CLI_GO_ON;
        case 'h': fputs(find_verb(verb)->help, stdout); return cli_finish(verb);
        case ':': return cli_usage(verb, "%s needs a value", argv[optind - 1]);
        default: return cli_usage(verb, "unknown option '%s'", argv[optind - 1]);
        }
}
