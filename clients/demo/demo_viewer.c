/*
 * org.weir.Viewer: may subscribe, and tries to write what it reads.
 *
 *      take frames, in place -> wait until the consumer has noted how the lane is (our stdin closes)
 *        -> find the lane's descriptor -> six attacks
 */
#include "clients/demo/demo_attack.h"
#include "clients/demo/demo_role.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TAKEN_MAX = 8 };

static void
report_attacks(json_t *report, const struct demo_attack *attacks)
{
        json_t *list = json_array();

        for (int i = 0; i < DEMO_ATTACKS; i++) {
                const char *name = attacks[i].error != 0 ? strerrorname_np(attacks[i].error) : "";

                json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "way", attacks[i].way, "error",
                                                      name != NULL ? name : "?", "text",
                                                      attacks[i].error != 0 ? strerror(attacks[i].error) : ""));
        }
        json_object_set_new(report, "attacks", list);
}

/* What a test attacks in place of the lane, to see that the attacks are real: a memory that may be written. */
static int
open_memory(void **mapped)
{
        int fd = memfd_create("open", MFD_CLOEXEC);

        if (fd < 0 || ftruncate(fd, sysconf(_SC_PAGESIZE)) < 0)
                return -1;
        *mapped = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0);
        return *mapped == MAP_FAILED ? -1 : fd;
}

static enum weir_result
attack(const struct demo_options *options, const struct weir_frame *frame, json_t *report)
{
        struct demo_attack attacks[DEMO_ATTACKS];
        void *mapped = (void *)(uintptr_t)frame->data;
        int fd = options->broken == DEMO_BREAK_OPEN ? open_memory(&mapped) : demo_attack_find(mapped);

        if (fd < 0) {
                json_object_set_new(report, "sentence",
                                    json_string("no descriptor of the lane was found to attack it with"));
                return WEIR_E_SYSTEM;
        }
        demo_attack_all(mapped, fd, attacks);
        report_attacks(report, attacks);
        close(fd);
        return WEIR_OK;
}

enum weir_result
demo_viewer(const struct demo_options *options, json_t *report)
{
        const struct weir_frame *frames[TAKEN_MAX];
        struct weir_subscriber *subscriber;
        struct weir *bus;
        enum weir_result result;
        unsigned taken = 0;
        char byte;

        result = demo_role_result(report, weir_open(&bus, WEIR_OPTIONS(.name = "viewer")));
        if (result != WEIR_OK)
                return result;
        result = weir_subscriber_open(&subscriber, bus, DEMO_TOPIC, NULL);
        if (demo_role_result(report, result) == WEIR_OK) {
                /* Until the camera has shown all it will: the lane stays as it is while it is attacked. */
                while (taken < TAKEN_MAX && weir_take(subscriber, INT64_C(10000000000), &frames[taken]) == WEIR_OK)
                        taken++;
                while (read(STDIN_FILENO, &byte, 1) > 0)
                        ;
                json_object_set_new(report, "taken", json_integer(taken));
                result = taken == TAKEN_MAX ? attack(options, frames[0], report) : WEIR_EMPTY;
                while (taken > 0)
                        weir_release(frames[--taken]);
                weir_subscriber_close(subscriber);
        }
        weir_close(bus);
        return result;
}
