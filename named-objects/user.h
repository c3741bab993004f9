/* Names of users and groups as the system's data base knows them. May read files: at start and reload only. */
#ifndef WR_USER_H
#define WR_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A name or a number. False: there is no such user. */
bool
wr_user_find(const char *name, uint32_t *user);

bool
wr_group_find(const char *name, uint32_t *group);

/* Its name in the system's own file, without asking a directory service, which may take its time. */
bool
wr_user_name(uint32_t user, char *name, size_t room);

/* The groups that the system lists for a user; returns how many, at most `most`. 0: it does not know the user. */
size_t
wr_user_groups(uint32_t user, uint32_t *groups, size_t most);

/* The user of this process. */
uint32_t
wr_user_self(void);

/* The number of this process, for people to read. */
uint32_t
wr_user_process(void);

/* Is this the number that stands for all users that our user namespace does not know? */
bool
wr_user_is_unmapped(uint32_t user);

#endif
