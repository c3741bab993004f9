#include "named-objects/user.h"
#include "tests/simulation/ledger.h"

#include <stdarg.h>
#include <string.h>

enum { CALM_SECONDS = 7, LIVES_MAX = 24 };

struct sim sim;

/* ---- dice ----------------------------------------------------------------------------------------------------- */

uint64_t
sim_random(void)
{
        sim.random ^= sim.random << 13;
        sim.random ^= sim.random >> 7;
        sim.random ^= sim.random << 17;
        return sim.random * UINT64_C(0x2545F4914F6CDD1D);
}

uint64_t
sim_below(uint64_t below)
{
        return below > 1 ? (sim_random() >> 16) % below : 0;
}

bool
sim_one_in(unsigned odds)
{
        return odds != 0 && sim_below(odds) == 0;
}

void
sim_note(uint64_t what)
{
        sim.hash = (sim.hash ^ what ^ (uint64_t)sim.now_ns) * UINT64_C(0x100000001B3);
        sim.hash ^= sim.hash >> 29;
}

/* ---- what is wrong -------------------------------------------------------------------------------------------- */

void
sim_trace(const char *format, ...)
{
        va_list values;

        if (!sim.traces)
                return;
        printf("# %9.3f ms  ", (double)sim.now_ns / (double)SIM_MS);
        va_start(values, format);
        vprintf(format, values);
        va_end(values);
        printf("\n");
}

void
sim_fail(const char *format, ...)
{
        va_list values;

        va_start(values, format);
        vsnprintf(sim.sentence, sizeof(sim.sentence), format, values);
        va_end(values);
        sim.found = sim.sentence;
        longjmp(sim.life, SIM_FOUND);
}

void
sim_seam(void)
{
        if (!sim.in_broker || sim.crash_in < 0 || sim.crash_in-- > 0)
                return;
        sim_trace("the broker crashes");
        longjmp(sim.life, SIM_CRASHED);
}

/* ---- what happens --------------------------------------------------------------------------------------------- */

static void
broker_event(void)
{
        unsigned left = sim.crashes + sim.stops + sim.deposals + sim.reloads;
        unsigned which = (unsigned)sim_below(left);

        sim.event_ns = left > 1 ? sim.now_ns + 1 + (int64_t)sim_below(SIM_SECOND) : INT64_MAX;
        if (which < sim.crashes) {
                sim.crashes--;
                sim.crash_in = (int)sim_below(200);
        } else if (which < sim.crashes + sim.stops) {
                sim.stops--;
                sim_trace("the broker is told to stop");
                sim.wants_stop = true;
        } else if (which < sim.crashes + sim.stops + sim.deposals) {
                sim.deposals--;
                sim_trace("another's socket takes the place of the broker's");
                sim.is_deposed = true;
        } else {
                sim.reloads--;
                sim_trace("the rules change");
                sim_scenario_change_rights();
                sim.wants_reload = true;
        }
}

/* From here on everybody behaves, and nothing is short. */
static void
calm(void)
{
        sim_trace("---- calm");
        sim.phase = SIM_CALM;
        /* Whoever may say little takes its time. */
        sim.phase_ns = sim.now_ns + CALM_SECONDS * SIM_SECOND * (sim.plan.per_second < 500 ? 4 : 1);
        sim.event_ns = INT64_MAX;
        sim.crash_in = -1;
        sim.is_deposed = false;
        sim.plan.memory_odds = sim.plan.flight_odds = 0;
        sim.plan.numbers_max = 4096;
        sim_clients_calm();
}

int64_t
sim_next_ns(void)
{
        int64_t next_ns = sim_clients_next_ns();

        if (sim.phase == SIM_CHAOS && sim.phase_ns < next_ns)
                next_ns = sim.phase_ns;
        return sim.event_ns < next_ns ? sim.event_ns : next_ns;
}

void
sim_act(void)
{
        bool was_in_broker = sim.in_broker;

        sim.in_broker = false; /* what clients do is not done by the broker: it does not crash in it */
        sim.events++;
        if (sim.now_ns >= sim.event_ns)
                broker_event();
        else if (sim.phase == SIM_CHAOS && sim.now_ns >= sim.phase_ns)
                calm();
        else
                sim_clients_act();
        sim.in_broker = was_in_broker;
}

