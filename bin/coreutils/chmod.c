/* chmod OCTAL FILE... */
#include "command.h"
#include <swos/path.h>

int command_chmod(int count, char **arguments)
{
    uint64_t mode;
    int result = 0;
    if (count < 3)
        return usage("OCTAL FILE...");
    if (!parse_number(arguments[1], 8, &mode) || mode > 07777)
        return complain_text(arguments[1], "not an octal mode");
    for (int i = 2; i < count; i++) {
        status_t status = sw_path_set_mode(arguments[i], (uint32_t)mode);
        if (status != SW_OK)
            result = complain(arguments[i], status);
    }
    return result;
}
