/* GetLastError() as one of ours: what the caller can do about it decides. */
#include "bus/os/error.h"

#include <windows.h>

enum weir_result
wr_os_error(int code)
{
        switch (code) {
        case ERROR_TOO_MANY_OPEN_FILES:
        case ERROR_NOT_ENOUGH_QUOTA: return WEIR_E_QUOTA;
        case ERROR_NOT_ENOUGH_MEMORY:
        case ERROR_OUTOFMEMORY:
        case ERROR_DISK_FULL:
        case ERROR_NO_SYSTEM_RESOURCES:
        case ERROR_COMMITMENT_LIMIT:
        case ERROR_COMMITMENT_MINIMUM: return WEIR_E_NO_MEMORY;
        case ERROR_ACCESS_DENIED:
        case ERROR_PRIVILEGE_NOT_HELD:
        case ERROR_INVALID_OWNER: return WEIR_E_DENIED;
        default: return WEIR_E_SYSTEM;
        }
}
