/* cat [FILE...]: the files one after the other; "-" or none: standard input. */
#include "command.h"

int command_cat(int count, char **arguments)
{
    int result = 0;
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    operands_default(&options);
    for (int i = 0; i < options.count; i++) {
        int fd = open_operand(options.arguments[i]);
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
        complain(options.arguments[i], status);
    }
    return result;
}
