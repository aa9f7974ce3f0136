/* sleep SECONDS: waits; fractions count. */
#include "command.h"
#include <string.h>
#include <swos/clock.h>

/* "1", "0.25", ".5" as nanoseconds. */
static bool parse_duration(const char *text, uint64_t *out_ns)
{
    uint64_t whole = 0, fraction = 0, unit = SW_SECOND;
    const char *point = strchr(text, '.');
    char integer[24];
    size_t length = point ? (size_t)(point - text) : strlen(text);
    if (length >= sizeof(integer) || (length == 0 && !point))
        return false;
    memcpy(integer, text, length);
    integer[length] = 0;
    if (length > 0 && !parse_number(integer, 10, &whole))
        return false;
    if (point) {
        if (length == 0 && !point[1])
            return false;
        for (point++; *point; point++) {
            if (*point < '0' || *point > '9')
                return false;
            unit /= 10;
            fraction += unit * (uint64_t)(*point - '0');
        }
    }
    *out_ns = whole > UINT64_MAX / SW_SECOND - 1 ? SW_NEVER : whole * SW_SECOND + fraction;
    return true;
}

int command_sleep(int count, char **arguments)
{
    uint64_t duration;
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    if (options.count != 1)
        return usage("one operand expected");
    if (!parse_duration(options.arguments[0], &duration))
        return complain_text(options.arguments[0], "not a number of seconds");
    status_t status = sw_clock_sleep(sw_clock_deadline(duration));
    return status == SW_OK || status == SW_TIMED_OUT ? 0 : complain(NULL, status);
}
