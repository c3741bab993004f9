/*
 * What a seed is about: its family gives the dangers, the dice give the rest. Policy and oracle are made from one
 * table of rights, so that what the broker decides can be compared with what was meant.
 */
#include "tests/simulation/sim.h"

#include <stdarg.h>
#include <string.h>

enum family { CALM, DEATHS, SILENCE, GARBAGE, SHORTAGE, RULES, BROKERS, EVERYTHING, FAMILIES };

const char *const sim_families[] = {
        [CALM] = "good clients come and go",
        [DEATHS] = "clients die at any moment",
        [SILENCE] = "clients that do not read, do not answer, or answer late",
        [GARBAGE] = "clients that flood, garble and meddle",
        [SHORTAGE] = "descriptors, memory and quotas run short",
        [RULES] = "the rules change under traffic",
        [BROKERS] = "brokers crash, stop and are deposed",
        [EVERYTHING] = "all of it at once",
};

unsigned
sim_family_count(void)
{
        return FAMILIES;
}

const char *
sim_topic(unsigned index)
{
        static const char *const topics[SIM_TOPICS] = { "t/a", "t/b", "u/c", "u/d", "v" };

        return topics[index];
}

const char *
sim_listener_path(unsigned index)
{
        static const char *const paths[SIM_LISTENERS_MAX] = { "/sim/bus", "/sim/camera/bus", "/sim/extra/bus",
                                                              "/sim/none/bus" };

        return paths[index];
}

/* ---- who there is --------------------------------------------------------------------------------------------- */

static const struct {
        enum wr_trust trust;
        uint32_t user;
        const char *principal, *package;
} identities[SIM_IDENTITIES] = {
        { WR_TRUST_FULL, 1000, "user:1000", "" },
        { WR_TRUST_FULL, 1001, "user:1001", "" },
        { WR_TRUST_FULL, 1002, "user:1002", "" },
        { WR_TRUST_PACKAGE, 1000, "package:org.weir.Camera", "org.weir.Camera" },
        { WR_TRUST_CONFINED, 1000, "confined:*", "" },
        { WR_TRUST_FULL, 1003, "user:1003", "" }, /* whom nothing is ever granted */
};

enum { STRANGER = SIM_IDENTITIES - 1 };

void
sim_identity_fill(unsigned index, const char *package, struct wr_identity *identity)
{
        memset(identity, 0, sizeof(*identity));
        identity->trust = identities[index].trust;
        identity->user = wr_sid_of_uid(identities[index].user);
        snprintf(identity->package, sizeof(identity->package), "%s", identities[index].package);
        snprintf(identity->why, sizeof(identity->why), "simulated");
        if (package && strcmp(package, identity->package) != 0)
                sim_fail("a listener vouches for package '%s', its client is '%s'", package, identity->package);
}

bool
sim_identity_is_own(unsigned identity)
{
        return identity == 0;
}

/* ---- the rules ------------------------------------------------------------------------------------------------ */

static unsigned
rights_draw(unsigned identity)
{
        unsigned rights = 0;

        if (identity == STRANGER)
                return 0;
        if (!sim_one_in(4))
                rights |= WR_MAY_SUBSCRIBE;
        if (!sim_one_in(4))
                rights |= WR_MAY_PUBLISH;
        if (!sim_one_in(3) && rights != 0)
                rights |= WR_MAY_STALL;
        return rights;
}

void
sim_scenario_change_rights(void)
{
        unsigned changes = 1 + (unsigned)sim_below(4);

        for (unsigned i = 0; i < changes; i++) {
                unsigned identity = (unsigned)sim_below(SIM_IDENTITIES);

                sim.rights[identity][sim_below(sim.plan.topics)] = rights_draw(identity);
        }
        sim.is_file_broken = sim_one_in(6);
        sim_scenario_write_policy();
}

void
sim_scenario_in_force(void)
{
        memcpy(sim.rights_in_force, sim.rights, sizeof(sim.rights));
}

bool
sim_may(unsigned identity, const char *topic, unsigned rights)
{
        for (unsigned i = 0; i < sim.plan.topics; i++)
                if (strcmp(sim_topic(i), topic) == 0) {
                        unsigned has = sim.rights_in_force[identity][i];

                        if (has & (WR_MAY_SUBSCRIBE | WR_MAY_PUBLISH))
                                has |= WR_MAY_MAP;
                        return (has & rights) == rights;
                }
        return false;
}

__attribute__((format(printf, 1, 2))) static void
policy_add(const char *format, ...)
{
        size_t length = strlen(sim.policy);
        va_list values;

        va_start(values, format);
        vsnprintf(sim.policy + length, sizeof(sim.policy) - length, format, values);
        va_end(values);
}

static void
policy_add_rule(unsigned topic, const char *key, unsigned right)
{
        const char *comma = "";

        policy_add("%s = [", key);
        for (unsigned i = 0; i < SIM_IDENTITIES; i++)
                if (sim.rights[i][topic] & right) {
                        policy_add("%s\"%s\"", comma, identities[i].principal);
                        comma = ", ";
                }
        policy_add("]\n");
}

