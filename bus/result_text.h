/* The word for each result, the same in logs, in the tools and in weir_result_text(). */
#ifndef WR_RESULT_TEXT_H
#define WR_RESULT_TEXT_H

/* Returns a constant string such as "denied"; "unknown result" for a number that is none. */
const char *
wr_result_text(int result);

#endif
