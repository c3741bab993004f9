/*
 * A child: looks around, plays its role, prints its report as one JSON object on stdout.
 *
 *      { "sandbox": {...}, ..., "result": 0, "sentence": "" }
 */
#include "clients/demo/demo_role.h"
#include "clients/demo/demo_child.h"

#include <stdio.h>
#include <string.h>

enum weir_result
demo_role_result(json_t *report, enum weir_result result)
{
        if (result < 0)
                json_object_set_new(report, "sentence", json_string(weir_error()));
        return result;
}

static enum weir_result
play(const struct demo_options *options, json_t *report)
{
        if (strcmp(options->role, "camera") == 0)
                return options->kind == DEMO_PIPE ? demo_pipe_camera(options, report) : demo_camera(options, report);
        if (strcmp(options->role, "viewer") == 0)
                return demo_viewer(options, report);
        return demo_stranger(options, report);
}

int
demo_role(const struct demo_options *options)
{
        json_t *report = json_object();
        enum weir_result result;

        demo_child_begin(options, report);
        result = play(options, report);
        json_object_set_new(report, "result", json_integer(result));
        json_dumpf(report, stdout, JSON_COMPACT);
        json_decref(report);
        return fflush(stdout) == 0 && result >= 0 ? 0 : 1;
}
