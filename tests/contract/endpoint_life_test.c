/* Where an endpoint lives, and what is left of it and of what went over it: nothing. */
#include "tests/contract/actor.h"
#include "tests/contract/endpoint_kit.h"
#include "tests/contract/folder.h"

#ifdef _WIN32
#        include "named-objects/endpoint_name_win32.h"
#        include "named-objects/object_win32.h"
#        include "named-objects/rights/descriptor.h"

enum { LONGEST = 254 }; /* with the generation that is added to it */

/* Its list names its owner; Wine adds the system, who may do all anyway. */
static bool
is_owners_alone(const char *folder)
{
        _Alignas(8) BYTE bytes[1024];
        struct wr_descriptor descriptor;
        struct wr_sid self;
        struct wr_ace ace;
        size_t at = 0;
        DWORD size;

        cr_assert(wr_endpoint_name_self(&self));
        cr_assert(GetFileSecurityA(folder, DACL_SECURITY_INFORMATION | OWNER_SECURITY_INFORMATION, bytes, sizeof bytes,
                                   &size));
        cr_assert(wr_descriptor_open(&descriptor, bytes, size, NULL));
        while (wr_acl_next(&descriptor.dacl, &at, &ace))
                if (!wr_endpoint_name_trusted(&ace.sid, &self))
                        return false;
        return wr_sid_equal(&descriptor.owner, &self);
}

static void
longest_address(char *longest)
{
        strcpy(longest, "\\\\.\\pipe\\");
        memset(longest + 9, 'x', LONGEST - 9);
        longest[LONGEST] = '\0';
}

static bool
is_inherited(HANDLE handle)
{
        DWORD flags;

        cr_assert(GetHandleInformation(handle, &flags));
        return (flags & HANDLE_FLAG_INHERIT) != 0;
}

/* The handle of a connection, or the one that a listener is waited for by. */
static HANDLE
handle_of(wr_object object)
{
        struct wr_waitable *waitable = wr_object_waitable(object);
        struct wr_endpoint_peer *peer = wr_endpoint_peer(object);

        return peer != NULL ? peer->pipe : waitable != NULL ? waitable->readable : object;
}
#else
#        include <fcntl.h>
#        include <sys/stat.h>

enum { LONGEST = 400 };

static bool
is_owners_alone(const char *folder)
{
        struct stat file;

        cr_assert(eq(int, stat(folder, &file), 0));
        return (file.st_mode & 07777) == 0700 && file.st_uid == geteuid();
}

/* Longer than what the kernel takes for an address: directories make it so. */
static void
longest_address(char *longest)
{
        int used = snprintf(longest, LONGEST, "%s", directory);

        while (used < 300) {
                used += snprintf(longest + used, LONGEST - (size_t)used, "/%040d", 0);
                cr_assert(eq(int, wr_endpoint_directory(longest, why, sizeof why), WEIR_OK), "%s", why);
        }
        snprintf(longest + used, LONGEST - (size_t)used, "/bus");
}

static bool
is_inherited(int fd)
{
        return (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
}

static int
handle_of(wr_object object)
{
        return object;
}
#endif

TestSuite(endpoint_life, .init = kit_begin, .fini = kit_end, .timeout = 60);

Test(endpoint_life, the_directory_is_made_for_its_owner_alone_and_found_again)
{
        char folder[FOLDER_PATH_MAX], made[FOLDER_PATH_MAX + 16];

        folder_make(folder);
        snprintf(made, sizeof made, "%s/weir", folder);
        cr_assert(eq(int, wr_endpoint_directory(made, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(is_owners_alone(made));
        cr_assert(eq(int, wr_endpoint_directory(made, NULL, 0), WEIR_OK));
        strcat(made, "///");
        cr_assert(eq(int, wr_endpoint_directory(made, why, sizeof why), WEIR_OK), "%s", why);
        folder_remove(folder);
}

Test(endpoint_life, the_longest_address_can_be_used_and_a_longer_one_is_refused)
{
        static char longest[LONGEST + 512];
        wr_object listener, client;

        longest_address(longest);
        listener = kit_listen(longest);
        cr_assert(eq(int, wr_endpoint_connect(&client, longest, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(wr_endpoint_owns(listener, longest));
        memset(longest + strlen(longest), 'x', 120);
        cr_assert(lt(int, wr_endpoint_listen(&listener, longest, why, sizeof why), 0));
        cr_assert(listener == WR_NO_OBJECT);
        cr_assert(eq(int, wr_endpoint_connect(&client, longest, why, sizeof why), WEIR_E_USAGE));
}

/* Deposed, it leaves its place to who deposed it. */
Test(endpoint_life, a_place_is_given_up_by_its_own_listener_only)
{
        wr_object first = kit_listen(path), second = kit_listen(path), client;

        wr_endpoint_unlisten(first, path); /* not its own any more, so it stays */
        cr_assert(wr_endpoint_owns(second, path));
        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_OK), "%s", why);
        wr_object_close(client);
        wr_endpoint_unlisten(second, path);
        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_E_NO_BROKER));
}

Test(endpoint_life, what_was_received_is_inherited_by_no_child)
{
        wr_object listener = kit_listen(path), client, server, sent, came;
        size_t size, count = 1;
        char bytes[8];

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_region_create(&sent, "one", 4096), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, &sent, 1), WEIR_OK));
        cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, &came, &count), WEIR_OK));
        cr_assert(eq(sz, count, 1));
        cr_assert(not(is_inherited(handle_of(came))));
}

