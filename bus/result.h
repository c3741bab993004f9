/* weir/result.h: what every call of weir answers. The values never change. */
#ifndef WEIR_RESULT_H
#define WEIR_RESULT_H

/* > 0: an ordinary outcome, answered where it happens. < 0: a failure; weir_error() has the sentence. */
enum weir_result {
        WEIR_OK = 0,
        WEIR_EMPTY = 1,       /* nothing within the timeout */
        WEIR_FULL = 2,        /* no room within the timeout */
        WEIR_ENDED = 3,       /* the last publisher closed; only with .until_end */
        WEIR_INTERRUPTED = 4, /* weir_interrupt() is on */
        WEIR_E_USAGE = -1,
        WEIR_E_NO_BROKER = -2,
        WEIR_E_DENIED = -3,
        WEIR_E_NO_PATH = -4, /* .require not met */
        WEIR_E_TYPE = -5,
        WEIR_E_QUOTA = -6,
        WEIR_E_NO_MEMORY = -7,
        WEIR_E_TOO_LARGE = -8,
        WEIR_E_CORRUPT = -9,
        WEIR_E_EVICTED = -10,
        WEIR_E_CLOSED = -11,
        WEIR_E_VERSION = -12,
        WEIR_E_SYSTEM = -13,
        WEIR_E_HELD = -14 /* frames_max frames or loans are out: release one, copy, or raise it */
};

#endif
