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
#include "broker/settings.h"

#include "named-objects/fork.h"
#include "named-objects/sentence.h"
#include "named-objects/watch.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* A broker of this process, from the moment its thread is made. */
struct embedded {
        struct wr_link link;
        struct wr_settings settings;
        uint64_t process; /* generation: a forked child inherits the entry, not the thread */
        bool is_settled;  /* result and sentence are there */
        enum weir_result result;
        char sentence[WR_BROKER_ERROR_MAX];
};

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER; /* one start at a time; taken before `lock` */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;     /* the list and what its entries say */
static pthread_cond_t settled = PTHREAD_COND_INITIALIZER;
static struct wr_link all = { &all, &all };

static void
settle(struct embedded *embedded, enum weir_result result)
{
        pthread_mutex_lock(&lock);
        embedded->result = result;
        embedded->is_settled = true;
        pthread_cond_broadcast(&settled);
        pthread_mutex_unlock(&lock);
}

static void *
serve(void *argument)
{
        struct embedded *embedded = argument;
        struct wr_server server;
        struct wr_log log = { .object = WR_NO_OBJECT };
        enum weir_result result = wr_watch_own_table(NULL, 0);

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
        if (result != WEIR_OK)
                return NULL; /* who waits for the result frees it */
        wr_server_run(&server);
        /* First, so that who asks to embed from now on does not take this one for a broker that will answer. */
        pthread_mutex_lock(&lock);
        wr_list_remove(&embedded->link);
        pthread_mutex_unlock(&lock);
        wr_server_close(&server);
        free(embedded);
        return NULL;
}

static bool
thread_start(struct embedded *embedded)
{
        pthread_attr_t attributes;
        pthread_t thread;
        sigset_t every, before;
        bool started;

        if (pthread_attr_init(&attributes) != 0)
                return false;
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        sigfillset(&every);
        pthread_sigmask(SIG_SETMASK, &every, &before); /* inherited by the thread */
        started = pthread_create(&thread, &attributes, serve, embedded) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        return started;
}

static bool
is_of_this_process(const char *address)
{
        bool is_there = false;

        pthread_mutex_lock(&lock);
        WR_LIST_EACH(link, &all)
        {
                struct embedded *embedded = WR_LIST_OWNER(link, struct embedded, link);

                if (wr_fork_same(embedded->process) && strcmp(embedded->settings.address, address) == 0)
                        is_there = true;
        }
        pthread_mutex_unlock(&lock);
        return is_there;
}

/* Waits for the thread's first word. */
static enum weir_result
result_of(struct embedded *embedded)
{
        enum weir_result result;

        pthread_mutex_lock(&lock);
        while (!embedded->is_settled)
                pthread_cond_wait(&settled, &lock);
        result = embedded->result;
        if (result != WEIR_OK) {
                memcpy(wr_broker_error, embedded->sentence, sizeof(wr_broker_error));
                wr_list_remove(&embedded->link);
                free(embedded);
        }
        pthread_mutex_unlock(&lock);
        return result;
}

/* Takes the settings over. */
static enum weir_result
start(const struct wr_settings *settings)
{
        struct embedded *embedded = calloc(1, sizeof(*embedded));

        if (!embedded) {
                wr_sentence(wr_broker_error, sizeof(wr_broker_error), "no memory for a broker");
                return WEIR_E_NO_MEMORY;
        }
        embedded->settings = *settings;
        embedded->settings.server.address = embedded->settings.address; /* the copy's own */
        embedded->process = wr_fork_generation();
        pthread_mutex_lock(&lock);
        wr_list_append(&all, &embedded->link);
        pthread_mutex_unlock(&lock);
        if (!thread_start(embedded)) {
                pthread_mutex_lock(&lock);
                wr_list_remove(&embedded->link);
                pthread_mutex_unlock(&lock);
                free(embedded);
                wr_sentence(wr_broker_error, sizeof(wr_broker_error), "no thread for a broker could be started");
                return WEIR_E_SYSTEM;
        }
        return result_of(embedded);
}

enum weir_result WEIR_CALL
weir_broker_embed_with(const struct weir_broker_options *options)
{
        struct wr_settings settings;
        enum weir_result result = wr_settings_make(&settings, options, wr_broker_error, sizeof(wr_broker_error));

        if (result < 0)
                return result;
        pthread_mutex_lock(&starting);
        if (is_of_this_process(settings.address)) {
                wr_policy_close(settings.policy);
                wr_settings_drop(&settings);
                result = WEIR_OK;
        } else {
                result = start(&settings);
        }
        pthread_mutex_unlock(&starting);
        return result;
}

int WEIR_CALL
weir_broker_embed(const char *address)
{
        const struct weir_broker_options options = { .size = sizeof(options), .address = address };

        return weir_broker_embed_with(&options);
}
