/*
 * A SID as text and as bytes.
 *
 * Numbers are read strictly: decimal without leading zeros (Windows would take "010" for ten, a C programmer for
 * eight) or 0x and hex digits; what does not fit is refused, where Windows takes the largest that fits.
 */
#include "named-objects/rights/sid.h"

#include <assert.h>
#include <string.h>

#define AUTHORITY_MAX 0xffffffffffffu

/* The rest of a text that is being read. */
struct rest {
        const char *at, *end;
};

static bool
take(struct rest *rest, char expected)
{
        if (rest->at == rest->end || *rest->at != expected)
                return false;
        rest->at++;
        return true;
}

static int
digit_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return 16;
}

static bool
take_number(struct rest *rest, uint64_t max, uint64_t *number)
{
        uint64_t base = 10;
        const char *first;

        if (rest->end - rest->at > 2 && rest->at[0] == '0' && (rest->at[1] == 'x' || rest->at[1] == 'X')) {
                base = 16;
                rest->at += 2;
        }
        *number = 0;
        for (first = rest->at; rest->at < rest->end; rest->at++) {
                uint64_t digit = (uint64_t)digit_value(*rest->at);

                if (digit >= base)
                        break;
                if (*number > (max - digit) / base)
                        return false;
                *number = *number * base + digit;
        }
        if (base == 10 && rest->at - first > 1 && *first == '0')
                return false;
        return rest->at > first;
}

bool
wr_sid_parse(struct wr_sid *sid, const char *text, size_t size)
{
        struct rest rest = { text, text + size };
        uint64_t number;

        *sid = (struct wr_sid){ 0 };
        if (!take(&rest, 'S') && !take(&rest, 's'))
                return false;
        if (!take(&rest, '-') || !take(&rest, '1') || !take(&rest, '-'))
                return false;
        if (!take_number(&rest, AUTHORITY_MAX, &sid->authority))
                return false;
        while (rest.at < rest.end) {
                if (sid->count == WR_SID_WORDS_MAX || !take(&rest, '-') || !take_number(&rest, UINT32_MAX, &number))
                        return false;
                sid->words[sid->count++] = (uint32_t)number;
        }
        return sid->count > 0;
}

/* Writes the digits and returns the place behind them; mingw and Linux disagree on printf's name for 64 bits. */
static char *
put_number(char *at, uint64_t number, unsigned base)
{
        char reversed[20];
        int count = 0;

        do {
                reversed[count++] = "0123456789ABCDEF"[number % base];
                number /= base;
        } while (number > 0);
        while (count > 0)
                *at++ = reversed[--count];
        return at;
}

size_t
wr_sid_text(const struct wr_sid *sid, char text[WR_SID_TEXT_MAX])
{
        char *at = text;

        assert(sid->count <= WR_SID_WORDS_MAX && sid->authority <= AUTHORITY_MAX);
        memcpy(at, "S-1-", 4);
        at += 4;
        if (sid->authority <= UINT32_MAX) {
                at = put_number(at, sid->authority, 10);
        } else {
                *at++ = '0';
                *at++ = 'x';
                at = put_number(at, sid->authority, 16);
        }
        for (uint32_t i = 0; i < sid->count; i++) {
                *at++ = '-';
                at = put_number(at, sid->words[i], 10);
        }
        *at = '\0';
        return (size_t)(at - text);
}

size_t
wr_sid_read(struct wr_sid *sid, const void *bytes, size_t size)
{
        const uint8_t *at = bytes;
        uint32_t count;

        *sid = (struct wr_sid){ 0 };
        if (size < 8 || at[0] != 1 || at[1] == 0 || at[1] > WR_SID_WORDS_MAX)
                return 0;
        count = at[1];
        if (size < 8 + 4 * (size_t)count)
                return 0;
        for (int i = 2; i < 8; i++)
                sid->authority = sid->authority << 8 | at[i];
        sid->count = count;
        for (uint32_t i = 0; i < count; i++) {
                const uint8_t *word = at + 8 + 4 * i;

                sid->words[i] =
                        (uint32_t)word[0] | (uint32_t)word[1] << 8 | (uint32_t)word[2] << 16 | (uint32_t)word[3] << 24;
        }
        return wr_sid_size(sid);
}

size_t
wr_sid_size(const struct wr_sid *sid)
{
        assert(sid->count <= WR_SID_WORDS_MAX);
        return 8 + 4 * (size_t)sid->count;
}

size_t
wr_sid_write(const struct wr_sid *sid, void *bytes)
{
        uint8_t *at = bytes;

        assert(sid->count > 0 && sid->count <= WR_SID_WORDS_MAX && sid->authority <= AUTHORITY_MAX);
        at[0] = 1;
        at[1] = (uint8_t)sid->count;
        for (int i = 0; i < 6; i++)
                at[2 + i] = (uint8_t)(sid->authority >> (40 - 8 * i));
        for (uint32_t i = 0; i < sid->count; i++)
                for (int byte = 0; byte < 4; byte++)
                        at[8 + 4 * i + (uint32_t)byte] = (uint8_t)(sid->words[i] >> (8 * byte));
        return wr_sid_size(sid);
}

bool
wr_sid_equal(const struct wr_sid *a, const struct wr_sid *b)
{
        return a->authority == b->authority && a->count == b->count &&
               memcmp(a->words, b->words, a->count * sizeof(a->words[0])) == 0;
}
