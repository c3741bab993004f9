/* The system's errors as ours. */
#ifndef WR_OS_ERROR_H
#define WR_OS_ERROR_H

#include "bus/result.h"

/* code: errno on Linux, GetLastError() on Windows. No descriptors left: WEIR_E_QUOTA; no memory or disk:
 * WEIR_E_NO_MEMORY; not permitted: WEIR_E_DENIED; else WEIR_E_SYSTEM. Never WEIR_OK. */
enum weir_result
wr_os_error(int code);

#endif
