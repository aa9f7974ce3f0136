/* chmod: sets modes, in octal or by clauses. */
#include "command.h"
#include "mode.h"
#include <string.h>
#include <swos/path.h>

static const char *mode_text;
static bool recursive;

static int change(const char *path, const struct sw_attributes *attributes)
{
    bool directory = attributes->kind == SW_FILE_DIRECTORY;
    uint32_t mode;
    mode_apply(mode_text, attributes->mode, directory, &mode);
    status_t status = sw_path_set_mode(path, mode);
    int result = status == SW_OK ? 0 : complain(path, status);
    if (directory && recursive)
        result |= for_each_entry(path, change);
    return result;
}

int command_chmod(int count, char **arguments)
{
    int result = 0;
    struct options options;
    /* a mode like -w is no option */
    for (int i = 1; i < count && arguments[i][0] == '-' && !mode_text; i++)
        if (arguments[i][1] && strspn(arguments[i], "-+=rwxXst,ugoa") == strlen(arguments[i]) &&
            arguments[i][1] != '-') {
            mode_text = arguments[i];
            memmove(arguments + i, arguments + i + 1, (size_t)(count - i) * sizeof(*arguments));
            count--;
        }
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        recursive = true;
    }
    int first = mode_text ? 0 : 1;
    if (options.count < first + 1)
        return usage("mode and files expected");
    if (!mode_text)
        mode_text = options.arguments[0];
    uint32_t mode;
    if (!mode_apply(mode_text, 0, false, &mode))
        return complain_text(mode_text, "not a mode");
    for (int i = first; i < options.count; i++) {
        struct sw_attributes attributes = { .kind = SW_FILE_REGULAR };
        /* a mode in octal alone does not depend on what is there, which it may not be allowed to ask */
        bool asks = recursive || mode_text[0] < '0' || mode_text[0] > '7';
        status_t status = asks ? sw_path_attributes(options.arguments[i], &attributes) : SW_OK;
        result |= status == SW_OK ? change(options.arguments[i], &attributes)
                                  : complain(options.arguments[i], status);
    }
    return result;
}
