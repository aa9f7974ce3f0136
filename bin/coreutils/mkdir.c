/* mkdir DIRECTORY... */
#include "command.h"
#include <swos/path.h>

int command_mkdir(int count, char **arguments)
{
    int result = 0;
    if (count < 2 || arguments[1][0] == '-')
        return usage("DIRECTORY...");
    for (int i = 1; i < count; i++) {
        status_t status = sw_path_make_directory(arguments[i], 0755);
        if (status != SW_OK)
            result = complain(arguments[i], status);
    }
    return result;
}
