/*
 * The expression of a conditional entry: as text, as the bytes that stand behind the entry's SID, and its value.
 *
 *      (Exists WIN://SYSAPPID)      (WIN://SYSAPPID Contains "org.weir.Camera")      (!(A) && (B || C))
 *
 * The subset that speaks of packages: Exists, Contains, !, &&, || over the attributes WIN://SYSAPPID, WIN://PKG,
 * WIN://PKGHOSTID, WIN://NOALLAPPPKG and WIN://BGKD. Any other operator or attribute is refused by name when it is
 * read, from text and from bytes alike, so that no later check meets what it cannot judge. Contains takes a string, a
 * number, or a list of them: {"a", 1}. What ! negates stands in parentheses; && binds more tightly than ||. Operators
 * and attributes are the same in upper and lower case; printed are the canonical operator and the attribute as it
 * stood. Bytes: "artx", then tokens in postfix order, padded with 0 to four. Source: MS-DTYP 2.4.4.17.
 */
#ifndef WR_CONDITION_H
#define WR_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_token;

enum {
        WR_CONDITION_BYTES_MAX = 8192,
        WR_CONDITION_DEPTH_MAX = 64, /* operators in one condition, and parentheses in each other */
        WR_CONDITION_TEXT_MAX = 4 * WR_CONDITION_BYTES_MAX /* no text of so many bytes is longer */
};

enum wr_truth { WR_FALSE, WR_TRUE, WR_UNKNOWN };

/* The text with its outer parentheses, in UTF-8. Returns the size of the bytes; 0: `what` gets the sentence, `at` the
 * place. `room` of WR_CONDITION_BYTES_MAX always suffices. */
size_t
wr_condition_parse(const char *text, size_t size, uint8_t *bytes, size_t room, size_t *at, char *what,
                   size_t what_room);

/* Untrusted bytes; `why` (may be NULL) gets a constant sentence, which names a foreign operator; wr_descriptor_refusal
 * names a foreign attribute too. Depth and size are bounded here, so that the two below cannot fail. */
bool
wr_condition_valid(const uint8_t *bytes, size_t size, const char **why);

/* With the outer parentheses and each operand of && and || in its own, as Windows prints them; as snprintf. The bytes
 * were valid. */
size_t
wr_condition_print(const uint8_t *bytes, size_t size, char *text, size_t room);

/* UNKNOWN: an attribute that Contains asks is missing, or has a value of another kind. Strings are the same in upper
 * and lower case of ASCII, as the names of packages are. */
enum wr_truth
wr_condition_value(const uint8_t *bytes, size_t size, const struct wr_token *token);

#endif
