/*
 * A small part of TOML, read in one pass without memory of its own:
 *
 *      # comment
 *      [table."quoted part"]            one or two parts
 *      key = "string"                   or 'literal'
 *      key = ["strings", "only", ]      may span lines and hold comments
 *      key = 16_384                     or true, false
 *
 * Everything else of TOML is refused with a sentence that says what it is. Each error has its line and column, both
 * from 1; a column counts characters, not bytes.
 */
#ifndef WR_POLICY_FILE_H
#define WR_POLICY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WR_POLICY_TEXT_MAX = 8192, WR_POLICY_FILE_MAX = 1 << 20 }; /* bytes of a string, of a file */

enum wr_setting_kind {
        WR_SETTING_TABLE,   /* a table's header; key is NULL */
        WR_SETTING_STRING,  /* text */
        WR_SETTING_INTEGER, /* number */
        WR_SETTING_BOOLEAN, /* number: 0 or 1 */
        WR_SETTING_ARRAY,   /* an array begins; its elements follow */
        WR_SETTING_ELEMENT, /* text: one element of it */
        WR_SETTING_END      /* of the array */
};

struct wr_setting {
        enum wr_setting_kind kind;
        const char *table, *entry; /* [table] or [table."entry"]; "" where there is none */
        const char *key, *text;
        int64_t number;
        unsigned line, column; /* of the value, or of the header */
        size_t from, to;       /* its bytes in the text: of a string with its quotes, of an array the one bracket */
};

/* Called for each setting in the file's order; the strings hold during the call. NULL, or what is wrong with it. */
typedef const char *
wr_setting_visit(void *user, const struct wr_setting *setting);

struct wr_policy_error {
        unsigned line, column;
        const char *what; /* from the reader or from `visit` */
};

/* False: `error` says where and what. text: may be NULL if it has no bytes. */
bool
wr_policy_file_read(const char *text, size_t size, wr_setting_visit *visit, void *user, struct wr_policy_error *error);

#endif
