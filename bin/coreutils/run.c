/* Running other programs, as env, find and xargs do. */
#include "run.h"
#include "command.h"
#include <stdlib.h>
#include <string.h>
#include <swos/abi.h>
#include <swos/log.h>
#include <swos/path.h>
#include <swos/spawn.h>
#include <swos/start.h>

const char *variable_of(const char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

const char **own_environment(void)
{
    size_t count = 0;
    while (sw_start_environment(count))
        count++;
    const char **list = calloc(count + 1, sizeof(*list));
    if (!list)
        out_of_memory(NULL);
    for (size_t i = 0; i < count; i++)
        list[i] = sw_start_environment(i);
    return list;
}

/* The program's path by the PATH of the environment; false when it is nowhere. */
static bool search(const char *name, const char *const *environment, char *out)
{
    const char *path = variable_of(environment, "PATH");
    for (path = path ? path : "/bin"; path;) {
        size_t length = strcspn(path, ":");
        struct sw_attributes attributes;
        char directory[SW_PATH_MAX];
        if (length < sizeof(directory)) {
            sw_format(directory, sizeof(directory), "%.*s", (int)length, path);
            if (join(out, length ? directory : ".", name) == SW_OK &&
                sw_path_attributes(out, &attributes) == SW_OK && attributes.kind == SW_FILE_REGULAR)
                return true;
        }
        path = path[length] ? path + length + 1 : NULL;
    }
    return false;
}

int run_program(const char *const *words, const char *const *environment)
{
    const char **own = environment ? NULL : own_environment();
    char found[SW_PATH_MAX];
    const char *path = words[0];
    struct sw_spawn_options options = { .arguments = words,
                                        .environment = environment ? environment : own };
    handle_t process;
    uint32_t pid;
    int32_t result = 0;
    status_t status = SW_OK;
    out_flush();
    if (!strchr(path, '/')) {
        status = search(path, options.environment, found) ? SW_OK : SW_NOT_FOUND;
        path = found;
    }
    if (status == SW_OK)
        status = sw_spawn_program(path, &options, &process, &pid);
    free(own);
    if (status != SW_OK) {
        complain(words[0], status);
        return status == SW_NOT_FOUND ? 127 : 126;
    }
    /* An interrupt is the child's, too: it is waited for all the same. */
    do
        status = sw_process_wait(process, SW_NEVER, &result);
    while (status == SW_INTERRUPTED);
    sw_handle_close(process);
    return status == SW_OK ? result & 0xff : 126;
}
