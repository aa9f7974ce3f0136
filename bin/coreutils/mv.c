/* mv SOURCE... TARGET: renames; into TARGET when it is a directory. Only within a file server. */
#include "command.h"
#include <swos/path.h>

static int rename_file(const char *source, const char *path)
{
    status_t status = sw_path_rename(source, path);
    return status == SW_OK ? 0 : complain(source, status);
}

int command_mv(int count, char **arguments)
{
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    return put_each(&options, rename_file);
}
