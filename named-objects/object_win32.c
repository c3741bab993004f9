#include "named-objects/object_win32.h"

void
wr_object_close(wr_object object)
{
        struct wr_waitable *waitable = wr_object_waitable(object);

        if (waitable != NULL)
                waitable->close(waitable);
        else if (object != WR_NO_OBJECT)
                CloseHandle(object);
}
