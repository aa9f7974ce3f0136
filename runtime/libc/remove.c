/* remove() for files and directories. In a file of its own because newlib has one, for files;
 * with both of its names, or newlib's own tmpfile() would pull that in beside this one. */
#include "errors.h"
#include <stdio.h>
#include <swos/path.h>

int remove(const char *path)
{
    status_t status = sw_path_unlink(path);
    return status_return(status == SW_IS_DIRECTORY ? sw_path_remove_directory(path) : status);
}

int _remove_r(struct _reent *reent, const char *path)
{
    (void)reent;
    return remove(path);
}
