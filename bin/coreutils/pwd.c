/* pwd: the working directory. */
#include "command.h"
#include <string.h>
#include <swos/path.h>

int command_pwd(int count, char **arguments)
{
    char path[SW_PATH_MAX + 1];
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    status_t status = sw_path_directory(path, SW_PATH_MAX);
    if (status == SW_OK) {
        size_t length = strlen(path);
        path[length] = '\n';
        status = write_all(1, path, length + 1);
    }
    return status == SW_OK ? 0 : complain(NULL, status);
}
