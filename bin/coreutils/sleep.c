/* sleep DURATION...: waits for all of them together. */
#include "command.h"
#include "times.h"
#include <swos/clock.h>

int command_sleep(int count, char **arguments)
{
    uint64_t sum = 0, duration;
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    if (options.count == 0)
        return usage("duration expected");
    for (int i = 0; i < options.count; i++) {
        if (!parse_duration(options.arguments[i], &duration))
            return complain_text(options.arguments[i], "not a duration");
        if (__builtin_add_overflow(sum, duration, &sum))
            sum = SW_NEVER;
    }
    status_t status = sw_clock_sleep(sw_clock_deadline(sum));
    return status == SW_OK || status == SW_TIMED_OUT ? 0 : complain(NULL, status);
}
