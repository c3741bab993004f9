#include "broker/policy_system.h"

#include <string.h>

const char *
wr_policy_file_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

bool
wr_policy_path_is_whole(const char *path)
{
        return path[0] == '/';
}

const char *
wr_policy_socket_refusal(const char *where)
{
        return where[0] == '/' ? NULL : "expected an absolute path";
}

static bool
add(char *text, size_t room, const char *what, size_t size)
{
        size_t length = strlen(text);

        if (size >= room - length)
                return false;
        memcpy(text + length, what, size);
        text[length + size] = '\0';
        return true;
}

bool
wr_policy_shell_word(const char *word, char *text, size_t room)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:@%+=,";
        bool fits;

        text[0] = '\0';
        if (word[0] && strspn(word, plain) == strlen(word))
                return add(text, room, word, strlen(word));
        fits = add(text, room, "'", 1);
        for (; *word && fits; word++)
                fits = *word == '\'' ? add(text, room, "'\\''", 4) : add(text, room, word, 1);
        return fits && add(text, room, "'", 1);
}
