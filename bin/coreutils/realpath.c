/* realpath: absolute paths without . and .. */
#include "command.h"
#include <swos/path.h>

int command_realpath(int count, char **arguments)
{
    static struct sw_place place;
    struct options options;
    bool missing = false;
    int result = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        missing = letter == 'm';
    }
    if (options.count == 0)
        return usage("path expected");
    for (int i = 0; i < options.count; i++) {
        struct sw_attributes attributes;
        status_t status = sw_path_resolve(options.arguments[i], &place);
        if (status == SW_OK && !missing)
            status = sw_path_attributes(options.arguments[i], &attributes);
        if (status != SW_OK) {
            out_flush();
            result = complain(options.arguments[i], status);
            continue;
        }
        out_text(place.absolute);
        out_char('\n');
    }
    return out_finish(result);
}
