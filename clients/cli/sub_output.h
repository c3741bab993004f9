/* How `weir sub` shows a frame on stdout. */
#ifndef CLI_SUB_OUTPUT_H
#define CLI_SUB_OUTPUT_H

#include <weir/weir.h>

enum sub_output { SUB_TEXT, SUB_RAW, SUB_HEX, SUB_JSON, SUB_NONE };

/* "raw", "hex", ...; -1 for a word that is none. */
int
sub_output_named(const char *name);

/* Writes one frame; what could not be written is found by ferror(stdout). */
void
sub_output_frame(enum sub_output output, const struct weir_frame *frame);

#endif