void
sim_scenario_write_policy(void)
{
        const struct sim_plan *plan = &sim.plan;

        sim.policy[0] = '\0';
        for (unsigned i = 0; i < plan->topics; i++) {
                policy_add("[topic.\"%s\"]\n", sim_topic(i));
                policy_add_rule(i, "publish", WR_MAY_PUBLISH);
                policy_add_rule(i, "subscribe", WR_MAY_SUBSCRIBE);
                policy_add_rule(i, "stall", WR_MAY_STALL);
        }
        policy_add("[package.\"org.weir.Camera\"]\nsocket = \"%s\"\n", sim_listener_path(1));
        policy_add("[quota]\nlanes = %llu\nsubscriptions = %llu\nreserve_bytes = %llu\nallocated_bytes = %llu\n"
                   "connections = %llu\nmessages_per_second = %llu\n",
                   (unsigned long long)plan->lanes, (unsigned long long)plan->subscriptions,
                   (unsigned long long)plan->reserve_bytes, (unsigned long long)plan->allocated_bytes,
                   (unsigned long long)plan->connections, (unsigned long long)plan->per_second);
        if (sim.is_file_broken)
                policy_add("this is no policy\n");
}

/* ---- the plan ------------------------------------------------------------------------------------------------- */

static void
dangers(struct sim_plan *plan)
{
        bool all = plan->family == EVERYTHING;

        if (plan->family == DEATHS || all)
                plan->traits_of_all |= SIM_MORTAL | SIM_RUDE | SIM_FORKS | SIM_HASTY | SIM_SLOW;
        if (plan->family == SILENCE || all) {
                plan->traits_of_all |= SIM_SILENT | SIM_DEAF | SIM_SLOW | SIM_NO_READY | SIM_NO_ACK |
                                       SIM_NO_PAIR_READY | SIM_NO_DONE | SIM_FREEZES;
                plan->room_max = 1 + sim_below(24000);
        }
        if (plan->family == GARBAGE || all)
                plan->traits_of_all |=
                        SIM_FLOODS | SIM_GARBLES | SIM_MEDDLES | SIM_SAYS_NO | SIM_EVICTS | SIM_HASTY | SIM_DEAF;
        if (plan->family == SHORTAGE || all) {
                plan->traits_of_all |= SIM_GREEDY | SIM_HASTY | SIM_NO_DONE | SIM_NO_ACK;
                plan->numbers_max = 64 + (unsigned)sim_below(80);
                plan->memory_odds = sim_one_in(2) ? 50 + (unsigned)sim_below(500) : 0;
                plan->flight_odds = sim_one_in(2) ? 3 + (unsigned)sim_below(30) : 0;
                plan->lanes = 1 + sim_below(8);
                plan->subscriptions = 1 + sim_below(30);
                plan->reserve_bytes = (UINT64_C(1) << 20) << sim_below(12);
                plan->allocated_bytes = 4096 * (1 + sim_below(60));
                plan->connections = 1 + sim_below(5);
                if (sim_one_in(2))
                        plan->per_second = 20 + sim_below(200);
        }
        if (plan->family == RULES || all) {
                plan->reloads = 1 + (unsigned)sim_below(6);
                plan->traits_of_all |= SIM_NO_DONE | SIM_SLOW;
                plan->has_rejoins = sim_one_in(2);
                plan->patience = plan->has_rejoins ? 40 + (unsigned)sim_below(300) : 0;
        }
        if (plan->family == BROKERS || all) {
                plan->crashes = (unsigned)sim_below(4);
                plan->stops = (unsigned)sim_below(2);
                plan->deposals = (unsigned)sim_below(2);
                if (plan->crashes + plan->stops + plan->deposals == 0)
                        plan->crashes = 1;
                plan->has_rejoins = !sim_one_in(4);
                plan->patience = plan->has_rejoins && sim_one_in(2) ? 40 + (unsigned)sim_below(300) : 0;
        }
}

void
sim_scenario_make(void)
{
        struct sim_plan *plan = &sim.plan;

        *plan = (struct sim_plan){
                .family = (unsigned)(sim.seed % FAMILIES),
                .clients = 2 + (unsigned)sim_below(SIM_CLIENTS_MAX - 1),
                .topics = 1 + (unsigned)sim_below(SIM_TOPICS),
                .traits_odds = 3 + (unsigned)sim_below(6),
                .numbers_max = 4096,
                .room_max = 1 + sim_below(200000),
                .think_ns = 4 * SIM_MS + (int64_t)sim_below(40 * SIM_MS),
                .late_ns = 1 + (int64_t)sim_below(2 * SIM_MS),
                .chaos_ns = SIM_SECOND / 3 + (int64_t)sim_below(8 * SIM_SECOND / 5),
                .lanes = 64,
                .subscriptions = 1024,
                .reserve_bytes = UINT64_C(16) << 30,
                .allocated_bytes = UINT64_C(4) << 30,
                .connections = 64,
                .per_second = 1000,
                .has_patterns = sim_one_in(2),
                .has_types = sim_one_in(3),
                .has_moves = sim_one_in(2),
        };
        dangers(plan);
        for (unsigned i = 0; i < SIM_IDENTITIES; i++)
                for (unsigned j = 0; j < SIM_TOPICS; j++)
                        sim.rights[i][j] = rights_draw(i);
        sim_scenario_write_policy();
        sim_scenario_in_force();
}
