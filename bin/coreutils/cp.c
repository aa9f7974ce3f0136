/* cp: copies files, and with -r directories. */
#include "command.h"

static struct copy_options how;

static int copy(const char *source, const char *path)
{
    return copy_tree(source, path, &how);
}

int command_cp(int count, char **arguments)
{
    struct options options;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        how.recursive |= letter == 'r' || letter == 'R' || letter == 'a';
        how.preserve |= letter == 'p' || letter == 'a';
        how.force |= letter == 'f';
        how.verbose |= letter == 'v';
        if (letter == 'n' || letter == 'i') { /* the last one counts */
            how.keep = letter == 'n';
            how.asks = letter == 'i';
        }
    }
    return out_finish(put_each(&options, !how.keep, copy));
}
