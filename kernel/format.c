/* printf-like formatting for the kernel's log and records. */
#include "log.h"

struct output {
    char *at, *end; /* end: last byte, kept for the NUL */
};

static void put(struct output *output, char byte)
{
    if (output->at < output->end)
        *output->at++ = byte;
}

static void put_number(struct output *output, uint64_t value, uint32_t base, bool negative,
                       uint32_t width, char fill)
{
    char digits[24];
    uint32_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    uint32_t length = count + negative;
    if (negative && fill == '0')
        put(output, '-');
    for (; length < width; width--)
        put(output, fill);
    if (negative && fill != '0')
        put(output, '-');
    while (count)
        put(output, digits[--count]);
}

size_t format_text(char *buffer, size_t capacity, const char *format, __builtin_va_list arguments)
{
    struct output output = { buffer, buffer + capacity - 1 };
    for (; *format; format++) {
        if (*format != '%') {
            put(&output, *format);
            continue;
        }
        char fill = ' ';
        uint32_t width = 0, precision = UINT32_MAX;
        bool wide = false;
        if (*++format == '0')
            fill = '0';
        for (; *format >= '0' && *format <= '9'; format++)
            width = width * 10 + (uint32_t)(*format - '0');
        if (format[0] == '.' && format[1] == '*') {
            precision = __builtin_va_arg(arguments, uint32_t);
            format += 2;
        }
        for (; *format == 'l' || *format == 'z'; format++)
            wide = true;
        switch (*format) {
        case 'd':
        case 'i': {
            int64_t value =
                wide ? __builtin_va_arg(arguments, long) : __builtin_va_arg(arguments, int);
            put_number(&output, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0,
                       width, fill);
            break;
        }
        case 'u':
        case 'x': {
            uint64_t value = wide ? __builtin_va_arg(arguments, unsigned long)
                                  : __builtin_va_arg(arguments, unsigned);
            put_number(&output, value, *format == 'u' ? 10 : 16, false, width, fill);
            break;
        }
        case 'p':
            put(&output, '0');
            put(&output, 'x');
            put_number(&output, (uintptr_t) __builtin_va_arg(arguments, void *), 16, false, width,
                       fill);
            break;
        case 's': {
            const char *text = __builtin_va_arg(arguments, const char *);
            uint32_t length = 0;
            for (; text && length < precision && *text; text++, length++)
                put(&output, *text);
            for (; length < width; length++)
                put(&output, ' ');
            break;
        }
        case 'c':
            put(&output, (char)__builtin_va_arg(arguments, int));
            break;
        case 0:
            format--;
            break;
        default: /* %% and what we do not know */
            put(&output, *format);
        }
    }
    *output.at = 0;
    return (size_t)(output.at - buffer);
}

size_t format_line(char *buffer, size_t capacity, const char *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    size_t length = format_text(buffer, capacity, format, arguments);
    __builtin_va_end(arguments);
    return length;
}
