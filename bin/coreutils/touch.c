/* touch FILE...: makes files, or sets the time of those that are there. */
#include "command.h"
#include <swos/clock.h>
#include <swos/fd.h>
#include <swos/path.h>

int command_touch(int count, char **arguments)
{
    int result = 0;
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    if (options.count == 0)
        return usage("file expected");
    for (int i = 0; i < options.count; i++) {
        status_t status = sw_path_set_time(options.arguments[i], sw_clock_wall());
        if (status == SW_NOT_FOUND) {
            int fd;
            status = sw_fd_open(options.arguments[i], SW_OPEN_WRITE | SW_OPEN_CREATE, 0644, &fd);
            if (status == SW_OK)
                sw_fd_close(fd);
        }
        if (status != SW_OK)
            result = complain(options.arguments[i], status);
    }
    return result;
}
