/*
 * Who is there, from the token that the pipe shows of whoever opened its other end:
 *
 *      ImpersonateNamedPipeClient     after the first message: before it Windows refuses
 *      OpenThreadToken, as ourselves
 *      RevertToSelf                   or the broker would go on as its client: then it ends itself
 *      the token                      who it is (identity_token.h)
 *      the process                    that the system says opened the pipe. A number proves nothing: the opener may
 * have ended or handed the pipe on, and a client can make the system name another one. So it is looked at, and taken
 * where its token has the same user, logon session and container: then objects are duplicated into it, and its end is
 * seen. Else they go by name to whom the token names, and only the pipe tells of its end
 */
#include "named-objects/identity_win32.h"

#include "named-objects/endpoint_win32.h"
#include "named-objects/sentence.h"

#include <stdlib.h>
#include <string.h>

enum {
        PEER_RIGHTS = SYNCHRONIZE | PROCESS_DUP_HANDLE | PROCESS_QUERY_LIMITED_INFORMATION,
        WATCH_RIGHTS = SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION
};

/* Wine (8 at least) lets a server impersonate itself, whoever is at the other end. There the client is who its process
 * is; Windows has no such export. */
static bool
is_wine(void)
{
        HMODULE system = GetModuleHandleW(L"ntdll.dll");

        return system != NULL && GetProcAddress(system, "wine_get_version") != NULL;
}

/* In place of the token that is there. */
static void
wine_token_open(HANDLE pipe, HANDLE *token)
{
        HANDLE process = NULL, its;
        ULONG pid;

        if (GetNamedPipeClientProcessId(pipe, &pid))
                process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
        if (process == NULL)
                return;
        if (OpenProcessToken(process, TOKEN_QUERY, &its)) {
                CloseHandle(*token);
                *token = its;
        }
        CloseHandle(process);
}

static enum weir_result
token_open(HANDLE pipe, HANDLE *token, char *sentence, size_t room)
{
        DWORD error = 0;

        *token = NULL;
        if (!ImpersonateNamedPipeClient(pipe)) {
                wr_sentence(sentence, room,
                            "denied: the system does not show who connected (error %lu), so nothing vouches for it",
                            GetLastError());
                return WEIR_E_DENIED;
        }
        if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, token))
                error = GetLastError();
        if (!RevertToSelf())
                abort(); /* whatever this thread did now, it would do as somebody else */
        if (error == 0 && is_wine())
                wine_token_open(pipe, token);
        if (error == 0)
                return WEIR_OK;
        *token = NULL;
        wr_sentence(sentence, room,
                    error == ERROR_CANT_OPEN_ANONYMOUS
                            ? "denied: it connected as nobody (error %lu): a client opens the pipe with"
                              " SECURITY_IDENTIFICATION, as libweir does"
                            : "denied: the token of who connected cannot be opened (error %lu)",
                    error);
        return WEIR_E_DENIED;
}

/* Is the process whose token this is the one who opened the pipe, as far as it matters what it is given? */
static bool
is_same(HANDLE process, const struct wr_identity_token *peer, const LUID *logon)
{
        struct wr_identity_token *its = malloc(sizeof *its);
        HANDLE token;
        bool same = false;
        LUID its_logon;

        if (its != NULL && OpenProcessToken(process, TOKEN_QUERY, &token)) {
                same = wr_identity_read(token, its, &its_logon, NULL, 0) == WEIR_OK &&
                       wr_sid_equal(&its->user, &peer->user) && wr_sid_equal(&its->container, &peer->container) &&
                       its_logon.LowPart == logon->LowPart && its_logon.HighPart == logon->HighPart;
                CloseHandle(token);
        }
        free(its);
        return same;
}

/* NULL: it cannot be opened, or is another's. */
static HANDLE
process_open(HANDLE pipe, const struct wr_identity_token *peer, const LUID *logon, uint32_t *pid)
{
        HANDLE process = NULL;
        ULONG number = 0;

        if (GetNamedPipeClientProcessId(pipe, &number) && number != 0)
                process = OpenProcess(PEER_RIGHTS, FALSE, number);
        *pid = number;
        if (process == NULL || is_same(process, peer, logon))
                return process;
        CloseHandle(process);
        return NULL;
}

