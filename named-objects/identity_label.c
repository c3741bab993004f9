/*
 * What LSMs call a process, and what follows from it. Pure.
 *
 *      AppArmor    unconfined
 *                  NAME (MODE)           MODE: enforce, complain, kill, prompt, user; "unconfined" for a profile that
 *                                        only names
 *                  snap.NAME.APP (MODE)  written by snapd for each program of a Snap
 *      SELinux     USER:ROLE:TYPE[:RANGE]
 *      Smack       a word
 */
#include "named-objects/identity.h"

#include <string.h>

enum { SNAP_NAME_MAX = 40, SNAP_KEY_MAX = 10 };

static bool
is_lower_or_digit(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Words of letters and digits joined by single dashes. How many bytes they take at the start of the text. */
static size_t
words_span(const char *text, bool with_capitals)
{
        size_t at = 0;

        for (;; at++) {
                bool is_byte = is_lower_or_digit(text[at]) || (with_capitals && text[at] >= 'A' && text[at] <= 'Z');

                if (!is_byte && (text[at] != '-' || at == 0 || text[at - 1] == '-'))
                        break;
        }
        return at != 0 && text[at - 1] == '-' ? 0 : at;
}

/* NAME, or NAME_KEY where the same Snap is installed several times. At least one letter is in a name. */
static size_t
snap_instance_span(const char *text)
{
        size_t name = words_span(text, false), key;

        if (name < 2 || name > SNAP_NAME_MAX || strspn(text, "0123456789-") >= name)
                return 0;
        if (text[name] != '_')
                return name;
        for (key = 0; is_lower_or_digit(text[name + 1 + key]); key++)
                ;
        return key >= 1 && key <= SNAP_KEY_MAX ? name + 1 + key : 0;
}

/* Only AppArmor puts a mode behind a label, so a label of another LSM cannot pass for one of its own. */
static bool
is_mode(const char *text)
{
        static const char *const modes[] = { " (enforce)", " (complain)", " (kill)",
                                             " (prompt)",  " (user)",     " (unconfined)" };

        for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
                if (strcmp(text, modes[i]) == 0)
                        return true;
        }
        return false;
}

bool
wr_identity_snap_name(const char *label, char *name, size_t room)
{
        const char *snap = label + 5, *program;
        size_t length, program_length;

        if (strncmp(label, "snap.", 5) != 0)
                return false;
        length = snap_instance_span(snap);
        if (length == 0 || length >= room || snap[length] != '.')
                return false;
        program = snap + length + 1;
        if (strncmp(program, "hook.", 5) == 0)
                program += 5;
        program_length = words_span(program, true);
        if (program_length == 0 || !is_mode(program + program_length))
                return false;
        memcpy(name, snap, length);
        name[length] = '\0';
        return true;
}

/* The type in an SELinux label: what is between the second colon and the third, or the end. SELinux has no blanks in
 * it, AppArmor one before the mode: a profile may have colons in its name. */
static bool
selinux_type_is(const char *label, const char *type)
{
        const char *role = strchr(label, ':'), *start = role != NULL ? strchr(role + 1, ':') : NULL;
        size_t length = strlen(type);

        return label[0] != ':' && strchr(label, ' ') == NULL && start != NULL &&
               strncmp(start + 1, type, length) == 0 && (start[1 + length] == '\0' || start[1 + length] == ':');
}

/* A profile that only names. The last word in brackets is the kernel's own; a leading ':' is another policy namespace,
 * where somebody else says what is confined. */
static bool
apparmor_only_names(const char *label)
{
        static const char mode[] = " (unconfined)";
        size_t length = strlen(label);

        return label[0] != ':' && length >= sizeof mode && strcmp(label + length - (sizeof mode - 1), mode) == 0;
}

/* No label where one was expected is no proof. */
bool
wr_identity_label_trusted(const char *label, const char *own)
{
        return strcmp(label, "unconfined") == 0 || apparmor_only_names(label) ||
               selinux_type_is(label, "unconfined_t") || (label[0] != '\0' && strcmp(label, own) == 0);
}
