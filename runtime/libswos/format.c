/* Formatting without the C library. Pure. */
#include <stdbool.h>
#include <swos/log.h>

struct sink {
    char *out;
    size_t at, capacity; /* capacity without the NUL */
};

static void put(struct sink *sink, char c)
{
    if (sink->at < sink->capacity)
        sink->out[sink->at++] = c;
}

static void put_text(struct sink *sink, const char *text, size_t length, size_t width)
{
    for (size_t i = length; i < width; i++)
        put(sink, ' ');
    for (size_t i = 0; i < length; i++)
        put(sink, text[i]);
}

static void put_number(struct sink *sink, uint64_t value, bool negative, unsigned base,
                       size_t width, char fill)
{
    char digits[24];
    size_t at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    size_t length = sizeof(digits) - at + negative;
    if (fill == ' ')
        for (size_t i = length; i < width; i++)
            put(sink, ' ');
    if (negative)
        put(sink, '-');
    if (fill == '0')
        for (size_t i = length; i < width; i++)
            put(sink, '0');
    put_text(sink, digits + at, sizeof(digits) - at, 0);
}

size_t sw_format_list(char *out, size_t capacity, const char *format, va_list arguments)
{
    if (capacity == 0)
        return 0;
    struct sink sink = { out, 0, capacity - 1 };
    for (const char *p = format; *p; p++) {
        if (*p != '%') {
            put(&sink, *p);
            continue;
        }
        const char *start = p++;
        char fill = ' ';
        if (*p == '0') {
            fill = '0';
            p++;
        }
        size_t width = 0, limit = SIZE_MAX;
        while (*p >= '0' && *p <= '9')
            width = width * 10 + (size_t)(*p++ - '0');
        if (p[0] == '.' && p[1] == '*') {
            int given = va_arg(arguments, int);
            limit = given < 0 ? SIZE_MAX : (size_t)given;
            p += 2;
        }
        bool wide = false;
        for (; *p == 'l' || *p == 'z'; p++)
            wide = true;
        switch (*p) {
        case 's': {
            const char *text = va_arg(arguments, const char *);
            size_t length = 0;
            while (length < limit && text[length])
                length++;
            put_text(&sink, text, length, width);
            break;
        }
        case 'c':
            put(&sink, (char)va_arg(arguments, int));
            break;
        case 'd':
        case 'i': {
            int64_t value = wide ? va_arg(arguments, int64_t) : va_arg(arguments, int);
            put_number(&sink, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, 10, width,
                       fill);
            break;
        }
        case 'u':
        case 'x': {
            uint64_t value = wide ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);
            put_number(&sink, value, false, *p == 'x' ? 16 : 10, width, fill);
            break;
        }
        case 'p':
            put(&sink, '0');
            put(&sink, 'x');
            put_number(&sink, (uint64_t)(uintptr_t)va_arg(arguments, void *), false, 16, 0, ' ');
            break;
        case '%':
            put(&sink, '%');
            break;
        default: /* unknown: shown as written, so that the mistake is seen */
            for (; start < p; start++)
                put(&sink, *start);
            if (*p == 0)
                p--;
            else
                put(&sink, *p);
        }
    }
    out[sink.at] = 0;
    return sink.at;
}

size_t sw_format(char *out, size_t capacity, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = sw_format_list(out, capacity, format, arguments);
    va_end(arguments);
    return length;
}
