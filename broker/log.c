#include "broker/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1024, BURST = 10 };

static void
make_printable(char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        *text = '?';
}

void
wr_log_line(struct wr_log *log, struct wr_account *account, int64_t now_ns, enum wr_log_level level, const char *format,
            ...)
{
        char line[LINE_MAX_BYTES];
        size_t length = 0;
        va_list arguments;

        if (log->object == WR_NO_OBJECT)
                return;
        if (account && !wr_quota_draw(&account->log_lines, 1, BURST, now_ns)) {
                account->log_suppressed++;
                return;
        }
        if (log->has_priorities)
                length = (size_t)snprintf(line, sizeof(line), "<%d>", (int)level);
        length += (size_t)snprintf(line + length, sizeof(line) - length, "weir: ");
        va_start(arguments, format);
        vsnprintf(line + length, sizeof(line) - length - 1, format, arguments);
        va_end(arguments);
        if (account && account->log_suppressed > 0) {
                length = strlen(line);
                snprintf(line + length, sizeof(line) - length - 1, " (%" PRIu64 " lines left out before)",
                         account->log_suppressed);
                account->log_suppressed = 0;
        }
        make_printable(line);
        length = strlen(line);
        line[length] = '\n';
        if (!wr_log_write(log->object, line, length + 1))
                log->dropped++;
}
