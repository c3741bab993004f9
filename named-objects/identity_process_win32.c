/* Who any process is, for people who ask: its own token, where we may read it. */
#include "named-objects/identity_win32.h"

#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <stdlib.h>
#include <string.h>

static enum weir_result
not_there(uint32_t pid, char *sentence, size_t room)
{
        wr_sentence(sentence, room, "there is no process %u here, or it ended meanwhile", pid);
        return WEIR_E_DENIED;
}

static enum weir_result
not_ours(uint32_t pid, char *sentence, size_t room)
{
        const struct wr_sid self = wr_user_self();
        char user[WR_SID_TEXT_MAX];

        wr_user_text(&self, user, sizeof user);
        wr_sentence(sentence, room, "denied: user %s may not look at pid %u. Ask as its user or as an administrator",
                    user, pid);
        return WEIR_E_DENIED;
}

static enum weir_result
token_decide(HANDLE token, struct wr_identity *identity, char *sentence, size_t room)
{
        struct wr_identity_token *read = malloc(sizeof *read);
        enum weir_result result = WEIR_E_NO_MEMORY;
        LUID logon;

        if (read != NULL)
                result = wr_identity_read(token, read, &logon, sentence, room);
        if (result == WEIR_OK)
                result = wr_identity_decide_token(read, NULL, identity, sentence, room);
        free(read);
        return result;
}

enum weir_result
wr_identity_of_process(uint32_t pid, struct wr_identity *identity, char *sentence, size_t room)
{
        HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid), token = NULL;
        DWORD error = GetLastError(), ended = STILL_ACTIVE;
        enum weir_result result;

        memset(identity, 0, sizeof *identity);
        identity->pid = pid;
        if (process == NULL)
                return error == ERROR_ACCESS_DENIED && pid != 0 ? not_ours(pid, sentence, room)
                                                                : not_there(pid, sentence, room);
        if (!OpenProcessToken(process, TOKEN_QUERY, &token))
                result = not_ours(pid, sentence, room);
        else
                result = token_decide(token, identity, sentence, room);
        /* Handles of others keep the number of a process that ended. */
        if (!GetExitCodeProcess(process, &ended) || ended != STILL_ACTIVE)
                result = not_there(pid, sentence, room);
        if (token != NULL)
                CloseHandle(token);
        CloseHandle(process);
        return result;
}
