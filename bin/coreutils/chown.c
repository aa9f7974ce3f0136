/* chown: gives files to another principal. */
#include "command.h"
#include <swos/path.h>

static uint32_t principal;
static bool recursive;

static int change(const char *path, const struct sw_attributes *attributes)
{
    status_t status = sw_path_set_owner(path, principal);
    int result = status == SW_OK ? 0 : complain(path, status);
    if (attributes->kind == SW_FILE_DIRECTORY && recursive)
        result |= for_each_entry(path, change);
    return result;
}

int command_chown(int count, char **arguments)
{
    int result = 0;
    struct options options;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        recursive = true;
    }
    if (options.count < 2)
        return usage("owner and files expected");
    if (!account_principal(options.arguments[0], &principal))
        return complain_text(options.arguments[0], "no such account");
    for (int i = 1; i < options.count; i++) {
        struct sw_attributes attributes = { .kind = SW_FILE_REGULAR };
        status_t status = recursive ? sw_path_attributes(options.arguments[i], &attributes) : SW_OK;
        result |= status == SW_OK ? change(options.arguments[i], &attributes)
                                  : complain(options.arguments[i], status);
    }
    return result;
}
