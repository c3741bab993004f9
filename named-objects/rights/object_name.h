/*
 * Where a Windows object of a given name lives, and how each process has to call it.
 *
 *      place          path                                               its own session says     another session says
 *      session n      \Sessions\n\BaseNamedObjects\x                     x                        -
 *      global         \BaseNamedObjects\x                                Global\x                 Global\x
 *      container, n   \Sessions\n\AppContainerNamedObjects\<SID>\x       AppContainerNamedObjects\<SID>\x
 *                                                                        Session\n\AppContainerNamedObjects\<SID>\x
 *
 * The container itself says x to what lives in its own directory, and to what full trust made in its session: a name
 * that its directory does not have is looked for there. Session 0, where services run, has no names of its own: its
 * directory is the global one. Prefixes and names are case-sensitive. A name is up to 259 characters with its prefix,
 * none of them a backslash. Pipes have names of their own, see below.
 *
 * Source: Microsoft Learn, Kernel object namespaces, GetAppContainerNamedObjectPath. Two forms are not documented: that
 * Session\n reaches a container of session n (read in published code of the CLR), and the directory of a child
 * container, which is here its parent's and below it a component of its four words with dashes between them.
 * Pure: no system call, no allocation.
 */
#ifndef WR_OBJECT_NAME_H
#define WR_OBJECT_NAME_H

#include "named-objects/rights/sid.h"

enum {
        WR_OBJECT_NAME_MAX = 259, /* UTF-16 units with the prefix: MAX_PATH with the final 0 */
        WR_PIPE_NAME_MAX = 256,   /* ... of a pipe with \\.\pipe\ */
        WR_OBJECT_TEXT_MAX = 1152 /* bytes of UTF-8 that hold every text made here */
};

enum wr_place { WR_PLACE_SESSION, WR_PLACE_GLOBAL, WR_PLACE_CONTAINER };

struct wr_object_place {
        enum wr_place place;
        uint32_t session;        /* of a session or a container */
        struct wr_sid container; /* of a container: a package's SID, or a child's */
};

/* Who says a name. */
struct wr_object_speaker {
        uint32_t session;
        struct wr_sid container; /* a count of 0: full trust */
};

/* What GetAppContainerNamedObjectPath answers: AppContainerNamedObjects\<SID>. These functions write text that ends
 * with 0 and return its length; 0, and "", if there is no such text or no room for it. */
size_t
wr_object_directory(const struct wr_sid *container, char *text, size_t room);

/* The kernel's own name of it, from the root. */
size_t
wr_object_path(const struct wr_object_place *place, const char *name, char *text, size_t room);

/* What the speaker gives to OpenEvent and its like; nothing if it cannot reach the place by name: a container knows
 * only its own directory and its own session, and nobody the names of another session. */
size_t
wr_object_name(const struct wr_object_place *place, const struct wr_object_speaker *speaker, const char *name,
               char *text, size_t room);

/*
 * The other direction: where an object lands that the speaker creates as `text`, with Local\, Global\, Session\n\ and
 * AppContainerNamedObjects\ understood. `name` gets what stands behind the prefix, a piece of the text.
 */
bool
wr_object_resolve(struct wr_object_place *place, const struct wr_object_speaker *speaker, const char *text,
                  const char **name);

/*
 * Pipes. A container's live in a directory of its own, \Device\NamedPipe\Sessions\n\AppContainerNamedObjects\<SID>\x,
 * which it calls \\.\pipe\LOCAL\x and full trust of any session \\.\pipe\Sessions\n\AppContainerNamedObjects\<SID>\x
 * (read in published code; note Sessions here, Session above). All others are \\.\pipe\x for everybody, whatever the
 * session.
 */
size_t
wr_object_pipe_path(const struct wr_object_place *place, const char *name, char *text, size_t room);

size_t
wr_object_pipe_name(const struct wr_object_place *place, const struct wr_object_speaker *speaker, const char *name,
                    char *text, size_t room);

#endif
