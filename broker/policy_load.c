/*
 * The policy's file: the one that was named, or the one that nobody named, which may be missing. A broker that starts
 * and one that reloads read it in the same way, and neither waits for it: see wr_file_read.
 */
#include "broker/policy_file.h"
#include "broker/policy_rules.h"

#include "named-objects/file.h"
#include "named-objects/sentence.h"

#include <stdlib.h>
#include <string.h>

/* The policy of no file, which names the one that it suggests. */
static enum weir_result
load_none(struct wr_policy **policy, const char *missing_path, struct wr_sid own_user, char *sentence, size_t room)
{
        *policy = wr_policy_make(NULL, missing_path, own_user);
        if (*policy)
                return WEIR_OK;
        wr_sentence(sentence, room, "no memory for a policy");
        return WEIR_E_NO_MEMORY;
}

enum weir_result
wr_policy_missing(const char *path, char *sentence, size_t room)
{
        const char *set = getenv("WEIR_CONFIG");
        size_t length;

        if (!sentence)
                return WEIR_E_USAGE;
        length = strlen(sentence);
        if (set && strcmp(set, path) == 0)
                wr_sentence(sentence + length, room - length,
                            ". WEIR_CONFIG names it: write it ('weir access allow' begins one), or set WEIR_CONFIG to "
                            "a file that is there, or to nothing");
        else
                wr_sentence(sentence + length, room - length,
                            ". It was named, so it has to be there: write it ('weir access allow' with --config begins "
                            "one), or name another");
        return WEIR_E_USAGE;
}

enum weir_result
wr_policy_load(struct wr_policy **policy, const char *path, const char *missing_path, struct wr_sid own_user,
               char *sentence, size_t room)
{
        const char *file = path ? path : missing_path;
        enum weir_result result = WEIR_EMPTY;
        size_t size = 0;
        char *text;

        *policy = NULL;
        if (file && strlen(file) >= WR_POLICY_PATH_MAX) {
                wr_sentence(sentence, room, "the policy file's path is longer than %d bytes: move it",
                            WR_POLICY_PATH_MAX - 1);
                return WEIR_E_USAGE;
        }
        if (file)
                result = wr_file_read(file, WR_POLICY_FILE_MAX, &text, &size, sentence, room);
        if (result == WEIR_EMPTY && !path)
                return load_none(policy, missing_path, own_user, sentence, room);
        if (result == WEIR_EMPTY)
                return wr_policy_missing(path, sentence, room);
        if (result != WEIR_OK)
                return WEIR_E_USAGE; /* whatever it is, the file that was named is at fault */
        result = wr_policy_parse(policy, text, size, file, own_user, sentence, room);
        free(text);
        return result;
}

enum weir_result
wr_policy_load_again(struct wr_policy **policy, const struct wr_policy *old, char *sentence, size_t room)
{
        const char *suggested_path = old->suggested_path[0] ? old->suggested_path : NULL;
        enum weir_result result =
                wr_policy_load(policy, old->path[0] ? old->path : NULL, suggested_path, old->own_user, sentence, room);

        if (result == WEIR_OK)
                (*policy)->is_default_path = old->is_default_path;
        return result;
}

void
wr_policy_set_default(struct wr_policy *policy)
{
        policy->is_default_path = true;
}
