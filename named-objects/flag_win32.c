/* A flag is an event that stays set until it is lowered. It has no name, and nobody outside of this process gets it. */
#include "named-objects/flag.h"

#include "bus/os/error.h"

#include <windows.h>

enum weir_result
wr_flag_create(wr_object *flag)
{
        *flag = CreateEventW(NULL, TRUE, FALSE, NULL);
        return *flag != WR_NO_OBJECT ? WEIR_OK : wr_os_error((int)GetLastError());
}

void
wr_flag_raise(wr_object flag)
{
        SetEvent(flag);
}

void
wr_flag_lower(wr_object flag)
{
        ResetEvent(flag);
}
