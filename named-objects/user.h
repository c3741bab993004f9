/* Names of users and groups as the system's data base knows them. May read files: at start and reload only. */
#ifndef WR_USER_H
#define WR_USER_H

#include "named-objects/rights/sid_list.h"

/* A name, on Windows also DOMAIN\name; on both systems also a number, which is a user or group of Linux. False: there
 * is no such user. */
bool
wr_user_find(const char *name, struct wr_sid *user);

bool
wr_group_find(const char *name, struct wr_sid *group);

/* How both are spelled without a name: "1000" for a user or group of Linux, else "S-1-5-21-..." */
void
wr_user_text(const struct wr_sid *sid, char *text, size_t room);

/* Its name, if the system has it at hand: without asking a directory service, which may take its time. */
bool
wr_user_name(const struct wr_sid *user, char *name, size_t room);

/* Adds the groups that the system lists for a user, as many as fit; none if it does not know him. May ask others than
 * this machine. */
void
wr_user_groups(const struct wr_sid *user, struct wr_sid_list *groups);

/* The user of this process. */
struct wr_sid
wr_user_self(void);

/* The system's own: root; SYSTEM and the accounts of services. */
bool
wr_user_is_system(const struct wr_sid *user);

/* Whom the system's broker runs as where it is installed: weir; LocalService. False: nobody of that name. */
bool
wr_user_of_service(struct wr_sid *user);

/* The number of this process, for people to read. */
uint32_t
wr_user_process(void);

#endif
