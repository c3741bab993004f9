/* How `weir sub` shows a frame on stdout. */
#ifndef CLI_SUB_OUTPUT_H
#define CLI_SUB_OUTPUT_H

#include <stdbool.h>
#include <weir/weir.h>

enum sub_output { SUB_TEXT, SUB_RAW, SUB_HEX, SUB_JSON, SUB_NONE };

/* "raw", "hex", ...; -1 for a word that is none. */
int
sub_output_named(const char *name);

/* Bytes of a frame that text and hex show: what comes behind is told, not shown. */
enum { SUB_BYTES_SHOWN = 4096 };

/* Writes one frame. text and hex show its first `bytes_max` bytes, and of a pattern its topic. What could not be
 * written is found by ferror(stdout). */
void
sub_output_frame(enum sub_output output, const struct weir_frame *frame, uint64_t bytes_max, bool with_topic);

#endif
