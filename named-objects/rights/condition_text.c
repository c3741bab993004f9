/*
 * A condition as text, by one function for each line of its grammar:
 *
 *      condition   "(" either ")"
 *      either      both  { "||" both }
 *      both        part  { "&&" part }
 *      part        condition | "!" condition | "Exists" attribute | attribute "Contains" value
 *      value       literal | "{" literal { "," literal } "}"
 *      literal     "text" | 17 | 021 | 0x11
 *
 * Each writes its tokens behind those of its operands, which is the order the bytes want. What is outside the subset
 * is refused by its name where it stands.
 */
#include "named-objects/rights/condition.h"
#include "named-objects/rights/condition_tree.h"
#include "named-objects/rights/line.h"
#include "named-objects/rights/utf16.h"

#include <string.h>

struct reader {
        const char *text;
        size_t size, at;
        uint8_t *bytes;
        size_t room, used;
        unsigned depth;
        size_t *error_at;
        struct wr_line what;
        bool failed;
};

/* Notes where and what; the caller may add to the sentence. Always false. */
static bool
fail(struct reader *r, size_t at, const char *what)
{
        r->failed = true;
        *r->error_at = at;
        wr_line_add(&r->what, what);
        return false;
}

static bool
fail_word(struct reader *r, size_t at, const char *what, size_t size, const char *rest)
{
        fail(r, at, what);
        wr_line_quote(&r->what, r->text + at, size);
        wr_line_add(&r->what, rest);
        return false;
}

static char
look(const struct reader *r)
{
        return r->at < r->size ? r->text[r->at] : '\0';
}

static void
skip_blanks(struct reader *r)
{
        while (look(r) == ' ' || look(r) == '\t' || look(r) == '\r' || look(r) == '\n')
                r->at++;
}

static bool
take(struct reader *r, const char *expected)
{
        size_t size = strlen(expected);

        skip_blanks(r);
        if (r->size - r->at < size || memcmp(r->text + r->at, expected, size) != 0)
                return false;
        r->at += size;
        return true;
}

/* Returns the size of the word that begins here: all up to a blank or a sign. */
static size_t
word_size(struct reader *r)
{
        size_t size = 0;

        skip_blanks(r);
        while (r->at + size < r->size && strchr(" \t\r\n(){}\",;&|!=<>", r->text[r->at + size]) == NULL)
                size++;
        return size;
}

static bool
is_word(const char *text, size_t size, const char *word)
{
        for (size_t i = 0; i < size; i++) {
                char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];

                if (word[i] == '\0' || c != (word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] | 0x20) : word[i]))
                        return false;
        }
        return word[size] == '\0';
}

static bool
is_foreign_operator(const char *text, size_t size)
{
        static const char *const words[] = {
                "Any_of",        "Not_Any_of",        "Not_Contains",         "Not_Exists",
                "Member_of",     "Device_Member_of",  "Member_of_Any",        "Device_Member_of_Any",
                "Not_Member_of", "Not_Member_of_Any", "Not_Device_Member_of", "Not_Device_Member_of_Any",
        };

        for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
                if (is_word(text, size, words[i]))
                        return true;
        return false;
}

static bool
fail_operator(struct reader *r, size_t size)
{
        return fail_word(r, r->at, "the operator ", size, " is outside the subset Exists, Contains, !, && and ||");
}

/* Returns where `size` more bytes stand; NULL once something has failed. */
static uint8_t *
put(struct reader *r, size_t size)
{
        uint8_t *place = r->bytes + r->used;

        if (!r->failed && size > r->room - r->used)
                fail(r, r->at, "the condition is too long");
        if (r->failed)
                return NULL;
        r->used += size;
        return place;
}

static bool
put_token(struct reader *r, uint8_t token)
{
        uint8_t *place = put(r, 1);

        if (place != NULL)
                *place = token;
        return place != NULL;
}

static void
write_32(uint8_t *to, size_t value)
{
        for (int i = 0; i < 4; i++)
                to[i] = (uint8_t)(value >> (8 * i));
}

/* A token with its size before UTF-8 that becomes UTF-16. */
static bool
put_text(struct reader *r, uint8_t token, const char *text, size_t size)
{
        uint8_t *place = put(r, 5);
        size_t units;
        const char *why;

        if (place == NULL)
                return false;
        if (!wr_utf16_from(text, size, WR_UTF16_AS_IS, r->bytes + r->used, (r->room - r->used) / 2, &units))
                return fail(r, (size_t)(text - r->text), "a text of the condition is too long or no UTF-8");
        why = wr_condition_tree_text(r->bytes + r->used, 2 * units);
        if (why != NULL)
                return fail(r, (size_t)(text - r->text), why);
        place[0] = token;
        write_32(place + 1, 2 * units);
        r->used += 2 * units;
        return true;
}

