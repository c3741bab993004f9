/* The keys in the order in which a file has them. */
#include "clients/cli/config_keys.h"

#include <stddef.h>

#define LIST  "a list of principals"
#define COUNT "a number"
#define BYTES "a number of bytes"

const struct config_key config_keys[] = {
        { "subscribe", "[topic.\"NAME\"]", LIST, "nobody",
          "Who may take frames. NAME is a topic or a pattern; who is not listed may not.",
          "subscribe = [\"user:alice\", \"package:org.weir.Viewer\"]" },
        { "publish", "[topic.\"NAME\"]", LIST, "nobody", "Who may publish frames.",
          "publish = [\"package:org.weir.Camera\"]" },
        { "map", "[topic.\"NAME\"]", LIST, "who may publish or subscribe",
          "Who gets the memory itself, not just a relayed stream.", "map = [\"user:alice\"]" },
        { "observe", "[topic.\"NAME\"]", LIST, "who may publish or subscribe", "Who sees the topic in lists.",
          "observe = [\"group:video\"]" },
        { "stall", "[topic.\"NAME\"]", LIST, "nobody",
          "Who may be waited for (reliable subscriptions). Never implied: it is a power over others.",
          "stall = [\"user:alice\"]" },
        { "sddl", "[topic.\"NAME\"]", "a security descriptor", "none",
          "The whole entry as one descriptor, instead of the lists. Rights: subscribe 1, publish 2, map 4, observe 8, "
          "stall 0x10.",
          "sddl = \"D:P(A;;0x1f;;;S-1-22-1-1000)\"" },
        { "lanes", "[quota]", COUNT, "64", "Publishers that one identity may have open.", "lanes = 64" },
        { "subscriptions", "[quota]", COUNT, "1024",
          "Subscriptions that one identity may have open. One with a pattern counts for 16.", "subscriptions = 1024" },
        { "connections", "[quota]", COUNT, "64", "Connections of one identity.", "connections = 64" },
        { "reserve_bytes", "[quota]", BYTES, "17179869184",
          "Address space of all lanes of one identity: memory_max of each, 1 GiB unless its program says less.",
          "reserve_bytes = 17179869184" },
        { "allocated_bytes", "[quota]", BYTES, "4294967296", "Memory that the broker allocates for one identity.",
          "allocated_bytes = 4294967296" },
        { "messages_per_second", "[quota]", COUNT, "1000",
          "Control messages of one identity, over all its connections; who sends more is read more slowly.",
          "messages_per_second = 1000" },
        { "relays_per_second", "[quota]", COUNT, "5",
          "Relayed endpoints that one identity opens: as many as connections at once, then so many a second, in turn.",
          "relays_per_second = 5" },
        { "socket", "[package.\"ID\"]", "an absolute path", "none",
          "A socket of its own for one package: put only this socket into its sandbox, and every connection through "
          "it is that package.",
          "socket = \"/run/user/1000/weir-packages/camera/bus\"" },
        { "stall_ns", "a publisher's options", "nanoseconds", "5000000000",
          "How long a reliable subscriber that takes nothing may keep the publisher waiting. Not in the policy: "
          "the publisher's program says it (weir.h).",
          "WEIR_PUBLISHER(.stall_ns = 1000000000)" },
        { "memory_max", "a publisher's options", BYTES, "1073741824",
          "Ring and payloads of a lane together. Not in the policy, which bounds it by reserve_bytes: the publisher's "
          "program says it (weir.h).",
          "WEIR_PUBLISHER(.memory_max = 64 << 20)" },
        { "frames_max", "a subscriber's options", COUNT, "16",
          "Frames taken and not yet released. Not in the policy: the subscriber's program says it (weir.h).",
          "WEIR_SUBSCRIBER(.frames_max = 40)" },
        { NULL, NULL, NULL, NULL, NULL, NULL },
};
