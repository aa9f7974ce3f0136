/* head: the first lines, 10 by default. */
#include "command.h"
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>

/* Copies the first `lines` lines of a descriptor to standard output. */
static status_t head(int fd, uint64_t lines)
{
    static char buffer[PIECE];
    while (lines > 0) {
        size_t done = 0, length = 0;
        status_t status = sw_fd_read(fd, buffer, sizeof(buffer), SW_NEVER, &done);
        if (status != SW_OK || done == 0)
            return status;
        while (length < done && lines > 0) {
            const char *end = memchr(buffer + length, '\n', done - length);
            length = end ? (size_t)(end - buffer) + 1 : done;
            lines -= end != NULL;
        }
        status = write_all(1, buffer, length);
        if (status != SW_OK)
            return status;
    }
    return SW_OK;
}

int command_head(int count, char **arguments)
{
    struct options options;
    uint64_t lines = 10;
    int result = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (!parse_number(options.value, 10, &lines))
            return usage("%s: not a number of lines", options.value);
    }
    operands_default(&options);
    for (int i = 0; i < options.count; i++) {
        const char *file = options.arguments[i];
        int fd = open_operand(file);
        if (fd < 0) {
            result = 1;
            continue;
        }
        if (options.count > 1) {
            char title[SW_PATH_MAX + 16];
            write_all(1, title,
                      sw_format(title, sizeof(title), "%s==> %s <==\n", i ? "\n" : "", file));
        }
        status_t status = head(fd, lines);
        close_operand(fd);
        if (status != SW_OK)
            result = complain(file, status);
    }
    return result;
}
