/*
 * A condition from the inside: its bytes, which are in postfix order, as a tree that points into them.
 */
#ifndef WR_CONDITION_TREE_H
#define WR_CONDITION_TREE_H

#include "named-objects/rights/condition.h"

/* The bytes that tokens begin with, as far as the subset goes. Any integer is followed by eight bytes of value, its
 * sign and its base; a text by its size in bytes and UTF-16; a list by the size of the literals in it. */
enum {
        WR_TOKEN_PADDING = 0x00,
        WR_TOKEN_INT8 = 0x01,
        WR_TOKEN_INT64 = 0x04,
        WR_TOKEN_TEXT = 0x10,
        WR_TOKEN_LIST = 0x50,
        WR_TOKEN_CONTAINS = 0x86,
        WR_TOKEN_EXISTS = 0x87,
        WR_TOKEN_AND = 0xa0,
        WR_TOKEN_OR = 0xa1,
        WR_TOKEN_NOT = 0xa2,
        WR_TOKEN_LOCAL = 0xf8, /* an attribute that is written without @ */
        WR_TOKEN_USER = 0xf9,
        WR_TOKEN_DEVICE = 0xfb
};

enum { WR_BASE_OCTAL = 1, WR_BASE_DECIMAL = 2, WR_BASE_HEX = 3, WR_SIGN_NONE = 3 };

enum { WR_CONDITION_HEAD_BYTES = 4, WR_ATTRIBUTES = 5 };

extern const uint8_t wr_condition_head[WR_CONDITION_HEAD_BYTES]; /* "artx" */

/* The attributes of the subset, in ASCII and in their canonical case. */
extern const char *const wr_condition_attributes[WR_ATTRIBUTES];

struct wr_condition_node {
        uint8_t token;       /* an operator */
        uint8_t left, right; /* nodes: the operands of AND and OR; NOT has but the left */
        uint8_t attribute;   /* of EXISTS and CONTAINS: which of the above */
        bool list;           /* of CONTAINS: its literals stood in braces */
        const uint8_t *name; /* of the attribute as it stood, UTF-16LE */
        size_t name_size;
        const uint8_t *literals; /* of CONTAINS */
        size_t literals_size;
};

/* Its root is the last node. */
struct wr_condition_tree {
        uint32_t count;
        struct wr_condition_node nodes[WR_CONDITION_DEPTH_MAX];
};

struct wr_literal {
        const uint8_t *text; /* UTF-16LE; NULL: it is a number */
        size_t text_size;
        uint64_t number;
        uint8_t base;
};

/* Why bytes are refused: a constant sentence and, of an attribute, the name that the bytes give it. */
struct wr_refusal {
        const char *sentence;
        const uint8_t *name; /* UTF-16LE within the bytes; NULL: none */
        size_t name_size;
};

/* False: *refusal is filled. */
bool
wr_condition_tree(struct wr_condition_tree *tree, const uint8_t *bytes, size_t size, struct wr_refusal *refusal);

/* The whole sentence; as snprintf. */
size_t
wr_condition_refusal(const struct wr_refusal *refusal, char *what, size_t room);

/* Walks the literals of a CONTAINS: `at` begins as 0; false behind the last one. */
bool
wr_condition_tree_next(const struct wr_condition_node *contains, size_t *at, struct wr_literal *literal);

/* Index of an attribute by its ASCII name, WR_ATTRIBUTES if it is none of the subset. */
uint8_t
wr_condition_tree_attribute(const char *name, size_t size);

/* NULL, or why UTF-16LE cannot be a text of a condition: neither quotes, nor control characters, nor half a pair. */
const char *
wr_condition_tree_text(const uint8_t *text, size_t size);

#endif
