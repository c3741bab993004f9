#include "clients/demo/demo_words.h"

const struct demo_words demo_words = {
        .passes = { "30 pictures a second", "as fast as it is read", "again, from memory", "the same, by a pipe" },
        .with_sandbox = ", a process\n",
        .without_sandbox =
                ", a process WITHOUT a sandbox, of this user: what follows does not show that\n"
                "           a confined process can do the same, nor that it can do nothing else; its name is\n"
                "           vouched for by the pipe that it was given, not by any wall. On Windows the wall is an\n"
                "           AppContainer: weir-winaudit.exe shows it\n",
        .filling = "one read: ReadFile() puts each picture into the lent memory",
        .outside = "the file itself, without weir",
        .who_is_refused = "a child whose user counts for denials only",
        .stranger = DEMO_TOPIC,
        .nothing_to_attack_with = "no handle of the lane was found to attack it with",
};
