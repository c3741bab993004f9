#include "broker/policy_system.h"

#include "named-objects/sentence.h"

#include <string.h>

static bool
is_drive(const char *path)
{
        return ((path[0] >= 'a' && path[0] <= 'z') || (path[0] >= 'A' && path[0] <= 'Z')) && path[1] == ':' &&
               (path[2] == '\\' || path[2] == '/');
}

const char *
wr_policy_file_name(const char *path)
{
        size_t at = strlen(path);

        while (at > 0 && !strchr("/\\:", path[at - 1]))
                at--;
        return path + at;
}

bool
wr_policy_path_is_whole(const char *path)
{
        return is_drive(path) || strncmp(path, "\\\\", 2) == 0;
}

const char *
wr_policy_socket_refusal(const char *where)
{
        static const char pipe[] = "\\\\.\\pipe\\";

        return _strnicmp(where, pipe, sizeof(pipe) - 1) == 0 && where[sizeof(pipe) - 1]
                       ? NULL
                       : "expected the name of a pipe, '\\\\.\\pipe\\NAME', as it stands in single quotes";
}

/* For cmd and PowerShell alike: both take double quotes, and neither leaves all of these alone within them. */
bool
wr_policy_shell_word(const char *word, char *text, size_t room)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/\\._-:+=";
        size_t length = strlen(word);
        bool is_plain = length > 0 && strspn(word, plain) == length;

        text[0] = '\0';
        if (strpbrk(word, "\"$%`!") || length + sizeof("\"\"") > room ||
            (!is_plain && length > 0 && word[length - 1] == '\\')) /* it would take the quote behind it along */
                return false;
        wr_sentence(text, room, is_plain ? "%s" : "\"%s\"", word);
        return true;
}
