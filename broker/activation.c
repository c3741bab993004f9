#include "broker/activation.h"

#include "named-objects/endpoint.h"
#include "named-objects/identity.h"
#include "named-objects/sentence.h"

#include <string.h>

const char *
wr_activation_package(const char *name)
{
        static const char prefix[] = "package=";

        return strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? name + sizeof(prefix) - 1 : NULL;
}

static enum weir_result
look(struct wr_activation_socket *socket, size_t index, char *sentence, size_t room)
{
        const char *package = wr_activation_package(socket->name);
        char why[512];
        enum weir_result result;

        if (package && !wr_identity_package_valid(package)) {
                wr_sentence(sentence, room,
                            "passed socket %zu is called '%s', and '%s' is no name of a package: write"
                            " FileDescriptorName=package=ID in its .socket file",
                            index, socket->name, package);
                return WEIR_E_USAGE;
        }
        result = wr_endpoint_adopt(socket->object, socket->path, sizeof(socket->path), why, sizeof(why));
        if (result < 0)
                wr_sentence(sentence, room, "passed socket %zu ('%s') cannot be used: %s", index, socket->name, why);
        return result;
}

const char *
wr_activation_address(const struct wr_activation *activation)
{
        for (size_t i = 0; i < activation->count; i++)
                if (!wr_activation_package(activation->sockets[i].name))
                        return activation->sockets[i].path;
        return NULL;
}

enum weir_result
wr_activation_open(struct wr_activation *activation, char *sentence, size_t room)
{
        enum weir_result result = wr_activation_take(activation, sentence, room);

        for (size_t i = 0; result == WEIR_OK && i < activation->count; i++)
                result = look(&activation->sockets[i], i + 1, sentence, room);
        if (result == WEIR_OK && activation->count > 0 && !wr_activation_address(activation)) {
                wr_sentence(sentence, room,
                            "only sockets for packages were passed: the broker needs an ordinary one, too, whose name "
                            "does not begin with package=");
                result = WEIR_E_USAGE;
        }
        if (result < 0)
                wr_activation_close(activation);
        return result;
}

void
wr_activation_close(struct wr_activation *activation)
{
        for (size_t i = 0; i < activation->count; i++) {
                wr_object_close(activation->sockets[i].object);
                activation->sockets[i].object = WR_NO_OBJECT;
        }
        activation->count = 0;
}
