/*
 * A region is a memfd. Its seals are the rights:
 *
 *      SHRINK | GROW         from the first moment: the size is a fact, no load can become SIGBUS
 *      FUTURE_WRITE | SEAL   once its writers have mapped it: their mappings stay, no other one comes into being,
 *                            and no seal is added any more
 *
 * The mode of the file is 0600: it costs nothing, and another user cannot even open it for writing through procfs.
 * The seals, not the mode, hold against the same user.
 */
#include "named-objects/region.h"

#include "bus/os/error.h"
#include "named-objects/kernel_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { SEALS_OF_SIZE = F_SEAL_SHRINK | F_SEAL_GROW, SEALS_OF_RIGHTS = F_SEAL_FUTURE_WRITE | F_SEAL_SEAL };

static int
memory_file(const char *name)
{
        int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

        if (fd < 0 && errno == EINVAL) /* before 6.3; the mode below takes the right to execute away, too */
                fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        return fd;
}

enum weir_result
wr_region_create(wr_object *region, const char *name, uint64_t bytes)
{
        enum weir_result result;

        *region = WR_NO_OBJECT;
        if (bytes == 0 || bytes > INT64_MAX)
                return WEIR_E_USAGE;
        *region = memory_file(name);
        if (*region < 0 || ftruncate(*region, (off_t)bytes) < 0 || fchmod(*region, 0600) < 0)
                goto fail;
        /* FUTURE_WRITE and SEAL come later, once the writer has mapped: F_SEAL_SEAL now would leave it writable for
         * ever. */
        if (fcntl(*region, F_ADD_SEALS, SEALS_OF_SIZE) < 0)
                goto fail;
        return WEIR_OK;
fail:
        result = wr_os_error(errno); /* first: the close may change errno */
        wr_object_close(*region);
        *region = WR_NO_OBJECT;
        return result;
}

uint32_t
wr_region_names_taken(void)
{
        return 0; /* they are for who looks; nobody finds a region by its name */
}

enum weir_result
wr_region_allocate(wr_object region, uint64_t bytes)
{
        int failed;

        do {
                failed = fallocate(region, 0, 0, (off_t)bytes) == 0 ? 0 : errno;
        } while (failed == EINTR);
        return failed == 0 ? WEIR_OK : wr_os_error(failed);
}

enum weir_result
wr_region_seal(wr_object region)
{
        return fcntl(region, F_ADD_SEALS, SEALS_OF_RIGHTS) == 0 ? WEIR_OK : wr_os_error(errno);
}

enum weir_result
wr_region_check(wr_object region, uint64_t bytes, bool sealed)
{
        int wanted = SEALS_OF_SIZE | (sealed ? SEALS_OF_RIGHTS : 0);
        int seals = fcntl(region, F_GET_SEALS);
        struct stat file;
        struct statfs system;

        /* Seals alone do not prove a memory file: hugetlbfs has them, too, and other rules for faults. */
        if (seals < 0 || (seals & wanted) != wanted || fstat(region, &file) < 0 || fstatfs(region, &system) < 0)
                return WEIR_E_CORRUPT;
        if (system.f_type != TMPFS_MAGIC || !S_ISREG(file.st_mode) || file.st_size < 0)
                return WEIR_E_CORRUPT;
        return (uint64_t)file.st_size == bytes ? WEIR_OK : WEIR_E_CORRUPT;
}

enum weir_result
wr_region_read_only(wr_object region, wr_object *read_only)
{
        char path[64];

        /* thread-self, since the broker's thread has a descriptor table of its own, which /proc/self does not show. */
        snprintf(path, sizeof path, "/proc/thread-self/fd/%d", region);
        *read_only = open(path, O_RDONLY | O_CLOEXEC);
        return *read_only >= 0 ? WEIR_OK : wr_os_error(errno);
}

enum weir_result
wr_region_map(wr_object region, uint64_t bytes, bool writable, void **address)
{
        enum weir_result result;

        *address = NULL;
        if (bytes == 0 || bytes > SIZE_MAX / 2)
                return WEIR_E_TOO_LARGE;
        *address = mmap(NULL, (size_t)bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, region, 0);
        if (*address == MAP_FAILED) {
                *address = NULL;
                return wr_os_error(errno);
        }
        if (writable && madvise(*address, (size_t)bytes, MADV_DONTFORK) < 0) {
                result = wr_os_error(errno);
                wr_region_unmap(*address, bytes);
                *address = NULL;
                return result;
        }
        return WEIR_OK;
}

void
wr_region_unmap(void *address, uint64_t bytes)
{
        if (address != NULL)
                munmap(address, (size_t)bytes);
}

enum weir_result
wr_region_committed(wr_object region, uint64_t from, uint64_t *to)
{
        /* The file's offset, which all who got this descriptor share, is moved by it: nobody reads by offset. */
        off_t hole = lseek(region, (off_t)from, SEEK_HOLE);

        *to = from;
        if (hole < 0)
                return errno == ENXIO ? WEIR_OK : wr_os_error(errno); /* ENXIO: from is the end */
        *to = (uint64_t)hole;
        return WEIR_OK;
}

void
wr_object_close(wr_object object)
{
        if (object != WR_NO_OBJECT)
                close(object); /* after EINTR, too, it is closed: asking again could close somebody else's */
}
