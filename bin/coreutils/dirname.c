/* dirname: paths without their last component. */
#include "command.h"

int command_dirname(int count, char **arguments)
{
    struct options options;
    char end = '\n';
    options_start(&options, count, arguments, OPTIONS_FIRST);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        end = 0;
    }
    if (options.count == 0)
        return usage("path expected");
    for (int i = 0; i < options.count; i++) {
        const char *path = options.arguments[i];
        size_t length;
        size_t start = (size_t)(base_name(path, &length) - path);
        while (start > 1 && path[start - 1] == '/')
            start--;
        if (start > 0)
            out_bytes(path, start);
        else
            out_char(path[0] == '/' ? '/' : '.');
        out_char(end);
    }
    return out_finish(0);
}
