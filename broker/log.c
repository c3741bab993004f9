#include "broker/log.h"

#include "named-objects/sentence.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES_MAX = 1024, BURST = 10, ESCAPE_BYTES = 4 };

/* ---- what may be written as it is ------------------------------------------------------------------------------ */

/* How many bytes the UTF-8 character at `text` has, and its number. 0: it is none. */
static size_t
character(const unsigned char *text, uint32_t *code)
{
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t length = text[0] < 0x80             ? 1
                        : (text[0] & 0xe0) == 0xc0 ? 2
                        : (text[0] & 0xf0) == 0xe0 ? 3
                        : (text[0] & 0xf8) == 0xf0 ? 4
                                                   : 0;

        *code = length < 2 ? text[0] : text[0] & (0x7fU >> length);
        for (size_t i = 1; i < length; i++) {
                if ((text[i] & 0xc0) != 0x80) /* the zero at the end, too */
                        return 0;
                *code = *code << 6 | (text[i] & 0x3fU);
        }
        return length > 0 && *code >= least[length] && *code <= 0x10ffff && !(*code >= 0xd800 && *code < 0xe000)
                       ? length
                       : 0;
}

/* Controls, line ends that only some readers know, and marks that are not seen but change what is seen around them. */
static bool
is_plain(uint32_t code)
{
        static const uint32_t hidden[][2] = { { 0, 0x1f },        { 0x7f, 0x9f },      { 0xad, 0xad },
                                              { 0x61c, 0x61c },   { 0x180e, 0x180e },  { 0x200b, 0x200f },
                                              { 0x2028, 0x202e }, { 0x2060, 0x206f },  { 0xfeff, 0xfeff },
                                              { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f } };

        for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
                if (code >= hidden[i][0] && code <= hidden[i][1])
                        return false;
        return true;
}

/* Is this backslash one of those that stand before something that is, or looks, escaped? Only there it is written
 * twice, so that paths stay as they are and still every line can be read in one way. */
static bool
is_doubled(const unsigned char *at)
{
        uint32_t code;

        while (*at == '\\')
                at++;
        return *at == 'x' || (*at && (character(at, &code) == 0 || !is_plain(code)));
}

/* Returns how much was written, at most `room`; what does not fit is left out as a whole, and "..." says so. */
static size_t
escape(const char *text, char *line, size_t room)
{
        static const char more[] = "...";
        const unsigned char *at = (const unsigned char *)text;
        size_t end = room - (sizeof(more) - 1), length = 0;
        uint32_t code;

        while (*at && length + ESCAPE_BYTES <= end) {
                size_t bytes = character(at, &code);

                if (bytes == 0 || !is_plain(code)) {
                        length += (size_t)snprintf(line + length, room - length, "\\x%02x", *at);
                        bytes = 1;
                } else {
                        if (code == '\\' && is_doubled(at))
                                line[length++] = '\\';
                        memcpy(line + length, at, bytes);
                        length += bytes;
                }
                at += bytes;
        }
        if (*at) {
                memcpy(line + length, more, sizeof(more) - 1);
                length += sizeof(more) - 1;
        }
        return length;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static void
write_line(struct wr_log *log, enum wr_log_level level, const char *text)
{
        char line[LINE_BYTES_MAX];
        size_t length;

        if (log->has_priorities)
                length = (size_t)snprintf(line, sizeof(line), "<%d>", (int)level);
        else
                length = (size_t)snprintf(line, sizeof(line), "weir: ");
        length += escape(text, line + length, sizeof(line) - length - 1);
        line[length] = '\n';
        if (!wr_log_write(log->object, line, length + 1))
                log->dropped++;
}

static void
tell_suppressed(struct wr_log *log, struct wr_account *account)
{
        char text[LINE_BYTES_MAX];

        if (account->log_suppressed == 0)
                return;
        snprintf(text, sizeof(text), "suppressed %" PRIu64 " line%s about %s", account->log_suppressed,
                 wr_s(account->log_suppressed), account->key[0] ? account->key : "strangers");
        account->log_suppressed = 0;
        write_line(log, WR_LOG_WARNING, text);
}

void
wr_log_line(struct wr_log *log, struct wr_account *account, int64_t now_ns, enum wr_log_level level, const char *format,
            ...)
{
        char text[LINE_BYTES_MAX];
        va_list arguments;

        if (log->object == WR_NO_OBJECT)
                return;
        if (account && !wr_quota_draw(&account->log_lines, 1, BURST, now_ns)) {
                account->log_suppressed++;
                return;
        }
        if (account)
                tell_suppressed(log, account);
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        write_line(log, level, text);
}

static void
tick(struct wr_log *log, struct wr_account *account, int64_t now_ns)
{
        if (account->log_suppressed > 0 && wr_quota_draw(&account->log_lines, 1, BURST, now_ns))
                tell_suppressed(log, account);
}

void
wr_log_tick(struct wr_log *log, struct wr_accounts *accounts, int64_t now_ns)
{
        tick(log, &log->strangers, now_ns);
        WR_LIST_EACH(link, &accounts->list)
        {
                tick(log, WR_LIST_OWNER(link, struct wr_account, link), now_ns);
        }
        WR_LIST_EACH(link, &accounts->idle)
        {
                tick(log, WR_LIST_OWNER(link, struct wr_account, link), now_ns);
        }
}

void
wr_log_close(struct wr_log *log)
{
        if (log->is_ours)
                wr_object_close(log->object);
        log->object = WR_NO_OBJECT;
}