static bool
attribute_read(struct reader *r)
{
        size_t size = word_size(r), at = r->at;

        if (size == 0)
                return fail(r, at, "an attribute is missing");
        if (wr_condition_tree_attribute(r->text + at, size) == WR_ATTRIBUTES)
                return fail_word(
                        r, at, "the attribute ", size,
                        " is none of WIN://SYSAPPID, WIN://PKG, WIN://PKGHOSTID, WIN://NOALLAPPPKG, WIN://BGKD");
        r->at += size;
        return put_text(r, WR_TOKEN_LOCAL, r->text + at, size);
}

static int
digit_of(char c)
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
number_read(struct reader *r)
{
        size_t size = word_size(r), at = r->at, digit = 0;
        const char *word = r->text + at;
        uint8_t base_code = WR_BASE_DECIMAL, *place;
        uint64_t base = 10, number = 0;

        if (size > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
                base_code = WR_BASE_HEX;
                base = 16;
                digit = 2;
        } else if (size > 1 && word[0] == '0') {
                base_code = WR_BASE_OCTAL;
                base = 8;
        }
        for (; digit < size; digit++) {
                uint64_t value = (uint64_t)digit_of(word[digit]);

                if (value >= base || number > (UINT64_MAX - value) / base)
                        return fail_word(r, at, "no number of 64 bits: ", size, "");
                number = number * base + value;
        }
        r->at += size;
        place = put(r, 11);
        if (place == NULL)
                return false;
        place[0] = WR_TOKEN_INT64;
        for (int i = 0; i < 8; i++)
                place[1 + i] = (uint8_t)(number >> (8 * i));
        place[9] = WR_SIGN_NONE;
        place[10] = base_code;
        return true;
}

static bool
literal_read(struct reader *r)
{
        const char *text, *end;

        skip_blanks(r);
        if (look(r) >= '0' && look(r) <= '9')
                return number_read(r);
        if (look(r) != '"')
                return fail_word(r, r->at, "a \"text\" or a number is expected, not ", word_size(r), "");
        text = r->text + r->at + 1;
        end = memchr(text, '"', r->size - r->at - 1);
        if (end == NULL)
                return fail(r, r->at, "a text of the condition has no closing quote");
        r->at = (size_t)(end + 1 - r->text);
        return put_text(r, WR_TOKEN_TEXT, text, (size_t)(end - text));
}

static bool
value_read(struct reader *r)
{
        size_t from = r->used;
        uint8_t *place;

        if (!take(r, "{"))
                return literal_read(r);
        place = put(r, 5);
        if (place == NULL)
                return false;
        do {
                if (!literal_read(r))
                        return false;
        } while (take(r, ","));
        if (!take(r, "}"))
                return fail(r, r->at, "a list of the condition is closed by }");
        place[0] = WR_TOKEN_LIST;
        write_32(place + 1, r->used - from - 5);
        return true;
}

static bool
relation_read(struct reader *r)
{
        size_t attribute, attribute_size, size = word_size(r);

        if (is_foreign_operator(r->text + r->at, size))
                return fail_operator(r, size);
        if (is_word(r->text + r->at, size, "Exists")) {
                r->at += size;
                return attribute_read(r) && put_token(r, WR_TOKEN_EXISTS);
        }
        attribute = r->at;
        attribute_size = size;
        if (!attribute_read(r))
                return false;
        size = word_size(r);
        if (is_word(r->text + r->at, size, "Contains")) {
                r->at += size;
                return value_read(r) && put_token(r, WR_TOKEN_CONTAINS);
        }
        if (size > 0)
                return fail_operator(r, size);
        for (; r->at + size < r->size && strchr("=!<>", r->text[r->at + size]) != NULL; size++)
                ;
        if (size > 0)
                return fail_operator(r, size);
        return fail_word(r, attribute, "an attribute alone is no condition; write Exists before ", attribute_size, "");
}

static bool
either_read(struct reader *r);

static bool
condition_read(struct reader *r)
{
        bool good;

        if (!take(r, "("))
                return fail(r, r->at, "a condition begins with (");
        if (r->depth == WR_CONDITION_DEPTH_MAX)
                return fail(r, r->at, "more than 64 parentheses in each other");
        r->depth++;
        good = either_read(r);
        r->depth--;
        if (good && !take(r, ")"))
                return fail(r, r->at, "&&, || or ) is expected");
        return good;
}

static bool
part_read(struct reader *r)
{
        if (take(r, "!")) {
                skip_blanks(r);
                if (look(r) != '(')
                        return fail(r, r->at, "what ! negates stands in parentheses");
                return condition_read(r) && put_token(r, WR_TOKEN_NOT);
        }
        return look(r) == '(' ? condition_read(r) : relation_read(r);
}

