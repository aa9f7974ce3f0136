/* See access_log.h. */
#include "access_log.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>

#define LINE_MOST 1536

static char buffer[8192];
static size_t used;
static uint64_t lost;

static void add(const char *text, size_t length)
{
    memcpy(buffer + used, text, length);
    used += length;
}

/* Room for a line of that length; false: there is none, which is counted. */
static bool make_room(size_t length)
{
    if (sizeof(buffer) - used < length)
        access_log_flush();
    if (sizeof(buffer) - used >= length)
        return true;
    lost++;
    return false;
}

void access_log(const char *format, ...)
{
    char line[LINE_MOST] = "httpd: ";
    va_list arguments;
    size_t length = strlen(line);

    va_start(arguments, format);
    length += sw_format_list(line + length, sizeof(line) - length - 1, format, arguments);
    va_end(arguments);
    line[length++] = '\n';
    if (make_room(length))
        add(line, length);
}

void access_log_request(int status, const char *path, size_t length)
{
    char head[] = "httpd: 000 ";

    if (!make_room(sizeof(head) + length))
        return;
    head[7] = (char)('0' + status / 100);
    head[8] = (char)('0' + status / 10 % 10);
    head[9] = (char)('0' + status % 10);
    add(head, sizeof(head) - 1);
    add(path, length);
    add("\n", 1);
}

void access_log_flush(void)
{
    char line[80];
    size_t done, start = 0;

    while (start < used && sw_fd_write(1, buffer + start, used - start, 0, &done) == SW_OK)
        start += done;
    used -= start;
    memmove(buffer, buffer + start, used);
    if (lost > 0 && used == 0) {
        add(line,
            sw_format(line, sizeof(line), "httpd: %llu lines lost\n", (unsigned long long)lost));
        lost = 0;
        if (sw_fd_write(1, buffer, used, 0, &done) == SW_OK) {
            used -= done;
            memmove(buffer, buffer + done, used);
        }
    }
}
