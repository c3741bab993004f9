/*
 * Endpoints that were still open when their bus was closed. What is left of one stays until its own close call, so
 * that a collector may free both in any order. A program that never makes that call leaves some hundred bytes; they
 * hang on one list, so that whoever looks for leaks finds those of another kind.
 */
#ifndef WR_LEFT_H
#define WR_LEFT_H

struct wr_left {
        struct wr_left *next, **at; /* at: who points here; NULL: not on the list */
};

void
wr_left_add(struct wr_left *left);

/* Whether it is on the list or not. */
void
wr_left_remove(struct wr_left *left);

#endif
