/* A policy file in a folder of its own, edited and asked. */
#ifndef RIGHTS_EDIT_KIT_H
#define RIGHTS_EDIT_KIT_H

#include "broker/policy.h"
#include "tests/contract/file_access.h"
#include "tests/contract/kit_child.h"
#include "tests/portable.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <weir/rights.h>

enum { OWN = 4200 };

static const char before[] = "# mine\n\n[topic.\"t\"]   # and this\nsubscribe = [\"user:1\"] # the first\n";
static char directory[FOLDER_PATH_MAX], path[FOLDER_PATH_MAX + 16];

static inline void
begin(void)
{
        folder_make(directory);
        snprintf(path, sizeof(path), "%s/policy.conf", directory);
        file_put(path, before);
}

static inline void
end(void)
{
        folder_remove(directory);
        kit_clean();
}

static inline char *
text_now(const char *at)
{
        static char text[65536];
        FILE *file = fopen(at, "rb");

        cr_assert(file != NULL);
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        fclose(file);
        return text;
}

static inline enum weir_result
allow(const char *at, unsigned user)
{
        char principal[32];

        snprintf(principal, sizeof(principal), "user:%u", user);
        return weir_policy_edit(at, 1, "t", principal, WEIR_MAY_SUBSCRIBE, NULL);
}

static inline bool
may(unsigned user)
{
        struct wr_identity identity = { .trust = WR_TRUST_FULL, .user = wr_sid_of_uid(user) };
        char sentence[1024] = "";
        struct wr_policy *policy;
        bool is_granted;

        cr_assert(eq(int, wr_policy_load(&policy, path, NULL, wr_sid_of_uid(OWN), sentence, sizeof(sentence)), WEIR_OK),
                  "%s\n%s", sentence, text_now(path));
        is_granted = wr_policy_decide(policy, &identity, "t", WR_MAY_SUBSCRIBE, NULL, 0);
        wr_policy_close(policy);
        return is_granted;
}

#endif
