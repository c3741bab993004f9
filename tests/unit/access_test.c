/* The access check: the vectors, one test each, then the corners that they leave open. */
#include "tests/unit/access_fixture.h"
#include "tests/unit/vectors.h"

enum { SIDS_MAX = 16 };

/* A token of the vectors' file with the memory that it points to. */
struct subject {
        struct wr_token token;
        struct wr_group groups[SIDS_MAX];
        struct wr_sid restricting[SIDS_MAX], capabilities[SIDS_MAX];
        struct wr_attribute attributes[SIDS_MAX];
        const char *strings[SIDS_MAX][SIDS_MAX];
};

static size_t
sids_of(json_t *array, struct wr_sid sids[SIDS_MAX])
{
        for (size_t i = 0; i < json_array_size(array); i++)
                sids[i] = sid_of(json_string_value(json_array_get(array, i)));
        return json_array_size(array);
}

static void
groups_of(json_t *array, struct subject *subject)
{
        subject->token.groups = subject->groups;
        subject->token.group_count = json_array_size(array);
        for (size_t i = 0; i < json_array_size(array); i++) {
                json_t *group = json_array_get(array, i), *enabled = json_object_get(group, "enabled");

                subject->groups[i].sid = sid_of(vector_string(group, "sid"));
                subject->groups[i].deny_only = json_is_true(json_object_get(group, "deny_only"));
                subject->groups[i].enabled = !subject->groups[i].deny_only && !json_is_false(enabled);
        }
}

static uint32_t
privileges_of(json_t *array)
{
        static const struct {
                const char *name;
                uint32_t bit;
        } known[] = { { "SeSecurityPrivilege", WR_PRIVILEGE_SECURITY },
                      { "SeTakeOwnershipPrivilege", WR_PRIVILEGE_TAKE_OWNERSHIP },
                      { "SeRelabelPrivilege", WR_PRIVILEGE_RELABEL } };
        uint32_t privileges = 0;

        for (size_t i = 0; i < json_array_size(array); i++)
                for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++)
                        if (strcmp(json_string_value(json_array_get(array, i)), known[k].name) == 0)
                                privileges |= known[k].bit;
        return privileges;
}

static void
container_of(json_t *json, struct subject *subject)
{
        if (json == NULL)
                return;
        subject->token.container = json_is_true(json_object_get(json, "lpac")) ? WR_CONTAINER_LESS : WR_CONTAINER;
        subject->token.package = sid_of(vector_string(json, "package_sid"));
        subject->token.capabilities = subject->capabilities;
        subject->token.capability_count = sids_of(json_object_get(json, "capabilities"), subject->capabilities);
}

static void
claims_of(json_t *json, struct subject *subject)
{
        const char *name;
        json_t *list;

        json_object_foreach(json, name, list)
        {
                size_t at = subject->token.attribute_count++;

                subject->attributes[at] = (struct wr_attribute){ .name = name, .strings = subject->strings[at] };
                subject->attributes[at].count = json_array_size(list);
                for (size_t i = 0; i < json_array_size(list); i++)
                        subject->strings[at][i] = json_string_value(json_array_get(list, i));
        }
        subject->token.attributes = subject->attributes;
}

static struct subject *
subject_of(json_t *json)
{
        struct subject *subject = calloc(1, sizeof(*subject));

        subject->token.user = sid_of(vector_string(json, "user"));
        subject->token.user_deny_only = json_is_true(json_object_get(json, "user_deny_only"));
        subject->token.integrity = (uint32_t)json_integer_value(json_object_get(json, "integrity"));
        subject->token.restricting = subject->restricting;
        subject->token.restricting_count = sids_of(json_object_get(json, "restricted_sids"), subject->restricting);
        subject->token.write_restricted = json_is_true(json_object_get(json, "write_restricted"));
        subject->token.privileges = privileges_of(json_object_get(json, "privileges"));
        groups_of(json_object_get(json, "groups"), subject);
        container_of(json_object_get(json, "appcontainer"), subject);
        claims_of(json_object_get(json, "claims"), subject);
        return subject;
}

