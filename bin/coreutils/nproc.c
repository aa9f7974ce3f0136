/* nproc: the number of CPUs. */
#include "command.h"
#include <swos/start.h>

int command_nproc(int count, char **arguments)
{
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    if (options.count > 0)
        return usage("%s: no operand expected", options.arguments[0]);
    out_format("%u\n", sw_info()->cpu_count);
    return out_finish(0);
}
