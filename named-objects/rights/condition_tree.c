/*
 * From bytes to a tree, with a stack: an operand pushes, an operator pops its operands and pushes what it makes.
 *
 *      artx  WIN://SYSAPPID  "a"  Contains  WIN://BGKD  Exists  !  &&  0 0 0
 *            attribute       lit  \__ condition         \_______/
 *                                     \____________________ condition: alone at the end
 */
#include "named-objects/rights/condition_tree.h"
#include "named-objects/rights/line.h"

#include <string.h>

const uint8_t wr_condition_head[WR_CONDITION_HEAD_BYTES] = { 'a', 'r', 't', 'x' };

const char *const wr_condition_attributes[WR_ATTRIBUTES] = { "WIN://SYSAPPID", "WIN://PKG", "WIN://PKGHOSTID",
                                                             "WIN://NOALLAPPPKG", "WIN://BGKD" };

enum kind { ATTRIBUTE, LITERAL, CONDITION };

struct item {
        enum kind kind;
        bool list;
        uint8_t node, attribute;
        const uint8_t *bytes;
        size_t size;
};

/* Each pending condition may wait beside one attribute and one literal. */
enum { STACK_MAX = WR_CONDITION_DEPTH_MAX + 2, INTEGER_BYTES = 1 + 8 + 2 };

struct builder {
        struct wr_condition_tree *tree;
        const uint8_t *at, *end;
        struct item stack[STACK_MAX];
        size_t height;
        struct wr_refusal refusal;
};

static bool
refuse(struct builder *b, const char *sentence)
{
        b->refusal.sentence = sentence;
        return false;
}

static const char *
foreign_token(uint8_t token)
{
        static const char *const sentences[256] = {
                [0x18] = "octet strings in a condition are outside the subset",
                [0x51] = "a SID in a condition is outside the subset",
                [0x80] = "the operator == of a condition is outside the subset",
                [0x81] = "the operator != of a condition is outside the subset",
                [0x82] = "the operator < of a condition is outside the subset",
                [0x83] = "the operator <= of a condition is outside the subset",
                [0x84] = "the operator > of a condition is outside the subset",
                [0x85] = "the operator >= of a condition is outside the subset",
                [0x88] = "the operator Any_of of a condition is outside the subset",
                [0x89] = "the operator Member_of of a condition is outside the subset",
                [0x8a] = "the operator Device_Member_of of a condition is outside the subset",
                [0x8b] = "the operator Member_of_Any of a condition is outside the subset",
                [0x8c] = "the operator Device_Member_of_Any of a condition is outside the subset",
                [0x8d] = "the operator Not_Exists of a condition is outside the subset",
                [0x8e] = "the operator Not_Contains of a condition is outside the subset",
                [0x8f] = "the operator Not_Any_of of a condition is outside the subset",
                [0x90] = "the operator Not_Member_of of a condition is outside the subset",
                [0x91] = "the operator Not_Device_Member_of of a condition is outside the subset",
                [0x92] = "the operator Not_Member_of_Any of a condition is outside the subset",
                [0x93] = "the operator Not_Device_Member_of_Any of a condition is outside the subset",
                [0xf9] = "attributes of the user (@User) in a condition are outside the subset",
                [0xfa] = "attributes of the resource (@Resource) in a condition are outside the subset",
                [0xfb] = "attributes of the device (@Device) in a condition are outside the subset",
        };

        return sentences[token] != NULL ? sentences[token] : "a condition has a token that nobody defined";
}

uint8_t
wr_condition_tree_attribute(const char *name, size_t size)
{
        uint8_t found = 0;

        for (; found < WR_ATTRIBUTES; found++) {
                const char *known = wr_condition_attributes[found];
                size_t same = 0;

                /* Upper case is one bit away for letters; ':' and '/' would share it with controls, so no match. */
                while (same < size && known[same] != '\0' &&
                       (name[same] == known[same] ||
                        (known[same] >= 'A' && known[same] <= 'Z' && name[same] == (char)(known[same] | 0x20))))
                        same++;
                if (same == size && known[same] == '\0')
                        break;
        }
        return found;
}