static bool
both_read(struct reader *r)
{
        if (!part_read(r))
                return false;
        while (take(r, "&&"))
                if (!part_read(r) || !put_token(r, WR_TOKEN_AND))
                        return false;
        return true;
}

static bool
either_read(struct reader *r)
{
        if (!both_read(r))
                return false;
        while (take(r, "||"))
                if (!both_read(r) || !put_token(r, WR_TOKEN_OR))
                        return false;
        return true;
}

size_t
wr_condition_parse(const char *text, size_t size, uint8_t *bytes, size_t room, size_t *at, char *what, size_t what_room)
{
        struct reader r = { .text = text, .size = size, .bytes = bytes, .error_at = at };
        const char *why;
        uint8_t *place;

        r.room = room < WR_CONDITION_BYTES_MAX ? room : WR_CONDITION_BYTES_MAX;
        wr_line_begin(&r.what, what, what_room);
        place = put(&r, WR_CONDITION_HEAD_BYTES);
        if (place == NULL)
                return 0;
        memcpy(place, wr_condition_head, WR_CONDITION_HEAD_BYTES);
        if (!condition_read(&r))
                return 0;
        if (r.at < size)
                return fail(&r, r.at, "something stands behind the condition");
        while (r.used % 4 != 0)
                if (!put_token(&r, WR_TOKEN_PADDING))
                        return 0;
        return wr_condition_valid(bytes, r.used, &why) ? r.used : fail(&r, 0, why);
}

static void
print_point(struct wr_line *line, uint32_t point)
{
        char bytes[4];
        size_t follow = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
        static const uint8_t leads[] = { 0x00, 0xc0, 0xe0, 0xf0 };

        for (size_t i = follow; i > 0; i--) {
                bytes[i] = (char)(0x80 | (point & 0x3f));
                point >>= 6;
        }
        bytes[0] = (char)(leads[follow] | point);
        wr_line_put(line, bytes, follow + 1);
}

static void
print_text(struct wr_line *line, const uint8_t *text, size_t size)
{
        for (size_t i = 0; i < size; i += 2) {
                uint32_t point = (uint32_t)text[i] | (uint32_t)text[i + 1] << 8;

                if (point >= 0xd800 && point < 0xe000) { /* its other half follows; it was checked */
                        uint32_t second = (uint32_t)text[i + 2] | (uint32_t)text[i + 3] << 8;

                        point = 0x10000 + ((point - 0xd800) << 10) + (second - 0xdc00);
                        i += 2;
                }
                print_point(line, point);
        }
}

static void
print_literal(struct wr_line *line, const struct wr_literal *literal)
{
        if (literal->text != NULL) {
                wr_line_add(line, "\"");
                print_text(line, literal->text, literal->text_size);
                wr_line_add(line, "\"");
        } else if (literal->base == WR_BASE_DECIMAL) {
                wr_line_number(line, literal->number, 10);
        } else {
                wr_line_add(line, literal->base == WR_BASE_HEX ? "0x" : "0");
                wr_line_number(line, literal->number, literal->base == WR_BASE_HEX ? 16 : 8);
        }
}

static void
print_contains(struct wr_line *line, const struct wr_condition_node *node)
{
        struct wr_literal literal;
        size_t at = 0;

        print_text(line, node->name, node->name_size);
        wr_line_add(line, node->list ? " Contains {" : " Contains ");
        while (wr_condition_tree_next(node, &at, &literal)) {
                print_literal(line, &literal);
                if (at < node->literals_size)
                        wr_line_add(line, ", ");
        }
        if (node->list)
                wr_line_add(line, "}");
}

/* The node in its parentheses. As deep as there are operators at most. */
static void
print_node(struct wr_line *line, const struct wr_condition_tree *tree, uint32_t index)
{
        const struct wr_condition_node *node = &tree->nodes[index];

        wr_line_add(line, "(");
        switch (node->token) {
        case WR_TOKEN_EXISTS:
                wr_line_add(line, "Exists ");
                print_text(line, node->name, node->name_size);
                break;
        case WR_TOKEN_CONTAINS: print_contains(line, node); break;
        case WR_TOKEN_NOT:
                wr_line_add(line, "!");
                print_node(line, tree, node->left);
                break;
        default:
                print_node(line, tree, node->left);
                wr_line_add(line, node->token == WR_TOKEN_AND ? " && " : " || ");
                print_node(line, tree, node->right);
                break;
        }
        wr_line_add(line, ")");
}

size_t
wr_condition_print(const uint8_t *bytes, size_t size, char *text, size_t room)
{
        struct wr_condition_tree tree;
        struct wr_line line;
        struct wr_refusal refusal;

        wr_line_begin(&line, text, room);
        if (wr_condition_tree(&tree, bytes, size, &refusal))
                print_node(&line, &tree, tree.count - 1);
        return line.length;
}
