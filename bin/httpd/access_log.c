/* See access_log.h. */
#include "access_log.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/fd.h>
#include <swos/log.h>

#define LINE_MOST 1536
#define DELAY (50 * SW_MILLISECOND)

static char buffer[8192];
static size_t used;
static uint64_t lost, flush_at = SW_NEVER;

static void add(const char *text, size_t length)
{
    if (flush_at == SW_NEVER)
        flush_at = sw_clock_deadline(DELAY);
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

uint64_t access_log_deadline(void)
{
    return flush_at;
}

/* Writes what the reader takes. */
static void drain(void)
{
    size_t done, start = 0;
    status_t status = SW_OK;

    while (start < used &&
           (status = sw_fd_write(1, buffer + start, used - start, 0, &done)) == SW_OK)
        start += done;
    if (status != SW_OK && status != SW_TIMED_OUT) /* nobody reads it any more */
        start = used;
    used -= start;
    memmove(buffer, buffer + start, used);
}

void access_log_flush(void)
{
    char line[80];

    drain();
    if (lost > 0 && used == 0) {
        size_t length =
            sw_format(line, sizeof(line), "httpd: %llu lines lost\n", (unsigned long long)lost);
        lost = 0;
        add(line, length);
        drain();
    }
    flush_at = used > 0 ? sw_clock_deadline(DELAY) : SW_NEVER;
}
