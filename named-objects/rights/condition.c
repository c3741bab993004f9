/*
 * The value of a condition, in three values: what is not known stays unknown until something decides without it.
 *
 *      a && b   FALSE if either is;  a || b   TRUE if either is;  else UNKNOWN if either is
 */
#include "named-objects/rights/condition.h"
#include "named-objects/rights/condition_tree.h"
#include "named-objects/rights/token.h"
#include "named-objects/rights/utf16.h"

#include <string.h>

static const struct wr_attribute *
attribute_of(const struct wr_token *token, uint8_t attribute)
{
        for (size_t i = 0; i < token->attribute_count; i++) {
                const struct wr_attribute *candidate = &token->attributes[i];
                bool empty = candidate->strings != NULL && candidate->count == 0;

                if (!empty && wr_condition_tree_attribute(candidate->name, strlen(candidate->name)) == attribute)
                        return candidate;
        }
        return NULL;
}

static uint8_t
lower(const uint8_t *unit)
{
        return unit[1] == 0 && unit[0] >= 'A' && unit[0] <= 'Z' ? (uint8_t)(unit[0] | 0x20) : unit[0];
}

/* A string of the token and a literal, which has room for no more units than it has itself. */
static bool
is_same(const char *string, const struct wr_literal *literal)
{
        uint8_t units[WR_CONDITION_BYTES_MAX];
        size_t count, expected = literal->text_size / 2;

        if (!wr_utf16_from(string, strlen(string), WR_UTF16_LOWER, units, expected, &count) || count != expected)
                return false;
        for (size_t i = 0; i < 2 * count; i += 2)
                if (units[i] != lower(literal->text + i) || units[i + 1] != literal->text[i + 1])
                        return false;
        return true;
}

static enum wr_truth
has_literal(const struct wr_attribute *attribute, const struct wr_literal *literal)
{
        if ((attribute->strings == NULL) != (literal->text == NULL))
                return WR_UNKNOWN; /* a number is not among strings, nor missing from them */
        if (literal->text == NULL)
                return attribute->number == literal->number ? WR_TRUE : WR_FALSE;
        for (size_t i = 0; i < attribute->count; i++)
                if (is_same(attribute->strings[i], literal))
                        return WR_TRUE;
        return WR_FALSE;
}

static enum wr_truth
both(enum wr_truth a, enum wr_truth b)
{
        if (a == WR_FALSE || b == WR_FALSE)
                return WR_FALSE;
        return a == WR_UNKNOWN || b == WR_UNKNOWN ? WR_UNKNOWN : WR_TRUE;
}

static enum wr_truth
opposite(enum wr_truth a)
{
        return a == WR_UNKNOWN ? WR_UNKNOWN : a == WR_TRUE ? WR_FALSE : WR_TRUE;
}

/* All of the literals must be there; one that cannot be compared leaves the whole unknown. */
static enum wr_truth
contains(const struct wr_condition_node *node, const struct wr_token *token)
{
        const struct wr_attribute *attribute = attribute_of(token, node->attribute);
        struct wr_literal literal;
        bool unknown = attribute == NULL, missing = false;

        for (size_t at = 0; attribute != NULL && wr_condition_tree_next(node, &at, &literal);) {
                enum wr_truth has = has_literal(attribute, &literal);

                unknown |= has == WR_UNKNOWN;
                missing |= has == WR_FALSE;
        }
        return unknown ? WR_UNKNOWN : missing ? WR_FALSE : WR_TRUE;
}

bool
wr_condition_valid(const uint8_t *bytes, size_t size, const char **why)
{
        struct wr_condition_tree tree;
        struct wr_refusal refusal;
        bool good = wr_condition_tree(&tree, bytes, size, &refusal);

        if (why != NULL)
                *why = refusal.sentence;
        return good;
}

enum wr_truth
wr_condition_value(const uint8_t *bytes, size_t size, const struct wr_token *token)
{
        struct wr_condition_tree tree;
        enum wr_truth values[WR_CONDITION_DEPTH_MAX] = { WR_UNKNOWN };
        struct wr_refusal refusal;

        if (!wr_condition_tree(&tree, bytes, size, &refusal))
                return WR_UNKNOWN;                  /* never of an opened descriptor; it allows nothing and denies */
        for (uint32_t i = 0; i < tree.count; i++) { /* operands come before their operator */
                const struct wr_condition_node *node = &tree.nodes[i];

                switch (node->token) {
                case WR_TOKEN_EXISTS:
                        values[i] = attribute_of(token, node->attribute) != NULL ? WR_TRUE : WR_FALSE;
                        break;
                case WR_TOKEN_CONTAINS: values[i] = contains(node, token); break;
                case WR_TOKEN_NOT: values[i] = opposite(values[node->left]); break;
                case WR_TOKEN_AND: values[i] = both(values[node->left], values[node->right]); break;
                default: values[i] = opposite(both(opposite(values[node->left]), opposite(values[node->right]))); break;
                }
        }
        return values[tree.count - 1];
}
