/* Questions that are answered by many messages and one DONE. */
#ifndef WR_C_LIST_H
#define WR_C_LIST_H

#include "clients/c/control.h"

/* Asks, and hands every row to `tell`, in the asker's thread, until that says enough. */
enum weir_result
wr_list_ask(struct weir *bus, struct wr_question *q, bool (*tell)(const struct wr_message *m, void *visit),
            void *visit);

#endif
