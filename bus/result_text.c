#include "bus/result_text.h"

#include "bus/result.h"

const char *
wr_result_text(int result)
{
        switch ((enum weir_result)result) {
        case WEIR_OK: return "ok";
        case WEIR_EMPTY: return "empty";
        case WEIR_FULL: return "full";
        case WEIR_ENDED: return "ended";
        case WEIR_INTERRUPTED: return "interrupted";
        case WEIR_E_USAGE: return "usage";
        case WEIR_E_NO_BROKER: return "no broker";
        case WEIR_E_DENIED: return "denied";
        case WEIR_E_NO_PATH: return "no path";
        case WEIR_E_TYPE: return "type mismatch";
        case WEIR_E_QUOTA: return "quota";
        case WEIR_E_NO_MEMORY: return "no memory";
        case WEIR_E_TOO_LARGE: return "too large";
        case WEIR_E_CORRUPT: return "corrupt";
        case WEIR_E_EVICTED: return "evicted";
        case WEIR_E_CLOSED: return "closed";
        case WEIR_E_VERSION: return "version mismatch";
        case WEIR_E_SYSTEM: return "system";
        case WEIR_E_HELD: return "held";
        }
        return "unknown result";
}
