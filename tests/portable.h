/* What tests use of C and POSIX, and Windows has under another name. A test includes this before it thinks of a system.
 */
#ifndef PORTABLE_H
#define PORTABLE_H

#include <stddef.h>
#include <stdlib.h>

#ifdef _WIN32
#        include <malloc.h>

/* Test(suite, name, ABORTS): the way a failed assertion ends the process. */
#        define ABORTS .exit_code = 3

static inline void *
aligned_new(size_t alignment, size_t bytes)
{
        return _aligned_malloc(bytes, alignment);
}

static inline void
aligned_free(void *memory)
{
        _aligned_free(memory);
}

static inline int
setenv(const char *name, const char *value, int overwrite)
{
        return overwrite || getenv(name) == NULL ? _putenv_s(name, value) : 0;
}

static inline int
unsetenv(const char *name)
{
        return _putenv_s(name, "");
}
#else
#        include <signal.h>

#        define ABORTS .signal = SIGABRT

static inline void *
aligned_new(size_t alignment, size_t bytes)
{
        return aligned_alloc(alignment, bytes);
}

static inline void
aligned_free(void *memory)
{
        free(memory);
}
#endif

#endif
