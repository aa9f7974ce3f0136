/* date: the time, UTC, as YYYY-MM-DD HH:MM:SS UTC. */
#include "date.h"
#include "command.h"
#include <swos/clock.h>
#include <swos/log.h>

/* Days to year, month, day: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
 * civil_from_days, for days from 1970 on. Years there start in March. */
struct civil_time civil_time(uint64_t ns)
{
    uint64_t seconds = ns / SW_SECOND, days = seconds / 86400 + 719468;
    unsigned era = (unsigned)(days / 146097), day_of_era = (unsigned)(days % 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153;
    struct civil_time time = {
        .day = day_of_year - (153 * month + 2) / 5 + 1,
        .month = month < 10 ? month + 3 : month - 9,
        .hour = (unsigned)(seconds / 3600 % 24),
        .minute = (unsigned)(seconds / 60 % 60),
        .second = (unsigned)(seconds % 60),
    };
    time.year = year_of_era + era * 400 + (time.month <= 2);
    return time;
}

int command_date(int count, char **arguments)
{
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    if (options.count > 0)
        return usage("%s: no operand expected", options.arguments[0]);
    struct civil_time now = civil_time(sw_clock_wall());
    char line[64];
    size_t length = sw_format(line, sizeof(line), "%04u-%02u-%02u %02u:%02u:%02u UTC\n", now.year,
                              now.month, now.day, now.hour, now.minute, now.second);
    status_t status = write_all(1, line, length);
    return status == SW_OK ? 0 : complain(NULL, status);
}