const char *
wr_condition_tree_text(const uint8_t *text, size_t size)
{
        if (size % 2 != 0)
                return "a text of a condition is half a character short";
        for (size_t i = 0; i < size; i += 2) {
                uint32_t unit = (uint32_t)text[i] | (uint32_t)text[i + 1] << 8;
                uint32_t next = i + 3 < size ? (uint32_t)text[i + 2] | (uint32_t)text[i + 3] << 8 : 0;

                if (unit < 0x20 || unit == 0x7f || unit == '"')
                        return "a text of a condition has a quote or a control character in it";
                if (unit >= 0xdc00 && unit < 0xe000)
                        return "a text of a condition has half a pair of surrogates";
                if (unit < 0xd800 || unit >= 0xe000)
                        continue;
                if (next < 0xdc00 || next >= 0xe000)
                        return "a text of a condition has half a pair of surrogates";
                i += 2;
        }
        return NULL;
}

/* Reads the size behind the token at b->at; what it counts is then at *bytes, and b->at behind it. */
static bool
sized_read(struct builder *b, const uint8_t **bytes, size_t *size)
{
        const uint8_t *at = b->at + 1;

        if (b->end - b->at < 5)
                return refuse(b, "a condition is cut");
        *size = (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
        *bytes = at + 4;
        if (*size > (size_t)(b->end - *bytes))
                return refuse(b, "a condition is cut");
        b->at = *bytes + *size;
        return true;
}

static bool
literal_check(struct builder *b)
{
        const uint8_t *text;
        size_t size;

        if (*b->at >= WR_TOKEN_INT8 && *b->at <= WR_TOKEN_INT64) {
                if (b->end - b->at < INTEGER_BYTES)
                        return refuse(b, "a condition is cut");
                if (b->at[9] != WR_SIGN_NONE || b->at[10] < WR_BASE_OCTAL || b->at[10] > WR_BASE_HEX)
                        return refuse(b, "a number of a condition has a sign or an unknown base");
                b->at += INTEGER_BYTES;
                return true;
        }
        if (*b->at != WR_TOKEN_TEXT)
                return refuse(b, *b->at == WR_TOKEN_LIST ? "a list of a condition has a list in it"
                                                         : foreign_token(*b->at));
        if (!sized_read(b, &text, &size))
                return false;
        b->refusal.sentence = wr_condition_tree_text(text, size);
        return b->refusal.sentence == NULL;
}

static bool
push(struct builder *b, struct item item)
{
        if (b->height == STACK_MAX)
                return refuse(b, "a condition has too many operands");
        b->stack[b->height++] = item;
        return true;
}

static bool
literal_read(struct builder *b)
{
        const uint8_t *from = b->at;

        return literal_check(b) &&
               push(b, (struct item){ .kind = LITERAL, .bytes = from, .size = (size_t)(b->at - from) });
}

static bool
list_read(struct builder *b)
{
        const uint8_t *end = b->end, *behind;
        struct item item = { .kind = LITERAL, .list = true };

        if (!sized_read(b, &item.bytes, &item.size))
                return false;
        if (item.size == 0)
                return refuse(b, "a list of a condition is empty");
        behind = b->at;
        b->at = item.bytes;
        b->end = behind;
        while (b->at < behind)
                if (!literal_check(b))
                        return false;
        b->end = end;
        return push(b, item);
}

static bool
attribute_read(struct builder *b)
{
        struct item item = { .kind = ATTRIBUTE };
        char name[24];

        if (!sized_read(b, &item.bytes, &item.size))
                return false;
        item.attribute = WR_ATTRIBUTES;
        if (item.size % 2 == 0 && item.size <= 2 * sizeof(name)) {
                for (size_t i = 0; i < item.size / 2; i++)
                        name[i] = item.bytes[2 * i + 1] == 0 ? (char)item.bytes[2 * i] : '\0';
                item.attribute = wr_condition_tree_attribute(name, item.size / 2);
        }
        if (item.attribute == WR_ATTRIBUTES) {
                b->refusal.name = item.bytes;
                b->refusal.name_size = item.size;
                return refuse(b, "a condition names an attribute that is outside the subset");
        }
        return push(b, item);
}

/* Of the user, the resource or the device. */
static bool
foreign_attribute_read(struct builder *b)
{
        uint8_t token = *b->at;
        const uint8_t *name;
        size_t size;

        if (!sized_read(b, &name, &size))
                return false;
        b->refusal.name = name;
        b->refusal.name_size = size;
        return refuse(b, foreign_token(token));
}

/* Pops the operator's operands, last first, and pushes what it makes of them. */
static bool
operator_read(struct builder *b)
{
        uint8_t token = *b->at++;
        bool two = token != WR_TOKEN_EXISTS && token != WR_TOKEN_NOT;
        bool logical = token == WR_TOKEN_NOT || token == WR_TOKEN_AND || token == WR_TOKEN_OR;
        struct wr_condition_node *node = &b->tree->nodes[b->tree->count];
        const struct item *first, *second;

        if (b->tree->count == WR_CONDITION_DEPTH_MAX)
                return refuse(b, "a condition has more than 64 operators");
        if (b->height < (two ? 2u : 1u))
                return refuse(b, "an operator of a condition has no operand");
        b->height -= two ? 2 : 1;
        first = &b->stack[b->height];
        second = &b->stack[b->height + 1];
        if (first->kind != (logical ? CONDITION : ATTRIBUTE) ||
            (two && second->kind != (logical ? CONDITION : LITERAL)))
                return refuse(b, "an operator of a condition has an operand of the wrong kind");
        *node = (struct wr_condition_node){ .token = token };
        if (logical) {
                node->left = first->node;
                node->right = two ? second->node : 0;
        } else {
                node->attribute = first->attribute;
                node->name = first->bytes;
                node->name_size = first->size;
        }
        if (token == WR_TOKEN_CONTAINS) {
                node->literals = second->bytes;
                node->literals_size = second->size;
                node->list = second->list;
        }
        return push(b, (struct item){ .kind = CONDITION, .node = (uint8_t)b->tree->count++ });
}

static bool
token_read(struct builder *b)
{
        switch (*b->at) {
        case WR_TOKEN_LOCAL: return attribute_read(b);
        case WR_TOKEN_LIST: return list_read(b);
        case WR_TOKEN_CONTAINS:
        case WR_TOKEN_EXISTS:
        case WR_TOKEN_AND:
        case WR_TOKEN_OR:
        case WR_TOKEN_NOT: return operator_read(b);
        default:
                return *b->at >= WR_TOKEN_USER && *b->at <= WR_TOKEN_DEVICE ? foreign_attribute_read(b)
                                                                            : literal_read(b);
        }
}

static bool
rest_is_padding(const struct builder *b)
{
        for (const uint8_t *at = b->at; at < b->end; at++)
                if (*at != WR_TOKEN_PADDING)
                        return false;
        return b->end - b->at < 4;
}

bool
wr_condition_tree(struct wr_condition_tree *tree, const uint8_t *bytes, size_t size, struct wr_refusal *refusal)
{
        struct builder b = { .tree = tree };
        bool good = true;

        tree->count = 0;
        *refusal = (struct wr_refusal){ .sentence = "a condition is no expression" };
        if (size < sizeof(wr_condition_head) || memcmp(bytes, wr_condition_head, sizeof(wr_condition_head)) != 0)
                return false;
        refusal->sentence = "a condition has an impossible size";
        if (size % 4 != 0 || size > WR_CONDITION_BYTES_MAX)
                return false;
        b.at = bytes + sizeof(wr_condition_head);
        b.end = bytes + size;
        while (good && b.at < b.end && *b.at != WR_TOKEN_PADDING)
                good = token_read(&b);
        if (good && !rest_is_padding(&b))
                good = refuse(&b, "a condition has bytes behind its end");
        else if (good && (b.height != 1 || b.stack[0].kind != CONDITION))
                good = refuse(&b, "a condition is not one expression; an attribute alone is none");
        *refusal = b.refusal;
        return good;
}

bool
wr_condition_tree_next(const struct wr_condition_node *contains, size_t *at, struct wr_literal *literal)
{
        const uint8_t *token = contains->literals + *at;

        if (*at >= contains->literals_size)
                return false;
        *literal = (struct wr_literal){ 0 };
        if (*token == WR_TOKEN_TEXT) {
                literal->text = token + 5;
                literal->text_size = (size_t)token[1] | (size_t)token[2] << 8; /* fits: the whole is below 64 KiB */
                *at += 5 + literal->text_size;
                return true;
        }
        for (int i = 8; i > 0; i--)
                literal->number = literal->number << 8 | token[i];
        literal->base = token[10];
        *at += INTEGER_BYTES;
        return true;
}

size_t
wr_condition_refusal(const struct wr_refusal *refusal, char *what, size_t room)
{
        char name[64];
        struct wr_line line;
        size_t length = refusal->name_size / 2;

        wr_line_begin(&line, what, room);
        wr_line_add(&line, refusal->sentence);
        if (refusal->name == NULL)
                return line.length;
        for (size_t i = 0; i < length && i < sizeof(name); i++)
                name[i] = refusal->name[2 * i + 1] == 0 ? (char)refusal->name[2 * i] : '?';
        wr_line_add(&line, ": ");
        wr_line_quote(&line, name, length < sizeof(name) ? length : sizeof(name));
        return line.length;
}