Test(endpoint_life, its_ends_are_inherited_by_no_child_and_never_block)
{
        wr_object listener = kit_listen(path), client, server, all[3];
        size_t size;
        char byte;

        kit_connect(listener, path, &client, &server);
        memcpy(all, (wr_object[]){ listener, client, server }, sizeof all);
        for (int i = 0; i < 3; i++)
                cr_assert(not(is_inherited(handle_of(all[i]))));
        cr_assert(eq(int, wr_endpoint_receive(client, &byte, 1, &size, NULL, NULL), WEIR_EMPTY));
        cr_assert(eq(int, wr_endpoint_receive(server, &byte, 1, &size, NULL, NULL), WEIR_EMPTY));
        cr_assert(eq(int, wr_endpoint_accept(listener, &server), WEIR_EMPTY));
        cr_assert(server == WR_NO_OBJECT);
}

static void
live_once(wr_object listener, wr_object region, int turn)
{
        wr_object client, server, came;
        size_t size, count = 1;
        char bytes[8];

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, &region, 1), WEIR_OK));
        if (turn % 3 != 0) { /* else it hangs up before it has read */
                cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, &came, &count), WEIR_OK));
                wr_object_close(came);
        }
        wr_object_close(turn % 2 == 0 ? client : server);
        wr_object_close(turn % 2 == 0 ? server : client);
}

Test(endpoint_life, a_thousand_lives_leave_no_object_behind)
{
        wr_object listener = kit_listen(path), region, none;
        uint32_t before;

        cr_assert(eq(int, wr_region_create(&region, "lives", 4096), WEIR_OK));
        for (int i = 0; i < 6; i++)
                live_once(listener, region, i);
        wr_endpoint_accept(listener, &none);
        before = actor_objects_now();
        for (int i = 0; i < 1000; i++)
                live_once(listener, region, i);
        cr_assert(eq(int, wr_endpoint_accept(listener, &none), WEIR_EMPTY)); /* the spares are all there again */
        cr_assert(eq(u32, actor_objects_now(), before));
}

/* A peer that never reads costs an error, and with the connection everything is gone. */
Test(endpoint_life, what_was_sent_and_never_read_is_closed_with_the_connection)
{
        wr_object listener = kit_listen(path), region, client, server;
        enum weir_result result = WEIR_OK;
        uint32_t before;

        cr_assert(eq(int, wr_region_create(&region, "unread", 4096), WEIR_OK));
        live_once(listener, region, 1);
        kit_connect(listener, path, &client, &server);
        before = actor_objects_now();
        for (int i = 0; i < 100000 && result == WEIR_OK; i++)
                result = wr_endpoint_send(server, "grant", 5, &region, 1);
        cr_assert(result == WEIR_FULL || result == WEIR_E_QUOTA, "%d", (int)result);
        wr_object_close(client);
        wr_object_close(server);
        kit_connect(listener, path, &client, &server); /* a new pair in its place */
        cr_assert(eq(u32, actor_objects_now(), before));
}
