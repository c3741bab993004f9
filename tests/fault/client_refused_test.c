/* A broker that refuses at the door says why and hangs up, before the client has spoken, while it speaks, or after. */
#include "bus/message.h"
#include "named-objects/endpoint.h"
#include "named-objects/watch.h"
#include "tests/contract/weir_kit.h"

#include <pthread.h>

TestSuite(client_refused, .fini = kit_clean, .timeout = 60);

enum { DOOR_TURNS = 600 };

/* Refuses whoever comes, by turns without a look at what they say, and after it has come. */
static void *
door(void *argument)
{
        wr_object listener = *(wr_object *)argument, connection;
        struct wr_message no = { .kind = WR_REFUSAL, .refusal = { .result = WEIR_E_DENIED, .sentence = "go away" } };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = wr_message_encode(&no, bytes);

        for (int i = 0; i < DOOR_TURNS; i++) {
                struct wr_watch wait = { .object = listener, .read = true };
                enum weir_result result;

                do /* a listener of Windows is also readable for what is none yet */
                        wr_watch_wait(&wait, 1, KIT_SOON);
                while ((result = wr_endpoint_accept(listener, &connection)) == WEIR_EMPTY && wait.readable);
                kit_must(result == WEIR_OK);
                wait.object = connection;
                if (i % 2 == 1)
                        wr_watch_wait(&wait, 1, KIT_SOON);
                wr_endpoint_send(connection, bytes, size, NULL, 0);
                wr_object_close(connection); /* with the HELLO unread, if it came */
        }
        return NULL;
}

Test(client_refused, the_sentence_arrives_however_early_the_broker_hangs_up)
{
        struct weir_options options = { .size = sizeof options, .address = kit_address() };
        char why[256];
        pthread_t thread;
        wr_object listener;

        cr_assert(eq(int, wr_endpoint_listen(&listener, kit_address(), why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, pthread_create(&thread, NULL, door, &listener), 0));
        for (int i = 0; i < DOOR_TURNS; i++) {
                struct weir *bus = NULL;

                cr_assert(eq(int, weir_open(&bus, &options), WEIR_E_DENIED), "turn %d: %s", i, weir_error());
                cr_assert_not_null(strstr(weir_error(), "go away"), "turn %d: %s", i, weir_error());
        }
        pthread_join(thread, NULL);
        wr_endpoint_unlisten(listener, kit_address());
}
