/* The process itself, through a handle that is good for waiting and nothing else: who watches a life cannot end it. */
#include "named-objects/lifeline.h"

#include "named-objects/grant_win32.h"

enum weir_result
wr_lifeline_create(wr_object process, wr_object *held, wr_object *watched)
{
        *held = *watched = WR_NO_OBJECT;
        return process != WR_NO_OBJECT ? wr_grant_narrow(process, SYNCHRONIZE, watched) : WEIR_OK;
}
