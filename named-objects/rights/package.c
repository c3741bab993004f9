/*
 * Names to SIDs and ids. Every rule is the same walk with other ends:
 *
 *      UTF-8  ->  UTF-16LE in one case or as it is  ->  SHA-256  ->  some of the eight words, or 64 bits in base 32
 */
#include "named-objects/rights/package.h"

#include "named-objects/rights/sha256.h"
#include "named-objects/rights/utf16.h"

#include <string.h>

enum { PACKAGE_AUTHORITY = 15, NT_AUTHORITY = 5, PACKAGES = 2, CAPABILITIES = 3, NAMED = 1024, BUILTIN = 32 };

#define UNSIGNED_MARKER "OID.2.25.311729368913984317654407730594956997722=1"

/* The capabilities that were there before the rule, in the order of their numbers from 1. */
static const char *const numbered[] = {
        "internetClient",
        "internetClientServer",
        "privateNetworkClientServer",
        "picturesLibrary",
        "videosLibrary",
        "musicLibrary",
        "documentsLibrary",
        "enterpriseAuthentication",
        "sharedUserCertificates",
        "removableStorage",
        "appointments",
        "contacts",
};

/* The eight words of the hash, as the bytes stand. */
static bool
hash_words(const char *text, size_t size, enum wr_utf16_case letters, uint32_t words[8])
{
        uint8_t wide[2 * WR_MONIKER_MAX], digest[WR_SHA256_BYTES];
        size_t units;

        if (!wr_utf16_from(text, size, letters, wide, WR_MONIKER_MAX, &units) || units == 0)
                return false;
        if (!wr_sha256(wide, 2 * units, digest))
                return false;
        for (int i = 0; i < 8; i++)
                words[i] = (uint32_t)digest[4 * i] | (uint32_t)digest[4 * i + 1] << 8 |
                           (uint32_t)digest[4 * i + 2] << 16 | (uint32_t)digest[4 * i + 3] << 24;
        return true;
}

static void
append(struct wr_sid *sid, const uint32_t *words, uint32_t count)
{
        memcpy(sid->words + sid->count, words, count * sizeof(words[0]));
        sid->count += count;
}

bool
wr_package_sid(struct wr_sid *sid, const char *moniker, size_t size)
{
        uint32_t words[8];

        *sid = (struct wr_sid){ .authority = PACKAGE_AUTHORITY, .count = 1, .words = { PACKAGES } };
        if (!hash_words(moniker, size, WR_UTF16_LOWER, words))
                return false;
        append(sid, words, WR_PACKAGE_SID_WORDS - 1);
        return true;
}

bool
wr_package_is_sid(const struct wr_sid *sid)
{
        return sid->authority == PACKAGE_AUTHORITY && sid->words[0] == PACKAGES &&
               (sid->count == WR_PACKAGE_SID_WORDS || sid->count == WR_CHILD_SID_WORDS);
}

bool
wr_package_child_sid(struct wr_sid *sid, const struct wr_sid *package, const char *name, size_t size)
{
        uint32_t words[8];

        *sid = *package;
        if (!wr_package_is_sid(package) || package->count != WR_PACKAGE_SID_WORDS)
                return false;
        if (!hash_words(name, size, WR_UTF16_AS_IS, words))
                return false;
        append(sid, words + 3, WR_CHILD_SID_WORDS - WR_PACKAGE_SID_WORDS);
        return true;
}

static bool
same_in_either_case(const char *a, const char *b, size_t size)
{
        for (size_t i = 0; i < size; i++) {
                unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];
                unsigned char letter = x | 0x20;

                if (x != y && ((x ^ y) != 0x20 || letter < 'a' || letter > 'z'))
                        return false;
        }
        return true;
}

/* From 1; 0 for a capability that follows the rule. */
static uint32_t
number_of(const char *name, size_t size)
{
        for (uint32_t i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++)
                if (size == strlen(numbered[i]) && same_in_either_case(name, numbered[i], size))
                        return i + 1;
        return 0;
}

