/* mkdir: makes directories. */
#include "command.h"
#include "mode.h"
#include <string.h>
#include <swos/path.h>

/* Makes what is missing of the path above its last component. */
static int make_parents(const char *path)
{
    char part[SW_PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof(part))
        return complain(path, SW_NAME_TOO_LONG);
    for (size_t i = 1; i < length; i++) {
        if (path[i] != '/' || path[i - 1] == '/')
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        status_t status = sw_path_make_directory(part, 0755);
        /* what exists and is no directory is found by the next one */
        if (status != SW_OK && status != SW_EXISTS && !is_directory(part))
            return complain(part, status);
    }
    return 0;
}

int command_mkdir(int count, char **arguments)
{
    int result = 0;
    bool parents = false;
    uint32_t mode = 0755;
    struct options options;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'p')
            parents = true;
        if (letter == 'm' && !mode_apply(options.value, 0777, true, &mode))
            return complain_text(options.value, "not a mode");
    }
    if (options.count == 0)
        return usage("directory expected");
    for (int i = 0; i < options.count; i++) {
        const char *path = options.arguments[i];
        if (parents && make_parents(path)) {
            result = 1;
            continue;
        }
        status_t status = sw_path_make_directory(path, mode);
        if (status != SW_OK && !(parents && is_directory(path)))
            result = complain(path, status);
    }
    return result;
}
