/* cat [FILE...]: the files one after the other; "-" or none: standard input. */
#include "command.h"

int command_cat(int count, char **arguments)
{
    static char *standard_input[] = { "cat", "-", NULL };
    int result = 0;
    if (count < 2) {
        count = 2;
        arguments = standard_input;
    }
    for (int i = 1; i < count; i++) {
        int fd = open_operand(arguments[i]);
        if (fd < 0) {
            result = 1;
            continue;
        }
        bool reading;
        status_t status = copy_all(fd, 1, &reading);
        close_operand(fd);
        if (status == SW_OK)
            continue;
        result = 1;
        if (!reading)
            return complain("standard output", status);
        complain(arguments[i], status);
    }
    return result;
}
