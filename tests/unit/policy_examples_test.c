/*
 * docs/policy.md is true: every block of TOML in it is a policy, and who may what is what its tables say.
 *
 *      | who | topic | may |                    of the block above it
 *      | system | who | may | what lets it in | of no policy at all
 *
 * The user of the page's broker is 1000.
 */
#include "broker/policy_rules.h"
#include "bus/topic.h"
#include "named-objects/rights/package.h"
#include "named-objects/user.h"

#include <assert.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OWN = 1000, OTHER = 1001, CELLS = 4, LINE_ROOM = 4096, BLOCK_ROOM = 16384, BLOCKS_MIN = 5, ROWS_MIN = 35 };

TestSuite(policy_examples, .timeout = 60);

static char sentence[1024];

static struct wr_policy *
policy_of(const char *text)
{
        struct wr_policy *policy;

        cr_assert(
                eq(int,
                   wr_policy_parse(&policy, text, strlen(text), "docs", wr_sid_of_uid(OWN), sentence, sizeof(sentence)),
                   WEIR_OK),
                "%s\n%s", sentence, text);
        return policy;
}

static FILE *
page(void)
{
        char path[512];
        FILE *file;

        snprintf(path, sizeof(path), "%s/docs/policy.md", getenv("WEIR_SOURCE_ROOT"));
        file = fopen(path, "r");
        cr_assert(file != NULL, "%s", path);
        return file;
}

#ifdef _WIN32
/* What the page's examples name of Linux: a group by its name, which has a number here, and a socket: here a pipe. */
static void
line_translate(char *line)
{
        static const char group[] = "group:video", number[] = "group:00044";
        char *found;

        static_assert(sizeof(group) == sizeof(number), "in its place");
        while ((found = strstr(line, group)) != NULL)
                memcpy(found, number, sizeof(number) - 1);
        if (strncmp(line, "socket = \"/", strlen("socket = \"/")) == 0)
                strcpy(line, "socket = '\\\\.\\pipe\\weir-package'\n");
}
#else
static void
line_translate(char *line)
{
        (void)line;
}
#endif

/* The next line of the page, as this system has it; NULL behind the last. */
static char *
line_get(char *line, FILE *file)
{
        if (!fgets(line, LINE_ROOM, file))
                return NULL;
        line_translate(line);
        return line;
}

/* The cells of a row of a table, without blanks and backticks around them; returns how many. */
static size_t
row_split(char *line, char *cells[CELLS])
{
        size_t count = 0;

        if (line[0] != '|')
                return 0;
        for (char *cell = strtok(line + 1, "|\n"); cell && count < CELLS; cell = strtok(NULL, "|\n")) {
                char *end;

                cell += strspn(cell, " `");
                end = cell + strlen(cell);
                while (end > cell && strchr(" `", end[-1]))
                        *--end = '\0';
                cells[count++] = cell;
        }
        return count;
}

/* "subscribe, map", or "nothing" and what follows it. */
static uint32_t
rights_of(const char *cell)
{
        uint32_t rights = 0;
        char text[LINE_ROOM];

        if (strncmp(cell, "nothing", strlen("nothing")) == 0)
                return 0;
        snprintf(text, sizeof(text), "%s", cell);
        for (char *word = strtok(text, ", "); word; word = strtok(NULL, ", ")) {
                int i = 0;

                while (i < RIGHTS && strcmp(word, wr_right_names[i]) != 0)
                        i++;
                cr_assert(lt(int, i, RIGHTS), "'%s' is no right", word);
                rights |= 1U << i;
        }
        return rights;
}

/* "user:1000 group:video package:ID capability:NAME confined" */
static struct wr_identity
identity_of(const char *cell)
{
        struct wr_identity identity;
        struct wr_sid group;
        char text[LINE_ROOM];

        memset(&identity, 0, sizeof(identity));
        identity.trust = WR_TRUST_FULL;
        snprintf(text, sizeof(text), "%s", cell);
        for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
                const char *name = strchr(word, ':') ? strchr(word, ':') + 1 : "";

                if (strncmp(word, "user:", 5) == 0) {
                        cr_assert(wr_user_find(name, &identity.user), "%s", word);
                } else if (strncmp(word, "group:", 6) == 0) {
                        cr_assert(wr_group_find(name, &group), "%s", word);
                        wr_sid_list_add(&identity.sids, &group, WR_SID_GROUP);
                } else if (strncmp(word, "package:", 8) == 0) {
                        identity.trust = WR_TRUST_PACKAGE;
                        snprintf(identity.package, sizeof(identity.package), "%s", name);
                } else if (strncmp(word, "capability:", 11) == 0) {
                        snprintf(identity.capabilities[identity.capability_count++], sizeof(identity.capabilities[0]),
                                 "%s", name);
                } else {
                        cr_assert(eq(str, word, "confined"));
                        identity.trust = WR_TRUST_CONFINED;
                }
        }
        return identity;
}

