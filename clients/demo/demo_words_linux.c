#include "clients/demo/demo_words.h"

const struct demo_words demo_words = {
        .passes = { "at the clip's own pace", "as fast as it decodes", "again, from memory", "the same, by a pipe" },
        .with_sandbox = " in a sandbox: no capabilities, no namespaces of its own, a read-only root,\n"
                        "           of this machine only /usr, this executable, the video and its own weir socket\n",
        .without_sandbox =
                ", a process WITHOUT a sandbox (--no-sandbox): what follows does not show\n"
                "           that a confined process can do the same, nor that it can do nothing else; its name\n"
                "           is vouched for by the socket that it was given, not by any wall\n",
        .filling = "the decoder's own copy: read() from its pipe puts each picture into the lent memory",
        .outside = "the same decoder outside, over the file",
        .who_is_refused = DEMO_STRANGER,
        .stranger = DEMO_STRANGER,
        .nothing_to_attack_with = "no descriptor of the lane was found to attack it with",
};
