/* Doubly linked lists whose links live in the members, so that adding never fails and removing needs no search. */
#ifndef WR_LIST_H
#define WR_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct wr_link {
        struct wr_link *next, *previous;
};

#define WR_LIST_OWNER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* The body may remove `link` itself, and nothing else. */
#define WR_LIST_EACH(link, list)                                                             \
        for (struct wr_link *link = (list)->next, *link##_next = link->next; link != (list); \
             link = link##_next, link##_next = link->next)

/* An empty list, or a link that is in none. */
static inline void
wr_list_clear(struct wr_link *link)
{
        link->next = link->previous = link;
}

static inline bool
wr_list_empty(const struct wr_link *list)
{
        return list->next == list;
}

static inline void
wr_list_append(struct wr_link *list, struct wr_link *link)
{
        link->previous = list->previous;
        link->next = list;
        list->previous->next = link;
        list->previous = link;
}

/* A link that is in no list stays so. */
static inline void
wr_list_remove(struct wr_link *link)
{
        link->previous->next = link->next;
        link->next->previous = link->previous;
        wr_list_clear(link);
}

/* Takes the first link out of a list that is not empty. */
static inline struct wr_link *
wr_list_pop(struct wr_link *list)
{
        struct wr_link *first = list->next;

        list->next = first->next;
        first->next->previous = list;
        wr_list_clear(first);
        return first;
}

#endif