static uint32_t
granted(const struct wr_policy *policy, const struct wr_identity *identity, const char *topic)
{
        uint32_t rights = 0;

        for (uint32_t right = 1; right <= WR_MAY_STALL; right <<= 1)
                if (wr_policy_decide(policy, identity, topic, (enum wr_right)right, NULL, 0))
                        rights |= right;
        return rights;
}

/* Reads on behind "```toml". */
static struct wr_policy *
block_load(FILE *file)
{
        static char text[BLOCK_ROOM];
        char line[LINE_ROOM];
        size_t length = 0;

        text[0] = '\0';
        while (line_get(line, file) && strncmp(line, "```", 3) != 0) {
                cr_assert(lt(sz, length + strlen(line), sizeof(text)));
                strcpy(text + length, line);
                length += strlen(line);
        }
        return policy_of(text);
}

Test(policy_examples, every_block_is_a_policy_and_every_row_below_it_holds)
{
        struct wr_policy *policy = NULL;
        unsigned blocks = 0, rows = 0, line_number = 0;
        bool in_table = false;
        FILE *file = page();
        char line[LINE_ROOM];

        while (line_get(line, file)) {
                char *cells[CELLS];
                struct wr_identity identity;

                line_number++;
                if (strcmp(line, "```toml\n") == 0) {
                        wr_policy_close(policy);
                        policy = block_load(file);
                        blocks++;
                }
                if (row_split(line, cells) != 3 || !policy || strcmp(cells[0], "---") == 0) {
                        in_table = in_table && line[0] == '|';
                        continue;
                }
                if (strcmp(cells[0], "who") == 0) {
                        in_table = strcmp(cells[1], "topic") == 0 && strcmp(cells[2], "may") == 0;
                        continue;
                }
                if (!in_table)
                        continue;
                identity = identity_of(cells[0]);
                cr_assert(eq(u32, granted(policy, &identity, cells[1]), rights_of(cells[2])), "'%s' on '%s' may %s",
                          cells[0], cells[1], cells[2]);
                rows++;
        }
        wr_policy_close(policy);
        fclose(file);
        cr_assert(ge(uint, blocks, BLOCKS_MIN));
        cr_assert(ge(uint, rows, ROWS_MIN));
}

/* "camera/front`, `camera/rear": each of them, or none. */
static unsigned
expect_matches(const char *pattern, const char *cell, bool expected)
{
        char text[LINE_ROOM];
        unsigned count = 0;

        snprintf(text, sizeof(text), "%s", cell);
        for (char *topic = strtok(text, "`, "); topic; topic = strtok(NULL, "`, "), count++)
                cr_assert(eq(int, wr_topic_matches(pattern, topic), expected), "'%s' and '%s'", pattern, topic);
        return count;
}

/* | entry | decides for | not for | */
Test(policy_examples, patterns_match_what_the_page_says)
{
        unsigned topics = 0;
        bool in_table = false;
        FILE *file = page();
        char line[LINE_ROOM];

        while (line_get(line, file)) {
                char *cells[CELLS];
                size_t count = row_split(line, cells);

                if (count < 2 || strcmp(cells[0], "entry") == 0) {
                        in_table = count >= 2;
                        continue;
                }
                if (!in_table || strcmp(cells[0], "---") == 0 || strcmp(cells[1], "every topic") == 0)
                        continue;
                topics += expect_matches(cells[0], cells[1], true);
                topics += count > 2 ? expect_matches(cells[0], cells[2], false) : 0;
        }
        fclose(file);
        cr_assert(ge(uint, topics, 12));
}

/* ---- defaults -------------------------------------------------------------------------------------------------- */

/* Windows' own: some user of a domain, and another. */
static const struct wr_sid alice = { .authority = 5, .count = 5, .words = { 21, 1, 2, 3, 1001 } };
static const struct wr_sid bob = { .authority = 5, .count = 5, .words = { 21, 1, 2, 3, 1002 } };
static const struct wr_sid administrators = { .authority = 5, .count = 2, .words = { 32, 544 } };
static const char *const app_ids[] = { "Contoso.Viewer_h91ms92gdsmmt" };
static const struct wr_attribute packaged = { .name = "WIN://SYSAPPID", .strings = app_ids, .count = 1 };
static const struct wr_attribute less = { .name = "WIN://NOALLAPPPKG", .number = 1 };

enum { ELEVATED = 1, PACKAGED = 2, LOW = 4, CONTAINER = 8, LESS = 16 };