static const struct wr_generic_mapping *
mapping_of(const char *object)
{
        static const struct {
                const char *name;
                const struct wr_generic_mapping *mapping;
        } all[] = { { "section", &wr_section_mapping },    { "event", &wr_event_mapping },
                    { "mutex", &wr_mutex_mapping },        { "semaphore", &wr_semaphore_mapping },
                    { "pipe", &wr_pipe_mapping },          { "pipe_client", &wr_pipe_mapping },
                    { "directory", &wr_directory_mapping } };

        for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
                if (strcmp(object, all[i].name) == 0)
                        return all[i].mapping;
        cr_fatal("no such object: %s", object);
}

static uint32_t
number_of(json_t *json, const char *field)
{
        return (uint32_t)strtoul(vector_string(json, field), NULL, 0);
}

static bool
decide(json_t *vector, const struct object *object, const struct wr_token *token, struct wr_access *access)
{
        const char *kind = vector_string(vector, "object");
        uint32_t desired = number_of(vector, "desired");

        if (strcmp(kind, "pipe_client") == 0)
                return wr_access_check_pipe_client(&object->descriptor, token, desired, access);
        return wr_access_check(&object->descriptor, token, mapping_of(kind), desired, access);
}

ParameterizedTestParameters(access, every_vector_is_decided_as_recorded)
{
        return vectors_of("access_check.json");
}

ParameterizedTest(struct vector *vector, access, every_vector_is_decided_as_recorded)
{
        json_t *json = vector_json(vector), *file = vectors_file("access_check.json");
        json_t *tokens = json_object_get(file, "tokens");
        struct subject *subject = subject_of(json_object_get(tokens, vector_string(json, "token")));
        struct object *object = object_of(vector_string(json, "sd"));
        bool granted = strcmp(vector_string(json, "expect"), "granted") == 0;
        struct wr_access access;
        char text[4096];

        cr_assert(eq(int, decide(json, object, &subject->token, &access), granted), "%s", vector->text);
        if (json_object_get(json, "granted_mask") != NULL)
                cr_assert(eq(u32, access.mask, number_of(json, "granted_mask")), "%s", vector->text);
        wr_access_explain(&object->descriptor, &subject->token, &access, NULL, text, sizeof(text));
        cr_assert(strncmp(text, granted ? "granted: " : "denied: ", granted ? 9 : 8) == 0, "%s\n%s", vector->text,
                  text);
        free(object);
        free(subject);
        json_decref(file);
        json_decref(json);
}

/* The same vectors: what a denial is mended with must be true of them too. */
ParameterizedTestParameters(access, every_denied_vector_is_granted_once_mended)
{
        return vectors_of("access_check.json");
}

ParameterizedTest(struct vector *vector, access, every_denied_vector_is_granted_once_mended)
{
        json_t *json = vector_json(vector), *file = vectors_file("access_check.json");
        json_t *tokens = json_object_get(file, "tokens");
        struct subject *subject = subject_of(json_object_get(tokens, vector_string(json, "token")));
        struct object *object = object_of(vector_string(json, "sd")), mended;
        struct wr_access access;
        struct wr_mend mend;

        cr_assert(wr_access_mend(&object->descriptor, &subject->token, mapping_of(vector_string(json, "object")),
                                 number_of(json, "desired"), &mend));
        object_open(&mended, wr_access_mended(&object->descriptor, &mend, mended.bytes, sizeof(mended.bytes)));
        subject->token.privileges |= mend.privileges;
        cr_assert(decide(json, &mended, &subject->token, &access), "%s", vector->text);
        free(object);
        free(subject);
        json_decref(file);
        json_decref(json);
}

