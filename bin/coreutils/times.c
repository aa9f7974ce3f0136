/* Times: civil and counted. Everything is UTC. */
#include "times.h"
#include "command.h"
#include <string.h>
#include <swos/clock.h>

/* Days to year, month, day and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
 * civil_from_days and days_from_civil, for days from 1970 on. Years there start in March. */
struct civil_time civil_time(uint64_t ns)
{
    static const uint16_t before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
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
        .weekday = (unsigned)((seconds / 86400 + 4) % 7),
    };
    time.year = year_of_era + era * 400 + (time.month <= 2);
    bool leap = time.year % 4 == 0 && (time.year % 100 != 0 || time.year % 400 == 0);
    time.year_day = before[time.month - 1] + time.day - 1 + (leap && time.month > 2);
    return time;
}

uint64_t time_of(const struct civil_time *civil)
{
    unsigned year = civil->year - (civil->month <= 2), era = year / 400, year_of_era = year % 400;
    unsigned day_of_year = (153 * ((civil->month + 9) % 12) + 2) / 5 + civil->day - 1;
    uint64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    uint64_t days = era * 146097ull + day_of_era - 719468;
    return (days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second) * SW_SECOND;
}

/* A number of exactly so many digits; *at moves behind it. */
static bool digits(const char **at, int count, unsigned *out)
{
    *out = 0;
    for (; count > 0; count--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *out = *out * 10 + (unsigned)(**at - '0');
    }
    return true;
}

static bool word(const char **at, const char *text)
{
    if (strncmp(*at, text, strlen(text)) != 0)
        return false;
    *at += strlen(text);
    return true;
}

bool parse_time(const char *text, uint64_t *out_ns)
{
    uint64_t seconds;
    if (!strcmp(text, "now")) {
        *out_ns = sw_clock_wall();
        return true;
    }
    if (text[0] == '@') {
        if (!parse_number(text + 1, 10, &seconds) || seconds > UINT64_MAX / SW_SECOND)
            return false;
        *out_ns = seconds * SW_SECOND;
        return true;
    }
    struct civil_time civil = civil_time(sw_clock_wall());
    civil.hour = civil.minute = civil.second = 0;
    const char *at = text;
    bool date = strlen(text) >= 10 && text[4] == '-';
    if (date && (!digits(&at, 4, &civil.year) || !word(&at, "-") || !digits(&at, 2, &civil.month) ||
                 !word(&at, "-") || !digits(&at, 2, &civil.day)))
        return false;
    if (!date || *at == ' ' || *at == 'T') {
        at += date;
        if (!digits(&at, 2, &civil.hour) || !word(&at, ":") || !digits(&at, 2, &civil.minute) ||
            (word(&at, ":") && !digits(&at, 2, &civil.second)))
            return false;
    }
    if (!word(&at, "Z") && !word(&at, " UTC"))
        word(&at, " Z");
    *out_ns = time_of(&civil);
    /* no 31st of February, no 25 o'clock: what comes back must be what went in */
    struct civil_time back = civil_time(*out_ns);
    return !*at && civil.year >= 1970 && civil.year < 2500 && civil.month >= 1 &&
           civil.month <= 12 && back.day == civil.day && back.hour == civil.hour &&
           back.minute == civil.minute && back.second == civil.second;
}

bool parse_duration(const char *text, uint64_t *out_ns)
{
    static const char units[] = "smhd";
    static const uint32_t seconds[] = { 1, 60, 3600, 86400 };
    uint64_t whole = 0, part = 0, scale = SW_SECOND;
    bool any = false, endless = false;
    for (; *text >= '0' && *text <= '9'; text++, any = true)
        endless |= __builtin_mul_overflow(whole, 10, &whole) ||
                   __builtin_add_overflow(whole, (uint64_t)(*text - '0'), &whole);
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9'; text++, any = true) {
            scale /= 10;
            part += scale * (uint64_t)(*text - '0');
        }
    const char *unit = *text ? strchr(units, *text) : units;
    if (!any || !unit || (*text && text[1]))
        return false;
    uint64_t factor = seconds[unit - units];
    endless |= __builtin_mul_overflow(whole, factor * SW_SECOND, &whole) ||
               __builtin_add_overflow(whole, part * factor, &whole);
    *out_ns = endless ? SW_NEVER : whole;
    return true;
}
