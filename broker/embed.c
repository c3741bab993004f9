/*
 * The broker as a thread of a host process. The host must notice nothing of it:
 *
 *      signals       all blocked before the thread begins, so that none of the host's is ever handled here
 *      descriptors   the thread begins with a table of its own and closes in it all that is not its own; so nothing of
 *                    the host stays open because of it, and a child of the host keeps neither lock nor socket open.
 *                    0 to 2 are placeholders there (named-objects/watch.h)
 *      log           nowhere, unless WEIR_LOG names a file: the host's stderr is the host's
 *      end           with the process, or by STOP; either way the kernel gives lock and socket back
 *
 * The policy is read before, in the caller's thread, where looking up users may open what it likes.
 */
#include "broker/broker.h"
#include "broker/relay/relay.h"
#include "broker/settings.h"

#include "bus/os/cond.h"
#include "bus/os/mutex.h"
#include "bus/os/thread.h"
#include "named-objects/fork.h"
#include "named-objects/sentence.h"
#include "named-objects/watch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What the threads of a process share here. A forked child begins with one of its own: that of its parent may have been
 * locked by a thread that is not in the child, and its brokers are not there either. */
struct embedding {
        struct embedding *before; /* the parent's, so that it is not lost */
        uint64_t process;         /* generation */
        wr_mutex starting;        /* one start at a time; taken before `lock` */
        wr_mutex lock;            /* the list and what its entries say */
        wr_cond settled;
        struct wr_link all;
};

/* A broker of this process, from the moment its thread is made. */
struct embedded {
        struct wr_link link;
        struct embedding *among;
        struct wr_settings settings;
        bool is_settled; /* result and sentence are there */
        enum weir_result result;
        char sentence[WR_BROKER_ERROR_MAX];
};

/* NULL: no memory, or none that a fork is known by. */
static struct embedding *
embedding_of_this_process(void)
{
        static _Atomic(struct embedding *) latest;
        struct embedding *now = atomic_load(&latest), *fresh;

        if (now && wr_fork_same(now->process))
                return now;
        fresh = wr_fork_generation() != 0 ? calloc(1, sizeof(*fresh)) : NULL;
        if (!fresh)
                return NULL;
        *fresh = (struct embedding){ .before = now, .process = wr_fork_generation() };
        wr_mutex_init(&fresh->starting);
        wr_mutex_init(&fresh->lock);
        wr_cond_init(&fresh->settled);
        wr_list_clear(&fresh->all);
        if (atomic_compare_exchange_strong(&latest, &now, fresh))
                return fresh;
        free(fresh); /* another thread was first */
        return now;
}

static void
settle(struct embedded *embedded, enum weir_result result)
{
        wr_mutex_lock(&embedded->among->lock);
        embedded->result = result;
        embedded->is_settled = true;
        wr_cond_broadcast(&embedded->among->settled);
        wr_mutex_unlock(&embedded->among->lock);
}

static void *
serve(void *argument)
{
        struct embedded *embedded = argument;
        struct wr_server server;
        struct wr_log log = { .object = WR_NO_OBJECT };
        struct wr_relay_starter *starter = wr_relay_open();
        enum weir_result result = starter ? wr_watch_own_table(NULL, 0) : WEIR_E_NO_MEMORY;

        embedded->settings.server.starter = starter;
        if (result == WEIR_OK)
                result = wr_log_open_file(&log, getenv("WEIR_LOG"));
        if (result < 0) {
                wr_sentence(embedded->sentence, sizeof(embedded->sentence),
                            "the broker's thread could not begin: its descriptors or the file of WEIR_LOG failed");
                wr_policy_close(embedded->settings.policy);
        } else {
                result = wr_server_open(&server, &embedded->settings.server, embedded->settings.policy, &log,
                                        embedded->sentence, sizeof(embedded->sentence));
        }
        wr_settings_drop(&embedded->settings);
        settle(embedded, result);
        if (result != WEIR_OK) {
                wr_relay_close(starter);
                return NULL; /* who waits for the result frees it */
        }
        wr_server_run(&server);
        /* First, so that who asks to embed from now on does not take this one for a broker that will answer. */
        wr_mutex_lock(&embedded->among->lock);
        wr_list_remove(&embedded->link);
        wr_mutex_unlock(&embedded->among->lock);
        wr_server_close(&server);
        wr_relay_close(starter);
        free(embedded);
        return NULL;
}

