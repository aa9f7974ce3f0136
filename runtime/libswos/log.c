/* Lines for the kernel log. */
#include <string.h>
#include <swos/log.h>
#include <swos/start.h>

#define LINE_MAX 240 /* what log_write takes */

void sw_log(uint32_t level, const char *format, ...)
{
    handle_t log = sw_start_get("log");
    if (!log)
        return;
    const char *name = sw_start_argument(0);
    const char *slash = name ? strrchr(name, '/') : NULL;
    char line[LINE_MAX + 1];
    size_t length = sw_format(line, sizeof(line), "%s: ", slash ? slash + 1 : name ? name : "?");
    va_list arguments;
    va_start(arguments, format);
    length += sw_format_list(line + length, sizeof(line) - length, format, arguments);
    va_end(arguments);
    sw_log_write(log, level, line, (uint32_t)length);
}
