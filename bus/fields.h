/*
 * Fields of fixed size as bytes, little-endian, without gaps, in the order of a list that stands once:
 *
 *      F(type, name)   a number: u32, u64, i32, i64
 *      T(name, room)   a string of at most room - 1 bytes; it fills its room up with zero bytes, at least one
 *
 * From the list a structure is made (WR_FIELD_NUMBER, WR_FIELD_TEXT) and an array that tells where in it each field
 * stands (WR_FIELDS_OF). Who owns the list (bus/message.h, bus/transport/record.h) puts a header in front.
 */
#ifndef WR_FIELDS_H
#define WR_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t wr_field_u32;
typedef uint64_t wr_field_u64;
typedef int32_t wr_field_i32;
typedef int64_t wr_field_i64;
#define WR_FIELD_NUMBER(type, name) wr_field_##type name;
#define WR_FIELD_TEXT(name, room)   char name[room];

struct wr_field {
        uint16_t offset; /* in the structure */
        uint16_t bytes;  /* on the wire; 0 ends the array */
        bool is_text;
};

#define WR_FIELD_AT_NUMBER(type, name) { offsetof(this_structure, name), sizeof(wr_field_##type), false },
#define WR_FIELD_AT_TEXT(name, room)   { offsetof(this_structure, name), room, true },

/* Defines name_fields(), in a function so that `this_structure` can name the list's structure. */
#define WR_FIELDS_OF(name, structure, LIST)                                                                            \
        static const struct wr_field *name##_fields(void)                                                              \
        {                                                                                                              \
                typedef structure this_structure;                                                                      \
                static const struct wr_field fields[] = { LIST(WR_FIELD_AT_NUMBER, WR_FIELD_AT_TEXT){ 0, 0, false } }; \
                return fields;                                                                                         \
        }

/* Bytes that the fields take. */
size_t
wr_fields_bytes(const struct wr_field *fields);

/* Writes so many; strings that lack their zero byte are cut. */
void
wr_fields_encode(const struct wr_field *fields, const void *from, uint8_t *to);

/* Reads so many. NULL, or a sentence: a string without its end or with bytes behind it. */
const char *
wr_fields_decode(const struct wr_field *fields, const uint8_t *from, void *to);

/* A number of `count` bytes. */
uint64_t
wr_fields_number(const uint8_t *bytes, size_t count);

void
wr_fields_number_put(uint8_t *bytes, size_t count, uint64_t value);

#endif
