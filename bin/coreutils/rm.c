/* rm: removes files, with -r directories and what is in them. */
#include "command.h"
#include <string.h>
#include <swos/path.h>

static bool recursive, force, directories;
static struct remove_options how;

/* Whether it is the root, or the directory itself or the one above by its last component. */
static bool is_protected(const char *path)
{
    static struct sw_place place;
    size_t length;
    const char *base = base_name(path, &length);
    bool dots = (length == 1 && base[0] == '.') || (length == 2 && !strncmp(base, "..", 2));
    return dots || (sw_path_resolve(path, &place) == SW_OK && !strcmp(place.absolute, "/"));
}

/* Asking what it is needs the right to read, which removing does not. */
static bool is_asked_about(const char *path)
{
    struct sw_attributes attributes;
    return how.asks && sw_path_attributes(path, &attributes) == SW_OK &&
           attributes.kind != SW_FILE_DIRECTORY;
}

static int remove_directory(const char *path)
{
    if (how.asks && !confirm("remove directory", path))
        return 0;
    status_t status = sw_path_remove_directory(path);
    if (status != SW_OK)
        return complain(path, status);
    if (how.verbose) {
        out_text("removed directory '");
        out_text(path);
        out_text("'\n");
    }
    return 0;
}

static int remove_operand(const char *path)
{
    struct sw_attributes attributes;
    if (is_protected(path))
        return complain_text(path, "is never removed");
    if (is_asked_about(path) && !confirm("remove file", path))
        return 0;
    status_t status = sw_path_unlink(path);
    if (status == SW_OK && how.verbose) {
        out_text("removed '");
        out_text(path);
        out_text("'\n");
    }
    if (status == SW_OK)
        return 0;
    if (status == SW_IS_DIRECTORY)
        status = sw_path_attributes(path, &attributes);
    if (force && (status == SW_NOT_FOUND || status == SW_NOT_DIRECTORY))
        return 0;
    if (status != SW_OK)
        return complain(path, status);
    if (attributes.kind == SW_FILE_DIRECTORY && !recursive)
        return directories ? remove_directory(path) : complain(path, SW_IS_DIRECTORY);
    return remove_tree(path, &attributes, &how);
}

int command_rm(int count, char **arguments)
{
    struct options options;
    int result = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        recursive |= letter == 'r' || letter == 'R';
        directories |= letter == 'd';
        how.verbose |= letter == 'v';
        if (letter == 'f' || letter == 'i') { /* the last one counts */
            force = letter == 'f';
            how.asks = letter == 'i';
        }
    }
    if (options.count == 0 && !force)
        return usage("file expected");
    for (int i = 0; i < options.count; i++)
        result |= remove_operand(options.arguments[i]);
    return out_finish(result);
}
