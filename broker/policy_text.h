/* Text that grows, and where in a policy file an entry and its keys stand. For policy_edit.c. */
#ifndef WR_POLICY_TEXT_H
#define WR_POLICY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { WR_POLICY_ELEMENTS_MAX = 256 };

struct wr_policy_text {
        char *bytes;
        size_t size, room;
        bool failed; /* no memory */
};

/* Replaces [from, to) by `with`. */
void
wr_policy_text_splice(struct wr_policy_text *text, size_t from, size_t to, const char *with, size_t with_size);

/* The same with a string, at the end. */
void
wr_policy_text_add(struct wr_policy_text *text, const char *what);

/* As a basic string of TOML, with its quotes. */
void
wr_policy_text_quote(struct wr_policy_text *text, const char *what);

/* Where things stand, in bytes. */
struct wr_policy_element {
        size_t from, to;
};

struct wr_policy_spot {
        bool has_entry, has_key;
        size_t header_end; /* behind the ']' */
        size_t entry_end;  /* behind the value of its last key; the header's end if it has none */
        unsigned line;     /* of the key */
        size_t value_from, value_to;
        unsigned count;
        struct wr_policy_element elements[WR_POLICY_ELEMENTS_MAX];
};

/* The text is known to be a sound policy. key: one of the entry's, or NULL. */
void
wr_policy_text_find(const struct wr_policy_text *text, const char *entry, const char *key, struct wr_policy_spot *spot);

/* Behind the line break of the line of `at`; the end of the text where there is none. */
size_t
wr_policy_text_line_end(const struct wr_policy_text *text, size_t at);

/* An element more, quoted already, in the manner of those that are there. */
void
wr_policy_text_insert(struct wr_policy_text *text, const struct wr_policy_spot *spot,
                      const struct wr_policy_text *element);

/* An element less, with its comma, and with its line if nothing else stands there. */
void
wr_policy_text_remove(struct wr_policy_text *text, const struct wr_policy_element *element);

#endif
