/* Numbers of the kernel's interface that are newer than Debian 12's headers, in one place. Each is safe to use on an
 * older kernel: it answers with an error, and the user has another way. */
#ifndef WR_KERNEL_LINUX_H
#define WR_KERNEL_LINUX_H

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef SYS_futex_waitv
#        define SYS_futex_waitv 449 /* 5.16 */
#endif
#ifndef MFD_NOEXEC_SEAL
#        define MFD_NOEXEC_SEAL 8u /* 6.3 */
#endif
#ifndef F_SEAL_EXEC
#        define F_SEAL_EXEC 0x0020 /* 6.3 */
#endif
#ifndef SO_PEERPIDFD
#        define SO_PEERPIDFD 77 /* 6.5 */
#endif
#ifndef SO_PASSRIGHTS
#        define SO_PASSRIGHTS 83 /* 6.16 */
#endif

#endif
