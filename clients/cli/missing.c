/*
 * The topic that was perhaps meant is the one with the fewest letters to change, to add and to leave out, as long as
 * these are few beside the name's length:
 *
 *      cam/frnt  ->  cam/front  1        imu  ->  gps  3: another word
 */
#include "clients/cli/missing.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 208 };

static int
count_publishers(const struct weir_row *row, void *user)
{
        *(uint64_t *)user += row->publishers;
        return 0;
}

enum weir_result
missing_publishers(struct weir *bus, const char *pattern, uint64_t *count)
{
        *count = 0;
        return weir_list(bus, pattern, 0, count_publishers, count);
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
        unsigned ab = a < b ? a : b;

        return ab < c ? ab : c;
}

/* Letters to change, to add and to leave out: one row of the table for each letter of `a`. */
static unsigned
distance(const char *a, const char *b)
{
        unsigned row[NAME_MAX_BYTES + 1];
        size_t length = strlen(b);

        for (unsigned i = 0; i <= length; i++)
                row[i] = i;
        for (size_t i = 0; a[i] != '\0'; i++) {
                unsigned diagonal = row[0];

                row[0] = (unsigned)i + 1;
                for (size_t j = 1; j <= length; j++) {
                        unsigned above = row[j];

                        row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i] != b[j - 1]));
                        diagonal = above;
                }
        }
        return row[length];
}

struct search {
        const char *wanted;
        char nearest[NAME_MAX_BYTES];
        unsigned distance; /* of the nearest; at first the most that counts */
};

static int
look_at(const struct weir_row *row, void *user)
{
        struct search *search = user;
        unsigned found;

        if (row->publishers == 0 || strlen(row->topic) >= NAME_MAX_BYTES)
                return 0;
        found = distance(search->wanted, row->topic);
        if (found > search->distance || (found == search->distance && search->nearest[0] != '\0'))
                return 0;
        search->distance = found;
        snprintf(search->nearest, sizeof search->nearest, "%s", row->topic);
        return 0;
}

void
missing_tell(const char *verb, struct weir *bus, const char *what, const char *topic)
{
        struct search search = { .wanted = topic, .distance = 1 + (unsigned)strlen(topic) / 5 };

        if (strchr(topic, '*') == NULL)
                weir_list(bus, "**", 0, look_at, &search);
        fprintf(stderr, "weir %s: %s'%s'. ", verb, what, topic);
        if (search.nearest[0] != '\0')
                fprintf(stderr, "Did you mean '%s'? ", search.nearest);
        fputs("What there is: weir ls\n", stderr);
}
