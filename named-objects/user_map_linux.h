/* The map of our user namespace: which numbers of users are known here. */
#ifndef WR_USER_MAP_LINUX_H
#define WR_USER_MAP_LINUX_H

#include <stdbool.h>
#include <stdint.h>

/* Is this the number that stands for all users that our user namespace does not know? */
bool
wr_user_is_unmapped(uint32_t user);

#endif
