/* Replays a corpus through a fuzz target without libFuzzer, so that every compiler and every test run does it:
 *
 *      X_replay NAME FOLDER
 *
 * One line of TAP for the corpus. A target reports a fault as under libFuzzer, by dying; then the line never comes. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { INPUT_BYTES_MAX = 1 << 20 };

static int
replay_file(const char *path)
{
        FILE *file = fopen(path, "rb");
        uint8_t *bytes = malloc(INPUT_BYTES_MAX);
        uint8_t *exact;
        size_t size;

        if (file == NULL || bytes == NULL)
                return -1;
        size = fread(bytes, 1, INPUT_BYTES_MAX, file);
        fclose(file);
        exact = malloc(size + (size == 0)); /* so that ASan sees the first byte read too far */
        if (exact == NULL)
                return -1;
        memcpy(exact, bytes, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
        free(bytes);
        return 0;
}

static int
replay_folder(const char *path)
{
        DIR *folder = opendir(path);
        struct dirent *entry;
        char file[4096];
        int count = 0;

        if (folder == NULL)
                return 0;
        while ((entry = readdir(folder)) != NULL) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
                if (replay_file(file) < 0)
                        return -1;
                count++;
        }
        closedir(folder);
        return count;
}

int
main(int argc, char **argv)
{
        int count = argc == 3 ? replay_folder(argv[2]) : -1;

        printf("# %d inputs\n", count);
        printf("%sok 1 - the corpus of %s replays\n1..1\n", count > 0 ? "" : "not ", argc == 3 ? argv[1] : "?");
        return count > 0 ? 0 : 1;
}