Test(access, the_generic_mappings_are_those_of_the_vectors)
{
        json_t *file = vectors_file("access_check.json"), *mapping;
        const char *name;

        json_object_foreach(json_object_get(file, "generic_mappings"), name, mapping)
        {
                cr_assert(eq(u32, mapping_of(name)->read, number_of(mapping, "generic_read")));
                cr_assert(eq(u32, mapping_of(name)->write, number_of(mapping, "generic_write")));
                cr_assert(eq(u32, mapping_of(name)->execute, number_of(mapping, "generic_execute")));
                cr_assert(eq(u32, mapping_of(name)->all, number_of(mapping, "generic_all")));
        }
        json_decref(file);
}

static uint32_t
mask_of(const char *sddl, const struct wr_token *token, const struct wr_generic_mapping *mapping, uint32_t desired)
{
        struct object *object = object_of(sddl);
        struct wr_access access;

        wr_access_check(&object->descriptor, token, mapping, desired, &access);
        free(object);
        return access.mask;
}

static bool
is_granted(const char *sddl, const struct wr_token *token, uint32_t desired)
{
        return mask_of(sddl, token, &wr_section_mapping, desired) != 0;
}

Test(access, a_request_for_nothing_is_refused)
{
        struct wr_token user = user_token();
        struct object *object = object_of("D:(A;;GA;;;WD)");
        struct wr_access access;

        cr_assert(not(is_granted("D:(A;;GA;;;WD)", &user, 0)));
        cr_assert(not(wr_access_check_pipe_client(&object->descriptor, &user, 4, &access)));
        free(object);
}

Test(access, a_client_of_a_pipe_never_gets_the_right_to_make_instances)
{
        struct wr_token user = user_token();
        struct object *object = object_of("D:(A;;FA;;;WD)"), *only = object_of("O:SYD:(A;;0x4;;;WD)");
        struct wr_access access;

        cr_assert(wr_access_check_pipe_client(&object->descriptor, &user, WR_GENERIC_ALL, &access));
        cr_assert(eq(u32, access.mask, 0x1f01fb));
        cr_assert(wr_access_check_pipe_client(&object->descriptor, &user, WR_MAXIMUM_ALLOWED, &access));
        cr_assert(eq(u32, access.mask, 0x1f01fb));
        cr_assert(not(wr_access_check_pipe_client(&only->descriptor, &user, WR_MAXIMUM_ALLOWED, &access)));
        cr_assert(eq(u32, access.mask, 0));
        free(object);
        free(only);
}

Test(access, a_label_leaves_what_the_documents_say_of_each_kind_of_object)
{
        struct wr_token low = user_token();

        low.integrity = WR_INTEGRITY_LOW;
        cr_assert(eq(u32, mask_of("D:(A;;0x1fffff;;;WD)", &low, &wr_section_mapping, WR_MAXIMUM_ALLOWED), 0x12000d));
        cr_assert(eq(u32, mask_of("D:(A;;0x1fffff;;;WD)", &low, &wr_event_mapping, WR_MAXIMUM_ALLOWED), 0x120001));
        cr_assert(eq(u32, mask_of("D:(A;;0x1fffff;;;WD)", &low, &wr_pipe_mapping, WR_MAXIMUM_ALLOWED), 0x1200a9));
        cr_assert(eq(u32,
                     mask_of("D:(A;;0x1fffff;;;WD)S:(ML;;NWNR;;;ME)", &low, &wr_section_mapping, WR_MAXIMUM_ALLOWED),
                     0x100008));
        cr_assert(eq(u32,
                     mask_of("D:(A;;0x1fffff;;;WD)S:(ML;;NWNRNX;;;ME)", &low, &wr_section_mapping, WR_MAXIMUM_ALLOWED),
                     0));
        cr_assert(eq(u32, mask_of("D:(A;;6;;;WD)S:(ML;;NR;;;ME)", &low, &wr_section_mapping, WR_MAXIMUM_ALLOWED), 2));
        low.privileges = WR_PRIVILEGE_RELABEL;
        cr_assert(eq(u32, mask_of("D:", &low, &wr_section_mapping, WR_MAXIMUM_ALLOWED), WR_WRITE_OWNER));
}

