/* Options carry their own size, so that a program and a library of different age understand each other. */
#ifndef WR_OPTIONS_H
#define WR_OPTIONS_H

#include <weir/weir.h>

#include <stddef.h>

/*
 * Copies the caller's options over `to`, which is as this library knows them: what the caller's does not have yet is
 * 0, the default. `options` NULL: all defaults. WEIR_E_USAGE: a size that cannot be, or a field set that this library
 * does not know; ignoring it would do something else than was asked.
 */
enum weir_result
wr_options_read(void *to, size_t size, const void *options, const char *name);

/* The other way: as much of `from` as the caller's structure has room for; its size stays its own. WEIR_E_USAGE: it has
 * none. */
enum weir_result
wr_options_write(void *to, const void *from, size_t size, const char *name);

/* "Explicitly none" where 0 means the default. */
uint32_t
wr_options_count(uint32_t value, uint32_t when_zero);

/* WEIR_E_NO_PATH: this version does not have the path that is required. */
enum weir_result
wr_options_path(uint32_t require, const char *topic);

/* An exact name of a topic. */
enum weir_result
wr_options_topic(const char *topic);

/* An exact name, or a pattern. */
enum weir_result
wr_options_pattern(const char *pattern);

#endif
