#include "clients/c/error.h"

#include "bus/result_text.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char sentence[WR_SENTENCE_MAX];

enum weir_result
wr_error(enum weir_result result, const char *format, ...)
{
        va_list values;

        va_start(values, format);
        vsnprintf(sentence, sizeof sentence, format, values);
        va_end(values);
        return result;
}

enum weir_result
wr_error_cannot(enum weir_result result, const char *what, const char *name)
{
        return wr_error(result, "cannot %s '%s': %s", what, name, wr_result_text(result));
}

const char *WEIR_CALL
weir_error(void)
{
        return sentence;
}

const char *WEIR_CALL
weir_result_text(int result)
{
        return wr_result_text(result);
}