Test(access, a_label_that_names_no_level_is_above_everybody)
{
        struct wr_ace label = { .type = WR_ACE_LABEL,
                                .mask = 1,
                                .sid = { .authority = 5, .count = 1, .words = { 1 } } };
        struct wr_ace allow = { .type = WR_ACE_ALLOW, .mask = 6, .sid = { .authority = 1, .count = 1 } };
        struct wr_token user = user_token();
        struct wr_access access;
        struct wr_draft draft;
        struct object object;
        size_t size;

        wr_draft_begin(&draft, object.bytes, sizeof(object.bytes));
        wr_draft_sacl(&draft, 0);
        wr_draft_ace(&draft, &label);
        wr_draft_dacl(&draft, 0);
        wr_draft_ace(&draft, &allow);
        size = wr_draft_end(&draft);
        if (size == 0 || !wr_descriptor_open(&object.descriptor, object.bytes, size, NULL))
                return; /* a descriptor that refuses such a label is as safe */
        user.integrity = WR_INTEGRITY_SYSTEM;
        cr_assert(not(wr_access_check(&object.descriptor, &user, &wr_section_mapping, 2, &access)));
}

Test(access, an_inherit_only_entry_for_owner_rights_takes_nothing_from_the_owner)
{
        struct wr_token user = user_token();

        cr_assert(is_granted("O:" USER "D:(A;OICIIO;LC;;;OW)", &user, WR_WRITE_DAC));
        cr_assert(not(is_granted("O:" USER "D:(A;;LC;;;OW)", &user, WR_WRITE_DAC)));
        cr_assert(not(is_granted("O:" USER "D:(D;;LC;;;OW)", &user, WR_WRITE_DAC)));
}

Test(access, without_an_owner_owner_rights_speak_of_nobody)
{
        struct wr_token user = user_token();

        cr_assert(not(is_granted("D:(A;;GA;;;OW)", &user, 4)));
        cr_assert(not(is_granted("D:", &user, WR_READ_CONTROL)));
        cr_assert(is_granted("D:(D;;GA;;;OW)(A;;LC;;;WD)", &user, 4));
}

Test(access, a_disabled_group_matches_nothing_and_a_deny_only_one_denies)
{
        struct wr_group groups[] = { plain_groups[0], plain_groups[1], plain_groups[2] };
        struct wr_token user = user_token();

        cr_assert(not(is_granted("D:(A;;LC;;;BA)", &user, 4)));
        cr_assert(not(is_granted("D:(D;;LC;;;BA)(A;;LC;;;WD)", &user, 4)));
        groups[2].enabled = groups[2].deny_only = false;
        user.groups = groups;
        cr_assert(is_granted("D:(D;;LC;;;BA)(A;;LC;;;WD)", &user, 4));
        cr_assert(not(is_granted("D:(A;;LC;;;BA)", &user, 4)));
}

Test(access, unknown_confinement_matches_its_own_sid_and_no_group_of_packages)
{
        struct wr_token unnamed = package_token(WR_CONTAINER_UNNAMED);
        struct wr_sid capability = sid_of(CAPABLE);

        unnamed.capabilities = &capability;
        unnamed.capability_count = 1;
        cr_assert(not(is_granted("D:(A;;LC;;;WD)(A;;LC;;;AC)", &unnamed, 4)));
        cr_assert(not(is_granted("D:(A;;LC;;;WD)(A;;LC;;;S-1-15-2-2)", &unnamed, 4)));
        cr_assert(not(is_granted("D:(A;;LC;;;WD)(A;;LC;;;" CAPABLE ")", &unnamed, 4)));
        cr_assert(is_granted("D:(A;;LC;;;WD)(A;;LC;;;" PACKAGE ")", &unnamed, 4));
        unnamed.container = WR_CONTAINER;
        cr_assert(is_granted("D:(A;;LC;;;WD)(A;;LC;;;" CAPABLE ")", &unnamed, 4));
}