/* How well a SID tells one client from others: its user, its logon session, restricted programs; 0: not at all. */
static unsigned
narrowness(const struct wr_sid *sid, const struct wr_sid *user)
{
        static const struct wr_sid restricted = { 5, 1, { SECURITY_RESTRICTED_CODE_RID } };

        if (wr_sid_equal(sid, user))
                return 3;
        if (sid->authority == 5 && sid->count == 3 && sid->words[0] == SECURITY_LOGON_IDS_RID)
                return 2;
        return wr_sid_equal(sid, &restricted) ? 1 : 0;
}

/* The SID of that use that tells most; a count of 0: none does. */
static struct wr_sid
narrowest(const struct wr_identity_token *peer, enum wr_sid_use wanted, bool *has_any)
{
        struct wr_sid sid, best = { 0 };
        enum wr_sid_use use;
        size_t at = 0;

        *has_any = false;
        while (wr_sid_list_next(&peer->sids, &at, &sid, &use)) {
                *has_any |= use == wanted;
                if (use == wanted && narrowness(&sid, &peer->user) > (best.count ? narrowness(&best, &peer->user) : 0))
                        best = sid;
        }
        return best;
}

/* Whom the list of an object admits who goes to this client by name: its user, or where that counts for denials only
 * its logon session; and its container, or one of its second list. Where nothing tells it from everybody, nobody. */
static void
sids_choose(const struct wr_identity_token *peer, struct wr_endpoint_peer *to)
{
        bool has_groups, is_restricted;
        struct wr_sid group = narrowest(peer, WR_SID_GROUP, &has_groups);
        struct wr_sid restricting = narrowest(peer, WR_SID_RESTRICTING, &is_restricted);

        to->sids[0] = peer->user_deny_only ? group : peer->user;
        to->sids[1] = peer->container.count != 0 ? peer->container : restricting;
        to->sid_count = to->sids[1].count == 0 ? 1 : 2;
        if (to->sids[0].count == 0 || (is_restricted && restricting.count == 0))
                to->sid_count = 0;
}

/* From here on the connection hands objects over. */
static enum weir_result
peer_fill(struct wr_endpoint_peer *peer, const struct wr_identity_token *token, const LUID *logon,
          struct wr_identity *identity, wr_object *process)
{
        HANDLE opened = process_open(peer->pipe, token, logon, &identity->pid), watched = NULL;

        if (opened != NULL &&
            !DuplicateHandle(GetCurrentProcess(), opened, GetCurrentProcess(), &watched, WATCH_RIGHTS, FALSE, 0)) {
                CloseHandle(opened);
                return WEIR_E_QUOTA;
        }
        sids_choose(token, peer);
        peer->is_low = wr_identity_is_low(token);
        if (peer->process != NULL)
                CloseHandle(peer->process);
        peer->process = opened;
        *process = watched != NULL ? (wr_object)watched : WR_NO_OBJECT;
        return WEIR_OK;
}

enum weir_result
wr_identity_of(wr_object connection, const char *listener_package, struct wr_identity *identity, wr_object *process,
               char *sentence, size_t room)
{
        struct wr_endpoint_peer *peer = wr_endpoint_peer(connection);
        struct wr_identity_token *read;
        enum weir_result result;
        HANDLE token = NULL;
        LUID logon;

        memset(identity, 0, sizeof *identity);
        *process = WR_NO_OBJECT;
        if (peer == NULL || peer->is_client ||
            (listener_package != NULL && !wr_identity_package_valid(listener_package)))
                return WEIR_E_USAGE;
        read = malloc(sizeof *read);
        if (read == NULL)
                return WEIR_E_NO_MEMORY;
        result = token_open(peer->pipe, &token, sentence, room);
        if (result == WEIR_OK)
                result = wr_identity_read(token, read, &logon, sentence, room);
        if (result == WEIR_OK)
                result = wr_identity_decide_token(read, listener_package, identity, sentence, room);
        if (result == WEIR_OK)
                result = peer_fill(peer, read, &logon, identity, process);
        if (result == WEIR_E_QUOTA)
                wr_sentence(sentence, room, "the broker has no handles left");
        if (token != NULL)
                CloseHandle(token);
        free(read);
        return result;
}
