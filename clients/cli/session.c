/*
 * A verb's conversation with the bus: open it, let Ctrl-C interrupt it, turn its results into exit codes.
 *
 *      Ctrl-C -> handler: note the signal, weir_interrupt() -> the blocked call answers WEIR_INTERRUPTED
 *             -> the verb tidies up and leaves with cli_interrupted() = 130
 */
#include "clients/cli/cli.h"
#include "clients/cli/system.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/ticket.h>

enum { TEXT_ROOM = WEIR_TICKET_TEXT + 2 }; /* with an end of line */

static struct weir *volatile open_bus;
static volatile sig_atomic_t caught;

static void
on_signal(int number)
{
        caught = number;
        if (open_bus != NULL)
                weir_interrupt(open_bus, 1);
}

int
cli_interrupted(void)
{
        return caught != 0 ? 128 + caught : 0;
}

int
cli_exit_code(enum weir_result result)
{
        switch (result) {
        case WEIR_E_USAGE: return CLI_USAGE;
        case WEIR_E_NO_BROKER: return CLI_NO_BROKER;
        case WEIR_E_DENIED: return CLI_DENIED;
        case WEIR_E_CORRUPT:
        case WEIR_E_EVICTED: return CLI_DATA;
        default: return result < 0 ? CLI_FAILED : CLI_OK;
        }
}

int
cli_failed(const char *verb, enum weir_result result)
{
        fprintf(stderr, "weir %s: %s\n", verb, weir_error());
        return cli_exit_code(result);
}

/* *ticket: what was given, a text or @FILE; NULL: nothing was, and WEIR_TICKET counts. Out: the text, or NULL. */
static int
ticket_read(const char *verb, const char **ticket, char text[TEXT_ROOM])
{
        const char *given = *ticket != NULL ? *ticket : getenv("WEIR_TICKET");
        FILE *file;

        *ticket = given != NULL && given[0] != '\0' ? given : NULL;
        if (*ticket == NULL || given[0] != '@')
                return CLI_OK;
        file = fopen(given + 1, "r");
        if (file == NULL)
                return cli_usage(verb, "the ticket's file '%s': %s", given + 1, strerror(errno));
        setvbuf(file, NULL, _IONBF, 0); /* no copy of it stays behind */
        if (fgets(text, TEXT_ROOM, file) == NULL)
                text[0] = '\0';
        fclose(file);
        text[strcspn(text, "\r\n")] = '\0';
        *ticket = text;
        return text[0] != '\0' ? CLI_OK : cli_usage(verb, "the ticket's file '%s' is empty", given + 1);
}

/* The library speaks of its own options. */
static int
open_failed(const char *verb, enum weir_result result, const char *option)
{
        static const char field[] = "weir_options.ticket ";

        if (strncmp(weir_error(), field, sizeof field - 1) != 0)
                return cli_failed(verb, result);
        fprintf(stderr, "weir %s: %s %s\n", verb, option, weir_error() + sizeof field - 1);
        return cli_exit_code(result);
}

int
cli_open(struct weir **bus, const char *verb, const struct cli_common *common)
{
        char name[64], text[TEXT_ROOM];
        enum weir_result result;
        const char *ticket = common->ticket;
        int code = ticket_read(verb, &ticket, text);

        if (code != CLI_OK)
                return code;
        snprintf(name, sizeof name, "weir %s", verb);
        result = weir_open(bus, WEIR_OPTIONS(.name = name, .address = common->address, .ticket = ticket));
        memset(text, 0, sizeof text);
        if (result != WEIR_OK)
                return open_failed(verb, result, common->ticket != NULL ? "--ticket" : "WEIR_TICKET");
        open_bus = *bus;
        cli_system_catch(on_signal);
        return CLI_OK;
}

void
cli_close(struct weir *bus)
{
        cli_system_catch(NULL);
        open_bus = NULL;
        weir_close(bus);
}

void
cli_tell(const char *verb, const struct weir_event *event, const struct cli_common *common)
{
        bool is_grave =
                event->kind == WEIR_EVICTED || event->kind == WEIR_BROKER_LOST || event->kind == WEIR_BROKER_BACK;

        if (event->kind == WEIR_REVOKED || (event->kind == WEIR_BROKER_LOST && event->reason == WEIR_E_DENIED))
                return; /* the next call fails, with the same sentence */
        if (event->text != NULL && event->text[0] != '\0' && (common->verbose || (is_grave && !common->quiet)))
                fprintf(stderr, "weir %s: %s\n", verb, event->text);
}

const char *
cli_s(uint64_t count)
{
        return count == 1 ? "" : "s";
}

int
cli_finish(const char *verb)
{
        bool is_flushed = fflush(stdout) == 0;

        if (is_flushed && !ferror(stdout))
                return CLI_OK;
        /* Why an earlier write failed is not known any more. */
        fprintf(stderr, "weir %s: the output could not be written%s%s\n", verb, is_flushed ? "" : ": ",
                is_flushed ? "" : strerror(errno));
        return CLI_FAILED;
}