/* ---- lives of the broker -------------------------------------------------------------------------------------- */

static void
serve(void)
{
        /* Short enough to pass while there is chaos. */
        static const struct wr_server_options options = { .address = "/sim/bus",
                                                          .greet_ns = SIM_SECOND / 4,
                                                          .revoke_ns = SIM_SECOND / 2 };
        static const struct wr_log log = { .object = 1 };
        struct wr_policy *policy = NULL;
        char sentence[1024] = "";
        enum weir_result result;

        if (sim.plan.has_rejoins && sim.lives > 0 && sim_one_in(2))
                sim_scenario_change_rights();
        sim.is_file_broken = false;
        sim_scenario_write_policy();
        sim.in_broker = true;
        result = wr_policy_parse(&policy, sim.policy, strlen(sim.policy), "/sim/policy.conf", wr_user_self(), sentence,
                                 sizeof(sentence));
        if (result == WEIR_OK) {
                sim_scenario_in_force();
                sim_trace("---- a broker starts");
                result = wr_server_open(&sim.server, &options, policy, &log, sentence, sizeof(sentence));
        }
        if (result == WEIR_OK) {
                sim.is_serving = sim.in_turn = true;
                result = wr_server_run(&sim.server);
                sim.is_serving = false;
                wr_server_close(&sim.server);
        } else if (sim.plan.memory_odds == 0 && sim.plan.numbers_max > 1000) {
                sim_fail("a broker does not start: %s", sentence);
        }
        sim.in_broker = false;
        sim_check_closed(result < 0 ? "a broker that could not start" : "a broker that stopped");
}

/* One broker, from its start to its end. False: a rule was broken. */
static bool
live(void)
{
        switch (setjmp(sim.life)) {
        case 0: serve(); break;
        case SIM_CRASHED: break;
        default: sim.in_broker = false; return false;
        }
        sim.in_broker = sim.is_serving = sim.wants_stop = sim.is_deposed = sim.wants_reload = false;
        sim.crash_in = -1;
        sim_objects_take_away();
        sim_memory_take_away();
        sim_loop_clear();
        ledger_clear();
        sim.lives++;
        return true;
}

/* Nobody serves: what clients do meanwhile. */
static bool
wait_for_next(void)
{
        int64_t back_ns = sim.now_ns + (int64_t)sim_below(400 * SIM_MS);

        if (setjmp(sim.life) != 0)
                return false;
        while (sim_next_ns() <= back_ns) {
                if (sim_next_ns() > sim.now_ns)
                        sim.now_ns = sim_next_ns();
                sim_act();
        }
        if (sim.now_ns < back_ns)
                sim.now_ns = back_ns;
        return true;
}

static void
begin(uint64_t seed, bool traces)
{
        memset(&sim, 0, sizeof(sim));
        sim.seed = seed;
        sim.traces = traces;
        sim.random = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15);
        sim.ids = sim_random();
        sim.hash = seed;
        sim.now_ns = SIM_SECOND;
        sim.crash_in = -1;
        sim_objects_clear();
        sim_lines_clear();
        sim_loop_clear();
        ledger_clear();
        for (int i = 0; i < 8; i++)
                sim_random(); /* seeds that stand side by side begin alike */
        sim_scenario_make();
        sim.crashes = sim.plan.crashes;
        sim.stops = sim.plan.stops;
        sim.deposals = sim.plan.deposals;
        sim.reloads = sim.plan.reloads;
        sim.phase_ns = sim.now_ns + sim.plan.chaos_ns;
        sim.event_ns = INT64_MAX;
        if (sim.crashes + sim.stops + sim.deposals + sim.reloads > 0)
                sim.event_ns = sim.now_ns + (int64_t)sim_below(SIM_SECOND);
        sim_clients_make();
}

bool
sim_run(uint64_t seed, bool traces)
{
        bool is_well = true;

        begin(seed, traces);
        while (is_well && sim.phase != SIM_OVER) {
                is_well = live();
                if (is_well && sim.phase != SIM_OVER)
                        is_well = wait_for_next();
                if (is_well && sim.lives > LIVES_MAX) {
                        snprintf(sim.sentence, sizeof(sim.sentence), "%u brokers began", sim.lives);
                        is_well = false;
                }
        }
        sim_memory_take_away();
        return is_well;
}
