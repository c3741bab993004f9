/*
 * The vectors of tests/vectors as parameters of Criterion tests: each vector is a test of its own.
 *
 *      ParameterizedTestParameters(package, every_moniker_gives_the_published_sid)
 *      {
 *              return vectors_of("package_sids.json");
 *      }
 *      ParameterizedTest(struct vector *vector, package, every_moniker_gives_the_published_sid)
 *      {
 *              json_t *json = vector_json(vector);
 *              cr_assert(..., "%s", vector->text);
 *      }
 *
 * A parameter is copied into the child that runs it, so it is plain text and no pointer: the vector's own JSON. What
 * the file says besides its vectors (tokens, mappings) is read by vectors_file().
 */
#ifndef VECTORS_H
#define VECTORS_H

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VECTOR_TEXT_MAX = 4096 };

struct vector {
        int index;
        char text[VECTOR_TEXT_MAX];
};

/* The whole file; the caller gives it back with json_decref. A file that is not there ends the program loudly, since
 * no vectors would mean no tests and nothing to fail. */
static inline json_t *
vectors_file(const char *name)
{
        const char *root = getenv("WEIR_SOURCE_ROOT");
        json_error_t error;
        char path[4096];
        json_t *file;

        snprintf(path, sizeof path, "%s/tests/vectors/%s", root != NULL ? root : ".", name);
        file = json_load_file(path, 0, &error);
        if (file == NULL) {
                fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
                abort();
        }
        return file;
}

static inline struct criterion_test_params
vectors_of(const char *name)
{
        json_t *file = vectors_file(name), *vectors = json_object_get(file, "vectors");
        struct vector *all;
        size_t count;

        if (vectors == NULL)
                vectors = json_object_get(file, "cases"); /* as the access checks call them */
        count = json_array_size(vectors);
        all = cr_malloc(count * sizeof *all);

        for (size_t i = 0; i < count; i++) {
                size_t size = json_dumpb(json_array_get(vectors, i), all[i].text, VECTOR_TEXT_MAX, JSON_COMPACT);

                if (size == 0 || size >= VECTOR_TEXT_MAX)
                        abort();
                all[i].text[size] = '\0';
                all[i].index = (int)i;
        }
        if (count == 0 || (size_t)json_integer_value(json_object_get(file, "count")) != count)
                abort();
        json_decref(file);
        return cr_make_param_array(struct vector, all, count, NULL);
}

/* The vector as JSON again; ends with the test's process. */
static inline json_t *
vector_json(const struct vector *vector)
{
        json_t *json = json_loads(vector->text, 0, NULL);

        cr_assert(json != NULL);
        return json;
}

/* A field that is a string, NULL where it is missing. */
static inline const char *
vector_string(json_t *json, const char *field)
{
        return json_string_value(json_object_get(json, field));
}

#endif
