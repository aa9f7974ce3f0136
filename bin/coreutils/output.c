/* Buffered standard output. A command writes here and forgets about failures: the first one is said, with
 * its reason, and ends the program. Nothing is written before the buffer is full or out_flush is called,
 * which reading from a pipe or terminal does (input.c): what a slow writer gave is passed on at once. */
#include "command.h"
#include <string.h>
#include <swos/log.h>
#include <swos/path.h>
#include <unistd.h>

int trouble = 1;
const char *out_target, *out_temporary;

static char buffer[PIECE];
static size_t used;

static void write_out(const void *bytes, size_t length)
{
    status_t status = write_all(1, bytes, length);
    if (status == SW_OK)
        return;
    complain(out_target ? out_target : "standard output", status);
    out_abandon();
    _exit(trouble);
}

void out_flush(void)
{
    size_t length = used;
    used = 0;
    if (length > 0)
        write_out(buffer, length);
}

void out_bytes(const void *bytes, size_t length)
{
    if (length > sizeof(buffer) - used) {
        out_flush();
        if (length >= sizeof(buffer)) {
            write_out(bytes, length);
            return;
        }
    }
    memcpy(buffer + used, bytes, length);
    used += length;
}

void out_text(const char *text)
{
    out_bytes(text, strlen(text));
}

void out_char(char c)
{
    if (used == sizeof(buffer))
        out_flush();
    buffer[used++] = c;
}

void out_spaces(size_t count)
{
    while (count-- > 0)
        out_char(' ');
}

void out_format(const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    out_bytes(text, sw_format_list(text, sizeof(text), format, arguments));
    va_end(arguments);
}

int out_finish(int result)
{
    out_flush();
    return result;
}

void out_abandon(void)
{
    if (out_temporary)
        sw_path_unlink(out_temporary);
    out_temporary = NULL;
}

void out_of_memory(const char *thing)
{
    out_flush();
    complain(thing, SW_NO_MEMORY);
    out_abandon();
    _exit(trouble);
}
