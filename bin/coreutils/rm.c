/* rm [-rRf] FILE...: removes files, with -r directories and what is in them; -f: no complaint
 * about what is not there. */
#include "command.h"
#include <stdlib.h>
#include <string.h>
#include <swos/path.h>

static bool recursive, force;

static int remove_path(const char *path);

/* Removes what is in a directory, then the directory. Each entry is looked up from the start
 * again: the ones before it are gone. An entry that cannot be removed ends it. */
static int remove_directory(const char *path)
{
    struct sw_directory *directory = calloc(1, sizeof(*directory));
    char *entry = malloc(SW_PATH_MAX);
    int result = 0;
    status_t status = directory && entry ? SW_OK : SW_NO_MEMORY;
    while (status == SW_OK && result == 0) {
        struct sw_attributes attributes;
        const char *name;
        size_t length;
        memset(directory, 0, sizeof(*directory));
        status = sw_path_resolve(path, &directory->place);
        if (status == SW_OK)
            status = sw_directory_next(directory, &attributes, &name, &length);
        if (status != SW_OK || !name)
            break;
        char copy[SW_PATH_MAX];
        if (length >= sizeof(copy)) {
            status = SW_NAME_TOO_LONG;
            break;
        }
        memcpy(copy, name, length);
        copy[length] = 0;
        status = join(entry, path, copy);
        if (status == SW_OK)
            result =
                attributes.kind == SW_FILE_DIRECTORY ? remove_directory(entry) : remove_path(entry);
    }
    free(entry);
    free(directory);
    if (status == SW_OK && result == 0)
        status = sw_path_remove_directory(path);
    return status == SW_OK ? result : complain(path, status);
}

static int remove_path(const char *path)
{
    status_t status = sw_path_unlink(path);
    if (status == SW_IS_DIRECTORY && recursive)
        return remove_directory(path);
    if (status == SW_OK || (status == SW_NOT_FOUND && force))
        return 0;
    return complain(path, status);
}

int command_rm(int count, char **arguments)
{
    struct options options;
    int result = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == 'r' || letter == 'R')
            recursive = true;
        else if (letter == 'f')
            force = true;
        else
            return options.status;
    }
    if (options.count == 0 && !force)
        return usage("file expected");
    for (int i = 0; i < options.count; i++)
        result |= remove_path(options.arguments[i]);
    return result;
}
