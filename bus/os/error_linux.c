/* errno as one of ours: what the caller can do about it decides, not where it came from. */
#include "bus/os/error.h"

#include <errno.h>

enum weir_result
wr_os_error(int code)
{
        switch (code) {
        case EMFILE:
        case ENFILE:
        case ETOOMANYREFS: /* descriptors in flight, counted per sending user */ return WEIR_E_QUOTA;
        case ENOMEM:
        case ENOSPC:
        case ENOBUFS:
        case EDQUOT: return WEIR_E_NO_MEMORY;
        case EPERM:
        case EACCES:
        case EROFS: return WEIR_E_DENIED;
        default: return WEIR_E_SYSTEM;
        }
}
