/* rmdir: removes directories that are empty. */
#include "command.h"
#include <string.h>
#include <swos/path.h>

int command_rmdir(int count, char **arguments)
{
    int result = 0;
    bool parents = false;
    struct options options;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        parents = true;
    }
    if (options.count == 0)
        return usage("directory expected");
    for (int i = 0; i < options.count; i++) {
        char *path = options.arguments[i];
        status_t status = sw_path_remove_directory(path);
        while (status == SW_OK && parents) {
            size_t length;
            size_t start = (size_t)(base_name(path, &length) - path);
            while (start > 1 && path[start - 1] == '/')
                start--;
            if (start == 0 || (start == 1 && path[0] == '/'))
                break;
            path[start] = 0;
            status = sw_path_remove_directory(path);
        }
        if (status != SW_OK)
            result = complain(path, status);
    }
    return result;
}
