/* What there is: topics come with their first endpoint and go with their last, ids are found while they live. */
#include "broker/registry.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static struct wr_registry registry;
static uint64_t drawn;

/* Draws each number twice, and 0 first: ids must be new and not 0 all the same. */
static uint64_t
random_poor(void)
{
        return drawn++ / 2;
}

static void
begin(void)
{
        cr_assert(eq(int, wr_registry_open(&registry, random_poor), WEIR_OK));
}

static void
end(void)
{
        wr_registry_close(&registry);
}

TestSuite(registry, .init = begin, .fini = end);

static const struct wr_lane_geometry plan = { .ring_bytes = 4096, .segment_bytes = 8192 };

Test(registry, a_topic_lives_while_it_has_an_endpoint)
{
        struct wr_publication *publication = wr_registry_publish(&registry, "t", NULL, &plan);
        struct wr_subscription *subscription = wr_registry_subscribe(&registry, "t", NULL);

        cr_assert(publication->topic == subscription->topic);
        cr_assert(wr_registry_topic(&registry, "t") == publication->topic);
        cr_assert(wr_registry_topic(&registry, "u") == NULL);
        wr_registry_unpublish(&registry, publication);
        cr_assert(wr_registry_topic(&registry, "t") != NULL);
        wr_registry_unsubscribe(&registry, subscription);
        cr_assert(wr_registry_topic(&registry, "t") == NULL);
}

Test(registry, ids_are_found_while_they_live)
{
        struct wr_publication *publication = wr_registry_publish(&registry, "t", NULL, &plan);
        struct wr_subscription *subscription = wr_registry_subscribe(&registry, "t", NULL);
        struct wr_pairing *pairing;
        uint64_t lane = publication->geometry.lane, id = subscription->node.key, pair;

        subscription->frames_max = 16;
        pairing = wr_registry_pair(&registry, publication, subscription);
        pair = pairing->node.key;
        cr_assert(lane != 0 && id != 0 && pair != 0);
        cr_assert(wr_registry_publication(&registry, lane) == publication);
        cr_assert(wr_registry_subscription(&registry, id) == subscription);
        cr_assert(wr_registry_pairing(&registry, pair) == pairing);
        cr_assert(eq(uint, wr_registry_publishers_left(subscription), 1));
        pairing->is_over = true;
        cr_assert(eq(uint, wr_registry_publishers_left(subscription), 0));
        wr_registry_unpair(&registry, pairing);
        wr_registry_unpublish(&registry, publication);
        wr_registry_unsubscribe(&registry, subscription);
        cr_assert(wr_registry_publication(&registry, lane) == NULL);
        cr_assert(wr_registry_subscription(&registry, id) == NULL);
        cr_assert(wr_registry_pairing(&registry, pair) == NULL);
}

Test(registry, ids_are_all_different)
{
        struct wr_publication *publications[300];

        for (int i = 0; i < 300; i++)
                publications[i] = wr_registry_publish(&registry, "t", NULL, &plan);
        for (int i = 0; i < 300; i++) {
                cr_assert(wr_registry_publication(&registry, publications[i]->geometry.lane) == publications[i]);
                cr_assert(ne(u64, publications[i]->source, 0));
        }
        cr_assert(eq(uint, publications[0]->topic->publication_count, 300));
        for (int i = 0; i < 300; i++)
                wr_registry_unpublish(&registry, publications[i]);
}

Test(registry, a_lane_starts_at_a_position_that_cleared_memory_is_not_taken_for)
{
        for (int i = 0; i < 100; i++) {
                struct wr_publication *publication;
                uint64_t start;

                drawn = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
                publication = wr_registry_publish(&registry, "t", NULL, &plan);
                start = publication->geometry.start;
                cr_assert(eq(u64, start % WR_HEADER_BYTES, 0));
                cr_assert(start >= UINT64_C(1) << 31 && start < UINT64_C(1) << 32);
                cr_assert(eq(u64, publication->geometry.epoch, 1));
                wr_registry_unpublish(&registry, publication);
        }
}

Test(registry, the_words_of_pairs_are_staggered_and_fit_their_page)
{
        static const uint32_t counts[] = { 1, 16, 480, 481, 1024 };
        struct wr_publication *publication = wr_registry_publish(&registry, "t", NULL, &plan);

        for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
                struct wr_subscription *subscription = wr_registry_subscribe(&registry, "t", NULL);
                uint64_t before = UINT64_MAX;

                subscription->frames_max = counts[i];
                for (int turn = 0; turn < 200; turn++) {
                        struct wr_pairing *pairing = wr_registry_pair(&registry, publication, subscription);

                        cr_assert(eq(u64, pairing->page_bytes % 4096, 0));
                        cr_assert(eq(u64, pairing->words_offset % WR_LINE_BYTES, 0));
                        cr_assert(pairing->words_offset + wr_pair_words_bytes(counts[i]) <= pairing->page_bytes);
                        if (pairing->page_bytes > wr_pair_words_bytes(counts[i]))
                                cr_assert(ne(u64, pairing->words_offset, before), "the next page has another offset");
                        before = pairing->words_offset;
                        wr_registry_unpair(&registry, pairing);
                }
                wr_registry_unsubscribe(&registry, subscription);
        }
        wr_registry_unpublish(&registry, publication);
}

Test(registry, a_pattern_belongs_to_no_topic_and_hears_of_all_that_match)
{
        struct wr_subscription *pattern = wr_registry_subscribe(&registry, "cam/*", NULL);
        struct wr_subscription *exact = wr_registry_subscribe(&registry, "cam/a", NULL);
        struct wr_publication *lanes[2];
        struct wr_pairing *pairings[2];

        cr_assert(pattern->topic == NULL && wr_registry_topic(&registry, "cam/*") == NULL);
        cr_assert(wr_registry_hears(pattern, "cam/a") && wr_registry_hears(pattern, "cam/b"));
        cr_assert(not(wr_registry_hears(pattern, "cam/a/b")));
        cr_assert(not(wr_registry_hears(pattern, "imu")));
        cr_assert(wr_registry_hears(exact, "cam/a") && !wr_registry_hears(exact, "cam/ab"));
        for (int i = 0; i < 2; i++) {
                lanes[i] = wr_registry_publish(&registry, "cam/a", NULL, &plan);
                pairings[i] = wr_registry_pair(&registry, lanes[i], pattern);
        }
        cr_assert(eq(uint, wr_registry_readers(exact->topic), 2), "the one by name, and the pattern once");
        for (int i = 0; i < 2; i++) {
                wr_registry_unpair(&registry, pairings[i]);
                wr_registry_unpublish(&registry, lanes[i]);
        }
        cr_assert(eq(uint, wr_registry_readers(exact->topic), 1));
        wr_registry_unsubscribe(&registry, exact);
        wr_registry_unsubscribe(&registry, pattern);
        cr_assert(wr_registry_topic(&registry, "cam/a") == NULL);
}
