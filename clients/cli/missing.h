/* A topic that nobody publishes: is it so, and which one was meant? */
#ifndef CLI_MISSING_H
#define CLI_MISSING_H

#include <stdint.h>
#include <weir/weir.h>

/* How many publish topics of the pattern now. Results of weir_list(). */
enum weir_result
missing_publishers(struct weir *bus, const char *pattern, uint64_t *count);

/* Says on stderr "weir VERB: WHAT'TOPIC'", the topic that was perhaps meant, and how to see all. */
void
missing_tell(const char *verb, struct weir *bus, const char *what, const char *topic);

#endif
