/* weir_rights_error() of this thread, for the two files of rights.h. */
#ifndef WR_RIGHTS_ERROR_H
#define WR_RIGHTS_ERROR_H

#include "broker/settings.h"

extern _Thread_local char wr_rights_error[WR_BROKER_ERROR_MAX];

#endif
