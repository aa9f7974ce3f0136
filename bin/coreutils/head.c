/* head [-n N | -nN | -N] [FILE...]: the first lines, 10 by default. */
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
    static char *standard_input[] = { "-" };
    uint64_t lines = 10;
    int first = 1, result = 0;
    if (count > 1 && arguments[1][0] == '-' && arguments[1][1]) {
        const char *number = arguments[1] + 1 + (arguments[1][1] == 'n');
        first = 2;
        if (!*number && count > 2)
            number = arguments[first++];
        if (!parse_number(number, 10, &lines))
            return usage("[-n N] [FILE...]");
    }
    char **files = first < count ? arguments + first : standard_input;
    int file_count = first < count ? count - first : 1;
    for (int i = 0; i < file_count; i++) {
        int fd = open_operand(files[i]);
        if (fd < 0) {
            result = 1;
            continue;
        }
        if (file_count > 1) {
            char title[SW_PATH_MAX + 16];
            write_all(1, title,
                      sw_format(title, sizeof(title), "%s==> %s <==\n", i ? "\n" : "", files[i]));
        }
        status_t status = head(fd, lines);
        close_operand(fd);
        if (status != SW_OK)
            result = complain(files[i], status);
    }
    return result;
}
