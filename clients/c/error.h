/* The sentence behind a failure: of this thread, with the remedy in it, until its next failure. */
#ifndef WR_ERROR_H
#define WR_ERROR_H

#include "bus/os/printf.h"

#include <weir/weir.h>

enum { WR_SENTENCE_MAX = 1024 };

/* Notes the sentence and returns `result`. */
__attribute__((format(WR_PRINTF, 2, 3))) enum weir_result
wr_error(enum weir_result result, const char *format, ...);

/* The sentence for a system that gave no better one: "cannot map the lane of 'cam/front': no memory". */
enum weir_result
wr_error_cannot(enum weir_result result, const char *what, const char *name);

#endif
