/* The grammar of topic names: 1 to WR_TOPIC_MAX bytes of UTF-8 without control characters, segments separated by
 * '/', no empty segment, no "." or "..", no '*' in a segment of a name (it belongs to patterns). */
#ifndef WR_TOPIC_GRAMMAR_H
#define WR_TOPIC_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

/* `why` (may be NULL) gets a constant sentence on a refusal, such as "a segment is empty". */
bool
wr_topic_valid(const char *name, const char **why);

/* A pattern: as a name, and '*' matches any bytes within a segment, a segment "**" any number of segments. */
bool
wr_topic_pattern_valid(const char *pattern, const char **why);

bool
wr_topic_matches(const char *pattern, const char *name);

/* Bytes in front of the first '*'; of an exact name its length. */
size_t
wr_topic_prefix(const char *pattern);

#endif
