/* mv SOURCE... TARGET: renames; into TARGET when it is a directory. Only within a file server. */
#include "command.h"
#include <swos/path.h>

int command_mv(int count, char **arguments)
{
    char path[SW_PATH_MAX];
    int result = 0;
    if (count < 3)
        return usage("SOURCE... TARGET");
    const char *target = arguments[count - 1];
    struct sw_attributes attributes;
    if (count > 3 &&
        (sw_path_attributes(target, &attributes) != SW_OK || attributes.kind != SW_FILE_DIRECTORY))
        return complain(target, SW_NOT_DIRECTORY);
    for (int i = 1; i < count - 1; i++) {
        status_t status = destination(path, arguments[i], target);
        if (status == SW_OK)
            status = sw_path_rename(arguments[i], path);
        if (status != SW_OK)
            result = complain(arguments[i], status);
    }
    return result;
}
