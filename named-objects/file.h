/*
 * A small file of the user's that is edited in place: read, changed, and replaced as a whole, so that a reader or a
 * crash sees the old or the new one and nothing between. While it is open the directory is locked against others that
 * edit the same way.
 */
#ifndef WR_FILE_H
#define WR_FILE_H

#include "named-objects/region.h"

enum { WR_FILE_PATH_MAX = 4096 };

/*
 * A plain file as a whole, for those who only look: malloc'ed, the caller's, one zero byte behind. Never waits, so what
 * is no plain file is refused: a pipe with nobody at its other end would hold us up for ever.
 *
 * WEIR_EMPTY: there is none, or none that could be seen. WEIR_E_TOO_LARGE: more than `most` bytes. WEIR_E_SYSTEM,
 * WEIR_E_NO_MEMORY. All but WEIR_OK with a sentence.
 */
enum weir_result
wr_file_read(const char *path, size_t most, char **text, size_t *size, char *sentence, size_t room);

struct wr_file {
        char path[WR_FILE_PATH_MAX]; /* symbolic links resolved */
        wr_object directory;         /* holds the lock */
        char *text;                  /* malloc'ed; "" where there is no file yet; one zero byte behind */
        size_t size;
};

/*
 * Makes the directory (0700) if only that is missing. Waits for another editor. At most `most` bytes are read.
 *
 * WEIR_E_TOO_LARGE, WEIR_E_SYSTEM, WEIR_E_NO_MEMORY: a sentence; nothing is open.
 */
enum weir_result
wr_file_open(struct wr_file *file, const char *path, size_t most, char *sentence, size_t room);

/* The file holds `text` then, on the disk, with the owner and mode that it had (a new one: ours, 0600). On Windows it
 * has the list of access that it had, a new one what its directory gives. Else it is what it was, and the sentence says
 * why. */
enum weir_result
wr_file_replace(struct wr_file *file, const char *text, size_t size, char *sentence, size_t room);

void
wr_file_close(struct wr_file *file);

#endif
