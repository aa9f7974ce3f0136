/* mv: renames; from one file server to another it copies and removes. */
#include "command.h"
#include <swos/path.h>

static bool keep, asks, verbose;

static int move_across(const char *source, const char *path)
{
    static const struct copy_options how = { .recursive = true, .preserve = true };
    static const struct remove_options silently;
    struct sw_attributes from, to;
    status_t status = sw_path_attributes(source, &from);
    if (status != SW_OK)
        return complain(source, status);
    if (sw_path_attributes(path, &to) ==
        SW_OK) { /* as rename: only an empty directory is replaced */
        if (to.kind == SW_FILE_DIRECTORY && from.kind != SW_FILE_DIRECTORY)
            return complain(path, SW_IS_DIRECTORY);
        if (to.kind != SW_FILE_DIRECTORY && from.kind == SW_FILE_DIRECTORY)
            return complain(path, SW_NOT_DIRECTORY);
        status = to.kind == SW_FILE_DIRECTORY ? sw_path_remove_directory(path) : SW_OK;
        if (status != SW_OK)
            return complain(path, status);
    }
    int result = copy_tree(source, path, &how);
    return result ? result : remove_tree(source, &from, &silently);
}

static int move(const char *source, const char *path)
{
    struct sw_attributes attributes;
    if ((keep || asks) && sw_path_attributes(path, &attributes) == SW_OK &&
        (keep || !confirm("overwrite", path)))
        return 0;
    status_t status = sw_path_rename(source, path);
    int result = 0;
    if (status == SW_CROSS_DEVICE)
        result = move_across(source, path);
    else if (status != SW_OK)
        result = complain(source, status);
    if (!result && verbose)
        out_arrow("renamed ", source, path);
    return result;
}

int command_mv(int count, char **arguments)
{
    struct options options;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'v') {
            verbose = true;
            continue;
        }
        keep = letter == 'n'; /* the last one counts */
        asks = letter == 'i';
    }
    return out_finish(put_each(&options, !keep, move));
}
