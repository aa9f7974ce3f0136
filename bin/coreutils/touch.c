/* touch: sets the time of files, and makes those that are not there. */
#include "command.h"
#include "times.h"
#include <string.h>
#include <swos/clock.h>
#include <swos/fd.h>
#include <swos/log.h>
#include <swos/path.h>

/* [[CC]YY]MMDDhhmm[.ss], as POSIX has it. */
static bool parse_stamp(const char *text, uint64_t *out_ns)
{
    size_t length = strcspn(text, "."), seconds = strlen(text + length);
    char form[32];
    struct civil_time now = civil_time(sw_clock_wall());
    if ((length != 8 && length != 10 && length != 12) || (seconds != 0 && seconds != 3) ||
        strspn(text, "0123456789.") != length + seconds)
        return false;
    const char *rest = text + length - 8;
    uint64_t year = now.year;
    char digits[5] = "";
    memcpy(digits, text, length - 8);
    if (length > 8 && !parse_number(digits, 10, &year))
        return false;
    if (length == 10)
        year += year < 69 ? 2000 : 1900;
    sw_format(form, sizeof(form), "%04u-%.*s-%.*s %.*s:%.*s:%.*s", (unsigned)year, 2, rest, 2,
              rest + 2, 2, rest + 4, 2, rest + 6, 2, seconds ? text + length + 1 : "00");
    return parse_time(form, out_ns);
}

static status_t touch(const char *path, uint64_t time, bool create, bool is_now)
{
    status_t status = sw_path_set_time(path, time);
    if (status != SW_NOT_FOUND)
        return status;
    if (!create)
        return SW_OK;
    int fd;
    status = sw_fd_open(path, SW_OPEN_WRITE | SW_OPEN_CREATE, 0644, &fd);
    if (status != SW_OK)
        return status;
    sw_fd_close(fd);
    return is_now ? SW_OK : sw_path_set_time(path, time);
}

int command_touch(int count, char **arguments)
{
    int result = 0;
    bool create = true, is_now = true;
    uint64_t time = sw_clock_wall();
    struct options options;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'c')
            create = false;
        if (letter == 'd' || letter == 't' || letter == 'r')
            is_now = false;
        if ((letter == 'd' && !parse_time(options.value, &time)) ||
            (letter == 't' && !parse_stamp(options.value, &time)))
            return complain_text(options.value, "not a time");
        if (letter == 'r') {
            struct sw_attributes attributes;
            status_t status = sw_path_attributes(options.value, &attributes);
            if (status != SW_OK)
                return complain(options.value, status);
            time = attributes.mtime;
        }
    }
    if (options.count == 0)
        return usage("file expected");
    for (int i = 0; i < options.count; i++) {
        status_t status = touch(options.arguments[i], time, create, is_now);
        if (status != SW_OK)
            result = complain(options.arguments[i], status);
    }
    return result;
}
