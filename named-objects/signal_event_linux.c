/* The words of a pair page are futexes, so nothing goes beside them. Pure. */
#include "named-objects/signal.h"

enum weir_result
wr_signal_create(struct wr_signal_pair *pair)
{
        *pair = WR_SIGNAL_NONE;
        return WEIR_OK;
}

void
wr_signal_close(struct wr_signal_pair *pair)
{
        *pair = WR_SIGNAL_NONE;
}

enum weir_result
wr_signal_grant(const struct wr_signal_pair *pair, enum wr_signal_end end, wr_object *objects)
{
        (void)pair, (void)end, (void)objects;
        return WEIR_OK;
}

void
wr_signal_grant_close(wr_object *objects)
{
        (void)objects;
}

enum weir_result
wr_signal_bind(wr_word32 *wake, wr_word32 *space, enum wr_signal_end end, wr_object *objects)
{
        (void)wake, (void)space, (void)end, (void)objects;
        return WEIR_OK;
}

void
wr_signal_unbind(wr_word32 *wake, wr_word32 *space)
{
        (void)wake, (void)space;
}
