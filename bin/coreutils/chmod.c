/* chmod OCTAL FILE... */
#include "command.h"
#include <swos/path.h>

int command_chmod(int count, char **arguments)
{
    uint64_t mode;
    int result = 0;
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    if (options.count < 2)
        return usage("mode and files expected");
    if (!parse_number(options.arguments[0], 8, &mode) || mode > 07777)
        return complain_text(options.arguments[0], "not an octal mode");
    for (int i = 1; i < options.count; i++) {
        status_t status = sw_path_set_mode(options.arguments[i], (uint32_t)mode);
        if (status != SW_OK)
            result = complain(options.arguments[i], status);
    }
    return result;
}