Test(access, a_package_sid_among_the_capabilities_is_believed_and_never_supposed)
{
        struct wr_token package = package_token(WR_CONTAINER);
        struct wr_sid own = sid_of("S-1-15-3-1-2-3-4-5-6-7");

        cr_assert(not(is_granted("D:(A;;LC;;;WD)(A;;LC;;;S-1-15-3-1-2-3-4-5-6-7)", &package, 4)));
        package.capabilities = &own;
        package.capability_count = 1;
        cr_assert(is_granted("D:(A;;LC;;;WD)(A;;LC;;;S-1-15-3-1-2-3-4-5-6-7)", &package, 4));
}

Test(access, an_entry_that_counts_for_the_user_does_not_count_for_the_package_as_well)
{
        struct wr_token package = package_token(WR_CONTAINER);

        package.capabilities = &plain_groups[1].sid;
        package.capability_count = 1;
        cr_assert(not(is_granted("D:(A;;LC;;;AU)", &package, 4)));
        cr_assert(is_granted("D:(A;;LC;;;AU)(A;;LC;;;AC)", &package, 4));
}

Test(access, a_denial_of_the_user_counts_while_the_package_half_is_open)
{
        struct wr_token package = package_token(WR_CONTAINER);

        cr_assert(not(is_granted("D:(A;;LC;;;WD)(D;;LC;;;WD)(A;;LC;;;AC)", &package, 4)));
        cr_assert(is_granted("D:(A;;LC;;;WD)(A;;LC;;;AC)(D;;LC;;;WD)", &package, 4));
        cr_assert(is_granted("D:(A;;LC;;;AC)(A;;LC;;;WD)(D;;LC;;;WD)", &package, 4));
}

Test(access, privileges_and_ownership_do_not_cover_the_package_half)
{
        struct wr_token package = package_token(WR_CONTAINER);

        package.privileges = WR_PRIVILEGE_SECURITY | WR_PRIVILEGE_TAKE_OWNERSHIP;
        cr_assert(not(is_granted("O:" USER "D:", &package, WR_READ_CONTROL)));
        cr_assert(not(is_granted("O:" USER "D:", &package, WR_WRITE_OWNER)));
        cr_assert(not(is_granted("O:" USER "D:", &package, WR_ACCESS_SYSTEM_SECURITY)));
        cr_assert(is_granted("O:" USER "D:(A;;RCWO;;;AC)", &package, WR_READ_CONTROL | WR_WRITE_OWNER));
        cr_assert(is_granted("D:(A;;0x1000000;;;AC)", &package, WR_ACCESS_SYSTEM_SECURITY));
}

Test(access, no_entry_replaces_the_privilege_for_the_audit_list)
{
        struct wr_token user = user_token();

        cr_assert(not(is_granted("D:(A;;0x1000000;;;WD)", &user, WR_ACCESS_SYSTEM_SECURITY)));
        user.privileges = WR_PRIVILEGE_SECURITY;
        cr_assert(is_granted("D:", &user, WR_ACCESS_SYSTEM_SECURITY));
        cr_assert(eq(u32, mask_of("D:(A;;LC;;;WD)", &user, &wr_section_mapping, WR_MAXIMUM_ALLOWED), 4));
        cr_assert(eq(u32,
                     mask_of("D:(A;;LC;;;WD)", &user, &wr_section_mapping,
                             WR_MAXIMUM_ALLOWED | WR_ACCESS_SYSTEM_SECURITY),
                     0x1000004));
}

