/*
 * A security identifier: who or what an access list speaks of, in Windows' own form on both systems.
 *
 *      S-1-15-2-466767348-...        text:   revision, authority, up to 15 words
 *      01 08 00 00 00 00 00 0f ...   bytes:  revision, count, authority (big-endian, 6 bytes), words (little-endian)
 *
 * Source: MS-DTYP 2.4.2. Pure: no system call, no allocation.
 */
#ifndef WR_SID_H
#define WR_SID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WR_SID_WORDS_MAX = 15, WR_SID_BYTES_MAX = 8 + 4 * WR_SID_WORDS_MAX, WR_SID_TEXT_MAX = 192 };

/* A count of 0 is no SID: neither text nor bytes ever give one, so it may stand for "none". */
struct wr_sid {
        uint64_t authority; /* below 2^48 */
        uint32_t count;
        uint32_t words[WR_SID_WORDS_MAX]; /* those behind `count` are 0 */
};

/* The whole of `text`: S-1-..., authority and at least one word, decimal without leading zeros or 0x and hex, the S in
 * either case. What does not fit into 48 or 32 bits is refused. */
bool
wr_sid_parse(struct wr_sid *sid, const char *text, size_t size);

/* Writes at most WR_SID_TEXT_MAX bytes with the final 0 and returns the length. An authority of 2^32 and more prints
 * in hex, upper case without leading zeros, as recorded from Windows. */
size_t
wr_sid_text(const struct wr_sid *sid, char text[WR_SID_TEXT_MAX]);

/* From untrusted bytes; returns how many it took, 0 for a cut one, another revision, none or too many words. */
size_t
wr_sid_read(struct wr_sid *sid, const void *bytes, size_t size);

size_t
wr_sid_size(const struct wr_sid *sid);

/* Writes wr_sid_size() bytes and returns that. */
size_t
wr_sid_write(const struct wr_sid *sid, void *bytes);

bool
wr_sid_equal(const struct wr_sid *a, const struct wr_sid *b);

/* A user or group of Linux by its number: S-1-22-1-UID, S-1-22-2-GID. */
struct wr_sid
wr_sid_of_uid(uint32_t number);

struct wr_sid
wr_sid_of_gid(uint32_t number);

/* False: it is no user or group of Linux. `number` and `is_group` may be NULL. */
bool
wr_sid_is_unix(const struct wr_sid *sid, uint32_t *number, bool *is_group);

#endif
