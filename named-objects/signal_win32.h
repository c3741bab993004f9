/* Which event stands behind a word of a page: what wr_signal_bind and wr_signal_unbind keep, by the word's address. */
#ifndef WR_SIGNAL_WIN32_H
#define WR_SIGNAL_WIN32_H

#include "named-objects/signal.h"

#include <windows.h>

/* NULL where the word is not bound, or not for this: to set (EVENT_MODIFY_STATE) or to wait (SYNCHRONIZE). It stays
 * open for as long as the word may be used. */
HANDLE
wr_signal_event_of(const wr_word32 *word, uint32_t right);

#endif
