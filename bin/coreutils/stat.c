/* stat: what a file server knows of a file. */
#include "command.h"
#include "times.h"
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/path.h>

static const char *kind_name(const struct sw_attributes *attributes)
{
    return attributes->kind == SW_FILE_DIRECTORY ? "directory"
           : attributes->kind == SW_FILE_DEVICE  ? "device"
           : attributes->size == 0               ? "regular empty file"
                                                 : "regular file";
}

static void print_mode(const struct sw_attributes *attributes)
{
    static const char letters[] = "rwxrwxrwx";
    out_char(attributes->kind == SW_FILE_DIRECTORY ? 'd'
             : attributes->kind == SW_FILE_DEVICE  ? 'c'
                                                   : '-');
    for (int i = 0; i < 9; i++) {
        bool set = attributes->mode >> (8 - i) & 1;
        out_char(i == 8 && attributes->mode & 01000 ? (set ? 't' : 'T') : set ? letters[i] : '-');
    }
}

static void print_octal(uint32_t mode)
{
    bool any = false;
    for (int shift = 9; shift >= 0; shift -= 3) {
        any |= (mode >> shift & 7) || shift == 0;
        if (any)
            out_char((char)('0' + (mode >> shift & 7)));
    }
}

static void print_time(uint64_t ns)
{
    struct civil_time time = civil_time(ns);
    out_format("%04u-%02u-%02u %02u:%02u:%02u.%09u +0000", time.year, time.month, time.day,
               time.hour, time.minute, time.second, (unsigned)(ns % SW_SECOND));
}

static void print(const char *format, const char *path, const struct sw_attributes *attributes)
{
    char owner[32];
    for (; *format; format++) {
        if (*format != '%' || !format[1]) {
            out_char(*format);
            continue;
        }
        switch (*++format) {
        case 'n':
            out_text(path);
            break;
        case 's':
            out_format("%llu", (unsigned long long)attributes->size);
            break;
        case 'a':
            print_octal(attributes->mode & 07777);
            break;
        case 'A':
            print_mode(attributes);
            break;
        case 'u':
        case 'g':
            out_format("%u", attributes->owner);
            break;
        case 'U':
        case 'G':
            account_name(attributes->owner, owner, sizeof(owner));
            out_text(owner);
            break;
        case 'i':
            out_format("%llu", (unsigned long long)attributes->id);
            break;
        case 'h':
            out_format("%u", attributes->links);
            break;
        case 'F':
            out_text(kind_name(attributes));
            break;
        case 'Y':
            out_format("%llu", (unsigned long long)(attributes->mtime / SW_SECOND));
            break;
        case 'y':
            print_time(attributes->mtime);
            break;
        default:
            out_char('%');
            if (*format != '%')
                out_char(*format);
        }
    }
    out_char('\n');
}

int command_stat(int count, char **arguments)
{
    struct options options;
    const char *format =
        "  File: %n\n  Size: %s\t%F\nAccess: (%a/%A)  Owner: (%u/%U)\n Inode: %i  Links: %h\n"
        "Modify: %y";
    int result = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        format = options.value;
    }
    if (options.count == 0)
        return usage("file expected");
    for (int i = 0; i < options.count; i++) {
        struct sw_attributes attributes;
        status_t status = sw_path_attributes(options.arguments[i], &attributes);
        if (status == SW_OK) {
            print(format, options.arguments[i], &attributes);
            continue;
        }
        out_flush();
        result = complain(options.arguments[i], status);
    }
    return out_finish(result);
}