bool
wr_package_capability_sid(struct wr_sid *sid, const char *name, size_t size)
{
        uint32_t words[8], number = number_of(name, size);

        *sid = (struct wr_sid){ .authority = PACKAGE_AUTHORITY, .count = 2, .words = { CAPABILITIES, number } };
        if (number > 0)
                return true;
        if (!hash_words(name, size, WR_UTF16_UPPER, words))
                return false;
        sid->words[1] = NAMED;
        append(sid, words, 8);
        return true;
}

bool
wr_package_capability_group(struct wr_sid *sid, const char *name, size_t size)
{
        uint32_t words[8];

        *sid = (struct wr_sid){ .authority = NT_AUTHORITY, .count = 1, .words = { BUILTIN } };
        if (!hash_words(name, size, WR_UTF16_UPPER, words))
                return false;
        append(sid, words, 8);
        return true;
}

bool
wr_package_own_capability(struct wr_sid *sid, const struct wr_sid *package)
{
        *sid = (struct wr_sid){ .authority = PACKAGE_AUTHORITY, .count = 1, .words = { CAPABILITIES } };
        if (!wr_package_is_sid(package) || package->count != WR_PACKAGE_SID_WORDS)
                return false;
        append(sid, package->words + 1, WR_PACKAGE_SID_WORDS - 1);
        return true;
}

/* 64 bits from the top and one zero bit behind them make thirteen digits of five bits. */
static void
base_32(const uint8_t digest[WR_SHA256_BYTES], char id[WR_PUBLISHER_ID_SIZE + 1])
{
        uint64_t bits = 0;

        for (int i = 0; i < 8; i++)
                bits = bits << 8 | digest[i];
        for (int i = 0; i < WR_PUBLISHER_ID_SIZE; i++) {
                uint64_t digit = i < 12 ? bits >> (59 - 5 * i) : bits << 1;

                id[i] = "0123456789abcdefghjkmnpqrstvwxyz"[digit & 31];
        }
        id[WR_PUBLISHER_ID_SIZE] = '\0';
}

bool
wr_package_publisher_id(char id[WR_PUBLISHER_ID_SIZE + 1], const char *publisher, size_t size)
{
        uint8_t wide[2 * WR_PUBLISHER_MAX], digest[WR_SHA256_BYTES];
        size_t units;

        id[0] = '\0';
        if (!wr_utf16_from(publisher, size, WR_UTF16_AS_IS, wide, WR_PUBLISHER_MAX, &units) || units == 0)
                return false;
        if (!wr_sha256(wide, 2 * units, digest))
                return false;
        base_32(digest, id);
        return true;
}

/* Where the field that begins at `first` ends: at a comma, semicolon or plus that neither quotes nor a backslash
 * cover, or at the end. */
static size_t
field_end(const char *text, size_t size, size_t first)
{
        bool quoted = false;

        for (size_t i = first; i < size; i++) {
                if (text[i] == '\\')
                        i++;
                else if (text[i] == '"')
                        quoted = !quoted;
                else if (!quoted && (text[i] == ',' || text[i] == ';' || text[i] == '+'))
                        return i;
        }
        return size;
}

static bool
is_marker(const char *text, size_t first, size_t end)
{
        while (first < end && text[first] == ' ')
                first++;
        while (first < end && text[end - 1] == ' ')
                end--;
        return end - first == strlen(UNSIGNED_MARKER) &&
               same_in_either_case(text + first, UNSIGNED_MARKER, end - first);
}

enum wr_publisher_kind
wr_package_publisher_kind(const char *publisher, size_t size)
{
        enum wr_publisher_kind kind = WR_PUBLISHER_SIGNED;
        size_t end;

        for (size_t first = 0; first <= size; first = end + 1) {
                end = field_end(publisher, size, first);
                if (kind != WR_PUBLISHER_SIGNED)
                        return WR_PUBLISHER_MISPLACED;
                if (is_marker(publisher, first, end))
                        kind = WR_PUBLISHER_UNSIGNED;
        }
        return kind;
}
