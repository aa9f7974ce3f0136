/* rmdir DIRECTORY... */
#include "command.h"
#include <swos/path.h>

int command_rmdir(int count, char **arguments)
{
    int result = 0;
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    if (options.count == 0)
        return usage("directory expected");
    for (int i = 0; i < options.count; i++) {
        status_t status = sw_path_remove_directory(options.arguments[i]);
        if (status != SW_OK)
            result = complain(options.arguments[i], status);
    }
    return result;
}
