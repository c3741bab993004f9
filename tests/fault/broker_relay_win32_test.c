/* Clients whose process the broker may not open, as those of another user are to a service: they are relayed, and their
 * ends of the streams go by name. */
#include "tests/fault/relay_fixture.h"

enum { LARGE = 1 << 20 };

static uint8_t sent[LARGE], got[LARGE];

TestSuite(broker_relay_win32, .fini = kit_clean, .timeout = 60);

/* From now on nobody opens this process. */
static void
hide(void)
{
        SECURITY_DESCRIPTOR closed;
        HANDLE process;
        ACL empty;

        cr_assert(InitializeAcl(&empty, sizeof empty, ACL_REVISION));
        cr_assert(InitializeSecurityDescriptor(&closed, SECURITY_DESCRIPTOR_REVISION));
        cr_assert(SetSecurityDescriptorDacl(&closed, TRUE, &empty, FALSE));
        cr_assert(SetKernelObjectSecurity(GetCurrentProcess(), DACL_SECURITY_INFORMATION, &closed));
        process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, GetCurrentProcessId());
        cr_assert(process == NULL, "the system does not enforce it");
}

Test(broker_relay_win32, frames_go_from_one_client_to_another_whose_processes_may_not_be_opened)
{
        static const size_t sizes[] = { 0, 100, 70000, LARGE };
        struct relayed *in = calloc(1, sizeof(*in)), *out = calloc(1, sizeof(*out));
        struct client writer, reader;
        struct broker broker;

        given.policy = no_map();
        broker = broker_begin();
        hide();
        writer = client_begin(&broker, "writer");
        reader = client_begin(&broker, "reader");
        relayed_open(in, &reader, subscribe("t"));
        relayed_open(out, &writer, publish("t"));
        for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                for (size_t at = 0; at < sizes[i]; at++)
                        sent[at] = (uint8_t)(at * 7 + (at >> 8) + i);
                relayed_frame(out, sent, sizes[i]);
                relayed_take(in, got, sizes[i]);
                cr_assert(zero(int, memcmp(sent, got, sizes[i])));
                cr_assert(eq(u64, in->record.frame.sequence, i + 1));
        }
        relayed_close(in);
        relayed_close(out);
        free(in);
        free(out);
        client_close(&reader);
        client_close(&writer);
        broker_end(&broker);
}