static bool
thread_start(struct embedded *embedded)
{
        wr_thread thread;

        if (!wr_thread_start(&thread, serve, embedded, 0))
                return false;
        wr_thread_detach(thread);
        return true;
}

static bool
has_one_at(struct embedding *embedding, const char *address)
{
        bool is_there = false;

        wr_mutex_lock(&embedding->lock);
        WR_LIST_EACH(link, &embedding->all)
        {
                if (strcmp(WR_LIST_OWNER(link, struct embedded, link)->settings.address, address) == 0)
                        is_there = true;
        }
        wr_mutex_unlock(&embedding->lock);
        return is_there;
}

/* Waits for the thread's first word. */
static enum weir_result
result_of(struct embedded *embedded)
{
        struct embedding *embedding = embedded->among;
        enum weir_result result;

        wr_mutex_lock(&embedding->lock);
        while (!embedded->is_settled)
                wr_cond_wait(&embedding->settled, &embedding->lock);
        result = embedded->result;
        if (result != WEIR_OK) {
                memcpy(wr_broker_error, embedded->sentence, sizeof(wr_broker_error));
                wr_list_remove(&embedded->link);
                free(embedded);
        }
        wr_mutex_unlock(&embedding->lock);
        return result;
}

/* Takes the settings over. */
static enum weir_result
start(struct embedding *embedding, const struct wr_settings *settings)
{
        struct embedded *embedded = calloc(1, sizeof(*embedded));

        if (!embedded) {
                wr_sentence(wr_broker_error, sizeof(wr_broker_error), "no memory for a broker");
                return WEIR_E_NO_MEMORY;
        }
        embedded->settings = *settings;
        embedded->settings.server.address = embedded->settings.address; /* the copy's own */
        embedded->among = embedding;
        wr_mutex_lock(&embedding->lock);
        wr_list_append(&embedding->all, &embedded->link);
        wr_mutex_unlock(&embedding->lock);
        if (!thread_start(embedded)) {
                wr_mutex_lock(&embedding->lock);
                wr_list_remove(&embedded->link);
                wr_mutex_unlock(&embedding->lock);
                free(embedded);
                wr_sentence(wr_broker_error, sizeof(wr_broker_error), "no thread for a broker could be started");
                return WEIR_E_SYSTEM;
        }
        return result_of(embedded);
}

enum weir_result WEIR_CALL
weir_broker_embed_with(const struct weir_broker_options *options)
{
        struct embedding *embedding = embedding_of_this_process();
        struct wr_settings settings;
        enum weir_result result;
        char place[sizeof(settings.address)];

        if (!embedding) {
                wr_sentence(wr_broker_error, sizeof(wr_broker_error), "no memory for a broker");
                return WEIR_E_NO_MEMORY;
        }
        result = wr_settings_make(&settings, options, wr_broker_error, sizeof(wr_broker_error));
        if (result < 0) {
                wr_relay_explain(settings.address, wr_broker_error);
                return result;
        }
        memcpy(place, settings.address, sizeof(place));
        wr_mutex_lock(&embedding->starting);
        if (has_one_at(embedding, settings.address)) {
                wr_policy_close(settings.policy);
                wr_settings_drop(&settings);
                result = WEIR_OK;
        } else {
                result = start(embedding, &settings);
        }
        wr_mutex_unlock(&embedding->starting);
        if (result < 0)
                wr_relay_explain(place, wr_broker_error);
        return result;
}

int WEIR_CALL
weir_broker_embed(const char *address)
{
        const struct weir_broker_options options = { .size = sizeof(options), .address = address };

        return weir_broker_embed_with(&options);
}
