/* cp SOURCE... TARGET: copies files; into TARGET when it is a directory. */
#include "command.h"
#include <string.h>
#include <swos/fd.h>
#include <swos/path.h>

static int copy_file(const char *source, const char *path)
{
    struct sw_attributes attributes;
    int from, to;
    status_t status = sw_path_attributes(source, &attributes);
    if (status == SW_OK && attributes.kind == SW_FILE_DIRECTORY)
        status = SW_IS_DIRECTORY;
    if (status == SW_OK)
        status = sw_fd_open(source, SW_OPEN_READ, 0, &from);
    if (status != SW_OK)
        return complain(source, status);
    struct sw_place here, there;
    /* opening the target would empty the source */
    if (sw_path_resolve(source, &here) == SW_OK && sw_path_resolve(path, &there) == SW_OK &&
        !strcmp(here.absolute, there.absolute)) {
        sw_fd_close(from);
        return complain_text(path, "is the same file");
    }
    status = sw_fd_open(path, SW_OPEN_WRITE | SW_OPEN_CREATE | SW_OPEN_TRUNCATE,
                        attributes.mode & 0777, &to);
    if (status != SW_OK) {
        sw_fd_close(from);
        return complain(path, status);
    }
    bool reading = false;
    status = copy_all(from, to, &reading);
    sw_fd_close(from);
    sw_fd_close(to);
    return status == SW_OK ? 0 : complain(reading ? source : path, status);
}

int command_cp(int count, char **arguments)
{
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    return put_each(&options, copy_file);
}
