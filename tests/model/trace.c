/* The schedule of one execution, in words. */
#include "tests/model/explorer.h"

#include <stdio.h>

enum { PRINTED_MAX = 400 }; /* the last steps */

struct name {
        const uint8_t *from;
        size_t bytes;
        const char *text;
};

static struct name names[NAMES_MAX];
static int name_count;

void
explore_name(const void *from, size_t bytes, const char *text)
{
        if (name_count == NAMES_MAX)
                abort();
        names[name_count++] = (struct name){ from, bytes, text };
}

void
trace_reset(void)
{
        name_count = 0;
        explorer.step_count = 0;
}

void
trace_step(enum step_kind kind, const void *at, uint64_t value, const char *text)
{
        if (explorer.current < 0)
                return; /* setup and end run alone */
        if (explorer.step_count == EXPLORE_STEPS_MAX)
                explore_fail("an execution of more than %d steps: a loop without end", EXPLORE_STEPS_MAX);
        explorer.steps[explorer.step_count++] =
                (struct step){ .actor = explorer.current, .kind = kind, .at = at, .value = value, .text = text };
}

void
explore_note(const char *text, uint64_t number)
{
        trace_step(STEP_NOTE, NULL, number, text);
}

/* The narrowest name that covers the word. */
static const char *
name_of(const void *at, char *text, size_t bytes)
{
        const struct name *best = NULL;

        for (int i = 0; i < name_count; i++)
                if ((const uint8_t *)at >= names[i].from && (const uint8_t *)at < names[i].from + names[i].bytes &&
                    (best == NULL || names[i].bytes < best->bytes))
                        best = &names[i];
        if (best == NULL)
                snprintf(text, bytes, "word %p", at);
        else if (best->bytes <= 8)
                snprintf(text, bytes, "%s", best->text);
        else
                snprintf(text, bytes, "%s+%d", best->text, (int)((const uint8_t *)at - best->from));
        return text;
}

static void
print_step(int number, const struct step *step)
{
        static const char *const verbs[] = {
                [STEP_LOAD] = "load",
                [STEP_STORE] = "store",
                [STEP_RELEASE] = "store, release",
                [STEP_CHANGE] = "change",
                [STEP_FENCE] = "fence",
                [STEP_NOTE] = "--",
                [STEP_SLEEP] = "sleep on",
                [STEP_WOKEN] = "woken from",
                [STEP_RAISE] = "wake sleepers of",
                [STEP_PAUSE] = "pause",
                [STEP_BARRIER] = "barrier on its process",
                [STEP_REACHED] = "barrier of the system on",
                [STEP_DONE] = "done",
                [STEP_STALE] = "load an old value of",
        };
        static const char *const fences[] = { "full", "acquire", "release" };
        char name[64];

        printf("# %4d  %-10s %s", number, explorer.model->actors[step->actor].name, verbs[step->kind]);
        if (step->kind == STEP_REACHED)
                printf(" %s", step->text);
        else if (step->kind == STEP_NOTE)
                printf(" %s %llu", step->text, (unsigned long long)step->value);
        else if (step->kind == STEP_FENCE)
                printf(" %s", fences[step->value]);
        else if (step->at != NULL)
                printf(" %s: 0x%llx%s%s", name_of(step->at, name, sizeof name), (unsigned long long)step->value,
                       step->text == NULL ? "" : ", ", step->text == NULL ? "" : step->text);
        printf("\n");
}

void
trace_print(void)
{
        int from = explorer.step_count > PRINTED_MAX ? explorer.step_count - PRINTED_MAX : 0;

        for (int i = from; i < explorer.step_count; i++)
                print_step(i + 1, &explorer.steps[i]);
}