Test(access, a_missing_list_gives_what_the_kind_of_object_has)
{
        struct wr_token user = user_token(), restricted = user_token();
        struct wr_sid second = sid_of("S-1-5-12");

        cr_assert(eq(u32, mask_of("D:NO_ACCESS_CONTROL", &user, &wr_event_mapping, WR_MAXIMUM_ALLOWED), 0x1f0003));
        cr_assert(eq(u32, mask_of("O:SY", &user, &wr_section_mapping, WR_MAXIMUM_ALLOWED), 0xf001f));
        cr_assert(not(is_granted("O:SY", &user, WR_SYNCHRONIZE))); /* sections have none */
        restricted.restricting = &second;
        restricted.restricting_count = 1;
        cr_assert(is_granted("O:SY", &restricted, 6));
}

Test(access, a_request_to_write_holds_a_write_restricted_token_to_its_second_list_as_a_whole)
{
        struct wr_token user = user_token();
        struct wr_sid second = sid_of("S-1-5-33");

        user.restricting = &second;
        user.restricting_count = 1;
        user.write_restricted = true;
        cr_assert(is_granted("D:(A;;DCLC;;;WD)(A;;DC;;;S-1-5-33)", &user, 4));
        cr_assert(is_granted("D:(A;;DCLC;;;WD)(A;;DC;;;S-1-5-33)", &user, 2));
        cr_assert(not(is_granted("D:(A;;DCLC;;;WD)(A;;DC;;;S-1-5-33)", &user, 6)));
        cr_assert(not(is_granted("D:(A;;DCLC;;;WD)", &user, 2)));
        cr_assert(eq(u32, mask_of("D:(A;;DCLC;;;WD)(A;;DC;;;S-1-5-33)", &user, &wr_section_mapping, WR_MAXIMUM_ALLOWED),
                     6));
}

Test(access, a_named_right_must_be_had_beside_the_maximum)
{
        struct wr_token user = user_token();

        cr_assert(eq(u32, mask_of("D:(A;;LC;;;WD)", &user, &wr_section_mapping, WR_MAXIMUM_ALLOWED | 4), 4));
        cr_assert(eq(u32, mask_of("D:(A;;LC;;;WD)", &user, &wr_section_mapping, WR_MAXIMUM_ALLOWED | 2), 0));
}

/* What a region of the broker's grants a client that goes by name (named-objects/grant_win32.h), asked by its user
 * under a second list: to open it, to open it for more, or to duplicate it up, which asks the list once more. */
Test(access, a_restricted_client_has_of_a_region_what_both_of_its_lists_were_admitted_to)
{
        struct wr_token user = user_token(), restricted = user_token();
        struct wr_sid second = sid_of("S-1-5-12");
        static const char alone[] = "O:" USER "D:P(A;;RC;;;OW)(A;;LC;;;" USER ")",
                          both[] = "O:" USER "D:P(A;;RC;;;OW)(A;;LC;;;" USER ")(A;;LC;;;RC)",
                          signals[] = "O:" USER "D:P(A;;RC;;;OW)(A;;0x100000;;;" USER ")(A;;0x100000;;;RC)";

        restricted.restricting = &second;
        restricted.restricting_count = 1;
        cr_assert(is_granted(alone, &user, 4));
        cr_assert(not(is_granted(alone, &restricted, 4)));
        cr_assert(is_granted(both, &restricted, 4));
        cr_assert(not(is_granted(both, &restricted, 2)), "to map it to write");
        cr_assert(not(is_granted(both, &restricted, 6)));
        cr_assert(not(is_granted(both, &restricted, WR_WRITE_DAC)), "to change the list as its owner");
        cr_assert(not(is_granted(both, &restricted, WR_READ_CONTROL)), "which the user has, and the second list not");
        cr_assert(is_granted(both, &user, WR_READ_CONTROL));
        cr_assert(eq(u32, mask_of(signals, &restricted, &wr_event_mapping, WR_MAXIMUM_ALLOWED), 0x100000),
                  "who waits for an event does not set it");
}
