/*
 * A region: shared memory with rights, mapped, never trusted. The broker creates it, exactly in this order:
 *
 *      create (sealed SHRINK | GROW)  ->  the writer maps it read-write and says so
 *                                     ->  seal (FUTURE_WRITE | SEAL)  ->  check  ->  hand out read-only
 *
 * Without FUTURE_WRITE a read-only descriptor reopens writable through procfs, by another user too; without
 * SHRINK a peer truncates it and the other end dies by SIGBUS. Windows has no seals: a section's size never changes,
 * and its list refuses any right that a handle was not made with (named-objects/grant_win32.h).
 */
#ifndef WR_REGION_H
#define WR_REGION_H

#include "bus/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
typedef void *wr_object; /* HANDLE */
#        define WR_NO_OBJECT ((wr_object)0)
#else
typedef int wr_object; /* descriptor */
#        define WR_NO_OBJECT (-1)
#endif

/* A memory object of exactly `bytes`, all zero, sparse; close-on-exec, cannot be executed. */
enum weir_result
wr_region_create(wr_object *region, const char *name, uint64_t bytes);

/* How often, in this process's life, an object of ours could not have its name because somebody else's had it. Names
 * cannot be guessed (Windows; on Linux there are none), so each is an attack, worth a line in a log. It came to
 * nothing: another name was drawn. */
uint32_t
wr_region_names_taken(void);

/* Allocate [0, bytes) now, in the caller's account (pair pages, by the broker). */
enum weir_result
wr_region_allocate(wr_object region, uint64_t bytes);

/* Add FUTURE_WRITE | SEAL. The existing writable mappings go on; nobody gets another. */
enum weir_result
wr_region_seal(wr_object region);

/* Is it a memory object of ours: right kind of file, exact size, and seals SHRINK | GROW, and when `sealed` also
 * FUTURE_WRITE | SEAL. WEIR_E_CORRUPT if not. Both ends check what they are given. Windows: a section of our kind,
 * whose size is exact to the page; when `sealed` and its list can be read, one that is protected. */
enum weir_result
wr_region_check(wr_object region, uint64_t bytes, bool sealed);

/* A second object on the same memory that can only be read. */
enum weir_result
wr_region_read_only(wr_object region, wr_object *read_only);

/* writable mappings are not inherited by a forked child (MADV_DONTFORK). */
enum weir_result
wr_region_map(wr_object region, uint64_t bytes, bool writable, void **address);

void
wr_region_unmap(void *address, uint64_t bytes);

/* Bytes from `from` on that the kernel has for sure: the end of the first run of data (SEEK_HOLE; VirtualQuery),
 * so that reading [from, *to) touches no hole. Once per growth: what is there stays there (punching is sealed off). */
enum weir_result
wr_region_committed(wr_object region, uint64_t from, uint64_t *to);

/* WR_NO_OBJECT is fine. */
void
wr_object_close(wr_object object);

#endif
