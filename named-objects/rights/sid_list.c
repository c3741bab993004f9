#include "named-objects/rights/sid_list.h"

bool
wr_sid_list_add(struct wr_sid_list *list, const struct wr_sid *sid, enum wr_sid_use use)
{
        if (sid->count == 0 || list->count == WR_SID_LIST_MAX || list->size + 1 + wr_sid_size(sid) > WR_SID_LIST_BYTES)
                return false;
        list->bytes[list->size] = (uint8_t)use;
        list->size += 1 + (uint32_t)wr_sid_write(sid, &list->bytes[list->size + 1]);
        list->count++;
        return true;
}

bool
wr_sid_list_next(const struct wr_sid_list *list, size_t *at, struct wr_sid *sid, enum wr_sid_use *use)
{
        size_t size;

        if (*at >= list->size)
                return false;
        size = wr_sid_read(sid, &list->bytes[*at + 1], list->size - *at - 1);
        if (size == 0)
                return false;
        *use = (enum wr_sid_use)list->bytes[*at];
        *at += 1 + size;
        return true;
}

bool
wr_sid_list_has(const struct wr_sid_list *list, const struct wr_sid *sid, enum wr_sid_use use)
{
        enum wr_sid_use found;
        struct wr_sid each;
        size_t at = 0;

        while (wr_sid_list_next(list, &at, &each, &found))
                if (found == use && wr_sid_equal(&each, sid))
                        return true;
        return false;
}
