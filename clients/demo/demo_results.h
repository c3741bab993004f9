/* What a run found: numbers of each pass, what the others met, and every sentence that must not be there. */
#ifndef DEMO_RESULTS_H
#define DEMO_RESULTS_H

#include "clients/demo/demo_attack.h"
#include "clients/demo/demo_digest.h"
#include "clients/demo/demo_plan.h"

#include <jansson.h>
#include <weir/weir.h>

enum { DEMO_FAULTS_MAX = 32, DEMO_SENTENCE = 800, DEMO_PASSES = 4 };

struct demo_pass {
        enum demo_kind kind;
        uint64_t frames, bytes, lost, skipped;
        uint64_t hash_failures;              /* that libweir found */
        uint64_t pixel_failures;             /* whose fold is not what the camera saw */
        uint64_t copied_bytes, filled_bytes; /* by libweir at both ends; by the decoder's pipe into the loans */
        uint64_t pictures;                   /* different ones, of those from memory */
        int64_t elapsed_ns, p50_ns, p99_ns, max_ns;
        char sha[DEMO_SHA_TEXT]; /* of all pixels, where they were folded into one */
        bool done;
};

struct demo_results {
        struct demo_pass passes[DEMO_PASSES]; /* by enum demo_kind: live, fast, memory, pipe */
        uint64_t coded_frames, outside_frames;
        char outside_sha[DEMO_SHA_TEXT];
        json_t *sandbox; /* what the camera could do to the world; NULL without a sandbox */
        char refusal[DEMO_SENTENCE];
        json_t *attacks;              /* what the viewer met */
        char lane_sha[DEMO_SHA_TEXT]; /* of the lane's memory, the same before and after */
        uint64_t held_frames;
        int64_t elapsed_ns;
        char faults[DEMO_FAULTS_MAX][DEMO_SENTENCE];
        unsigned fault_count;
        bool data_wrong; /* one of the faults is that data was lost or wrong: exit code 7 */
};

/* Notes what must not be. `data`: it is about data that was lost or wrong. */
__attribute__((format(printf, 3, 4))) void
demo_fault(struct demo_results *results, bool data, const char *format, ...);

/* GB/s of a pass; 0 when it took no time. */
double
demo_pass_rate(const struct demo_pass *pass);

/* Frames that were wrong when they came, by libweir's hash or by their pixels. */
uint64_t
demo_pass_failures(const struct demo_pass *pass);

/* Payload bytes that libweir copied, divided by payload bytes. */
double
demo_pass_copies(const struct demo_pass *pass);

/* The passes of the consumer. They note faults and fill in results->passes[kind]. */
void
demo_pass_run(struct demo_results *results, const struct demo_plan *plan, struct weir *bus, enum demo_kind kind);

void
demo_pass_pipe(struct demo_results *results, const struct demo_plan *plan);

/* Holds frames in place while org.weir.Viewer attacks their lane. */
void
demo_held_run(struct demo_results *results, const struct demo_plan *plan, struct weir *bus);

/* Writes the results to stdout, for people or as one JSON object. */
void
demo_report(const struct demo_results *results, const struct demo_plan *plan);

#endif
