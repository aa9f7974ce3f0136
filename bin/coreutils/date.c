/* date: the time, UTC, as YYYY-MM-DD HH:MM:SS UTC or as a format says. */
#include "command.h"
#include "times.h"
#include <string.h>
#include <swos/clock.h>
#include <swos/path.h>

static const char days[7][10] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                  "Thursday", "Friday", "Saturday" };
static const char months[12][10] = { "January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December" };

/* What a letter with a longer form stands for. */
static const char *abbreviation(char letter)
{
    switch (letter) {
    case 'F':
        return "%Y-%m-%d";
    case 'T':
        return "%H:%M:%S";
    case 'R':
        return "%H:%M";
    case 'D':
        return "%m/%d/%y";
    case 'c':
        return "%a %b %e %T %Y";
    case 'r':
        return "%I:%M:%S %p";
    case 'x':
        return "%m/%d/%y";
    case 'X':
        return "%H:%M:%S";
    default:
        return NULL;
    }
}

static void print(const char *format, uint64_t ns, const struct civil_time *time)
{
    for (; *format; format++) {
        if (*format != '%' || !format[1]) {
            out_char(*format);
            continue;
        }
        bool plain = format[1] == '-' && format[2];
        format += plain ? 2 : 1;
        const char *longer = abbreviation(*format), *number = plain ? "%u" : "%02u";
        if (longer) {
            print(longer, ns, time);
            continue;
        }
        switch (*format) {
        case 'Y':
            out_format("%u", time->year);
            break;
        case 'C':
            out_format("%02u", time->year / 100);
            break;
        case 'y':
            out_format("%02u", time->year % 100);
            break;
        case 'm':
            out_format(number, time->month);
            break;
        case 'd':
            out_format(number, time->day);
            break;
        case 'e':
            out_format(plain ? "%u" : "%2u", time->day);
            break;
        case 'H':
            out_format(number, time->hour);
            break;
        case 'I':
            out_format(number, (time->hour + 11) % 12 + 1);
            break;
        case 'M':
            out_format(number, time->minute);
            break;
        case 'S':
            out_format(number, time->second);
            break;
        case 'N':
            out_format("%09u", (unsigned)(ns % SW_SECOND));
            break;
        case 's':
            out_format("%llu", (unsigned long long)(ns / SW_SECOND));
            break;
        case 'j':
            out_format(plain ? "%u" : "%03u", time->year_day + 1);
            break;
        case 'u':
            out_format("%u", time->weekday ? time->weekday : 7);
            break;
        case 'w':
            out_format("%u", time->weekday);
            break;
        case 'a':
            out_format("%.*s", 3, days[time->weekday]);
            break;
        case 'A':
            out_text(days[time->weekday]);
            break;
        case 'b':
        case 'h':
            out_format("%.*s", 3, months[time->month - 1]);
            break;
        case 'B':
            out_text(months[time->month - 1]);
            break;
        case 'p':
            out_text(time->hour < 12 ? "AM" : "PM");
            break;
        case 'Z':
            out_text("UTC");
            break;
        case 'z':
            out_text("+0000");
            break;
        case 'n':
            out_char('\n');
            break;
        case 't':
            out_char('\t');
            break;
        case '%':
            out_char('%');
            break;
        default:
            out_char('%');
            out_char(*format);
        }
    }
}

int command_date(int count, char **arguments)
{
    struct options options;
    uint64_t ns = sw_clock_wall();
    const char *format = "%Y-%m-%d %H:%M:%S UTC";
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'd' && !parse_time(options.value, &ns))
            return complain_text(options.value, "not a time");
        if (letter == 'r') {
            struct sw_attributes attributes;
            status_t status = sw_path_attributes(options.value, &attributes);
            if (status != SW_OK)
                return complain(options.value, status);
            ns = attributes.mtime;
        }
    }
    if (options.count > 1 || (options.count == 1 && options.arguments[0][0] != '+'))
        return usage("%s: expected +FORMAT", options.arguments[options.count - 1]);
    if (options.count == 1)
        format = options.arguments[0] + 1;
    struct civil_time civil = civil_time(ns);
    print(format, ns, &civil);
    out_char('\n');
    return out_finish(0);
}
