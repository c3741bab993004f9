/* What may stand in a policy file, and the options of endpoints that are often looked for there. */
#ifndef CLI_CONFIG_KEYS_H
#define CLI_CONFIG_KEYS_H

struct config_key {
        const char *name, *place, *type, *fallback, *text, *example;
};

extern const struct config_key config_keys[]; /* ended by a key without a name */

#endif