static const struct {
        const char *system, *who;
        const char *identity;      /* of Linux */
        const struct wr_sid *user; /* of Windows */
        unsigned how;
} kinds[] = {
        { "Linux", "full trust of the broker's own user", "user:1000", NULL, 0 },
        { "Linux", "full trust of another user", "user:1001 group:1000", NULL, 0 },
        { "Linux", "root, where the broker is not root's", "user:0 group:0", NULL, 0 },
        { "Linux", "a Flatpak", "user:1000 package:org.weir.Viewer capability:org.weir.cameras", NULL, 0 },
        { "Linux", "a Snap", "user:1000 package:firefox", NULL, 0 },
        { "Linux", "a program behind a package socket", "user:1000 package:org.weir.Camera", NULL, 0 },
        { "Linux", "unknown confinement", "user:1000 confined", NULL, 0 },
        { "Windows", "full trust of the broker's own user", NULL, &alice, 0 },
        { "Windows", "the same user, elevated", NULL, &alice, ELEVATED },
        { "Windows", "a packaged program with full trust", NULL, &alice, PACKAGED },
        { "Windows", "a program of low integrity", NULL, &alice, LOW },
        { "Windows", "another user", NULL, &bob, 0 },
        { "Windows", "an administrator, if he is another user", NULL, &bob, ELEVATED },
        { "Windows", "an AppContainer", NULL, &alice, CONTAINER },
        { "Windows", "a less privileged AppContainer (LPAC)", NULL, &alice, CONTAINER | LESS },
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static uint32_t
granted_on_linux(const char *who)
{
        struct wr_identity identity = identity_of(who);
        struct wr_policy *policy = policy_of("");
        uint32_t rights = granted(policy, &identity, "camera/front");
        bool is_admitted = wr_policy_admits(policy, &identity, sentence, sizeof(sentence));

        cr_assert(eq(int, is_admitted, identity.trust != WR_TRUST_CONFINED));
        wr_policy_close(policy);
        return rights;
}

/* The default, (A;;0x1f;;;<own user>), asked with a token of that kind. */
static uint32_t
granted_on_windows(const struct wr_sid *user, unsigned how)
{
        const struct wr_group groups[] = { { .sid = { .authority = 1, .count = 1 }, .enabled = true },
                                           { .sid = administrators, .enabled = true } };
        struct wr_token token = { .user = *user,
                                  .groups = groups,
                                  .group_count = how & ELEVATED ? 2 : 1,
                                  .integrity = how & ELEVATED            ? WR_INTEGRITY_HIGH
                                               : how & (LOW | CONTAINER) ? WR_INTEGRITY_LOW
                                                                         : WR_INTEGRITY_MEDIUM };
        const struct wr_ace ace = { .type = WR_ACE_ALLOW, .mask = ALL_RIGHTS, .sid = alice };
        static uint8_t bytes[WR_DESCRIPTOR_MAX];
        struct wr_descriptor descriptor;
        struct wr_access access;
        struct wr_draft draft;

        if (how & ELEVATED)
                token.privileges = WR_PRIVILEGE_SECURITY | WR_PRIVILEGE_TAKE_OWNERSHIP;
        if (how & (PACKAGED | CONTAINER)) {
                token.attributes = how & LESS ? &less : &packaged;
                token.attribute_count = 1;
        }
        if (how & CONTAINER) {
                token.container = how & LESS ? WR_CONTAINER_LESS : WR_CONTAINER;
                cr_assert(wr_package_sid(&token.package, app_ids[0], strlen(app_ids[0])));
        }
        wr_draft_begin(&draft, bytes, sizeof(bytes));
        wr_draft_owner(&draft, &alice);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        wr_draft_ace(&draft, &ace);
        cr_assert(wr_descriptor_open(&descriptor, bytes, wr_draft_end(&draft), NULL));
        wr_access_check(&descriptor, &token, &wr_topic_mapping, WR_MAXIMUM_ALLOWED, &access);
        return access.mask & ALL_RIGHTS;
}

Test(policy_examples, the_table_of_defaults_has_every_kind_of_identity_and_each_gets_what_it_says)
{
        unsigned seen[KINDS] = { 0 };
        bool in_table = false;
        FILE *file = page();
        char line[LINE_ROOM];

        while (line_get(line, file)) {
                size_t kind = 0;
                char *cells[CELLS];
                uint32_t rights;

                if (row_split(line, cells) < 3) {
                        in_table = false;
                        continue;
                }
                if (strcmp(cells[0], "system") == 0 || strcmp(cells[0], "---") == 0) {
                        in_table = in_table || strcmp(cells[0], "system") == 0;
                        continue;
                }
                if (!in_table)
                        continue;
                while (kind < KINDS && (strcmp(kinds[kind].system, cells[0]) || strcmp(kinds[kind].who, cells[1])))
                        kind++;
                cr_assert(lt(sz, kind, KINDS), "%s: '%s' is no kind that is tried", cells[0], cells[1]);
                rights = kinds[kind].identity ? granted_on_linux(kinds[kind].identity)
                                              : granted_on_windows(kinds[kind].user, kinds[kind].how);
                cr_assert(eq(u32, rights, rights_of(cells[2])), "%s: '%s' may %s", cells[0], cells[1], cells[2]);
                seen[kind]++;
        }
        fclose(file);
        for (size_t kind = 0; kind < KINDS; kind++)
                cr_assert(eq(uint, seen[kind], 1), "%s: '%s' is in the table", kinds[kind].system, kinds[kind].who);
}
