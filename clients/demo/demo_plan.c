/* What the policy of a run says, on every system. */
#include "clients/demo/demo_plan.h"

const char *const demo_packages[DEMO_PACKAGES] = { DEMO_CAMERA, DEMO_STRANGER, DEMO_VIEWER };

void
demo_plan_policy(const struct demo_plan *plan, const char *us, const char *stranger, FILE *file)
{
        fprintf(file,
                "[topic.\"" DEMO_TOPIC "\"]\n"
                "publish   = [\"package:" DEMO_CAMERA "\"]\n"
                "subscribe = [\"%s\", \"package:" DEMO_VIEWER "\"",
                us);
        if (plan->options.broken == DEMO_BREAK_GRANT)
                fprintf(file, ", \"%s\"", stranger);
        fprintf(file, "]\nstall     = [\"%s\"]\n", us);
}
