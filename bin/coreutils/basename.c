/* basename: the last component of paths. */
#include "command.h"
#include <string.h>

static void print(const char *path, const char *suffix, char end)
{
    size_t length, cut = suffix ? strlen(suffix) : 0;
    const char *base = base_name(path, &length);
    if (length == 0 && path[0]) { /* nothing but slashes */
        base = "/";
        length = 1;
    }
    if (cut > 0 && length > cut && !memcmp(base + length - cut, suffix, cut))
        length -= cut;
    out_bytes(base, length);
    out_char(end);
}

int command_basename(int count, char **arguments)
{
    struct options options;
    const char *suffix = NULL;
    bool several = false;
    char end = '\n';
    options_start(&options, count, arguments, OPTIONS_FIRST);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        several |= letter == 'a' || letter == 's';
        if (letter == 's')
            suffix = options.value;
        if (letter == 'z')
            end = 0;
    }
    if (options.count == 0 || (!several && options.count > 2))
        return usage(options.count ? "too many operands" : "path expected");
    if (!several && options.count == 2) {
        print(options.arguments[0], options.arguments[1], end);
        return out_finish(0);
    }
    for (int i = 0; i < options.count; i++)
        print(options.arguments[i], suffix, end);
    return out_finish(0);
}
