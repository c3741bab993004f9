/* What the children share: how a role opens its bus and how it reports. */
#ifndef DEMO_ROLE_H
#define DEMO_ROLE_H

#include "clients/demo/demo.h"

#include <jansson.h>
#include <weir/weir.h>

/* The roles: each fills in the report and returns what stopped it. */
enum weir_result
demo_camera(const struct demo_options *options, json_t *report);

enum weir_result
demo_pipe_camera(const struct demo_options *options, json_t *report);

enum weir_result
demo_stranger(const struct demo_options *options, json_t *report);

enum weir_result
demo_viewer(const struct demo_options *options, json_t *report);

/* Puts weir_error()'s sentence into the report when the result is a failure. Returns the result. */
enum weir_result
demo_role_result(json_t *report, enum weir_result result);

#endif
