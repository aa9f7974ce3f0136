/* tee: copies standard input to standard output and to files. */
#include "command.h"
#include <stdlib.h>
#include <swos/fd.h>

int command_tee(int count, char **arguments)
{
    static char buffer[PIECE];
    struct options options;
    uint32_t flags = SW_OPEN_TRUNCATE;
    int result = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'a')
            flags = SW_OPEN_APPEND;
    }
    int *fds = calloc((size_t)options.count + 1, sizeof(*fds));
    if (!fds)
        out_of_memory(NULL);
    fds[0] = 1;
    for (int i = 0; i < options.count; i++) {
        status_t status = sw_fd_open(options.arguments[i], SW_OPEN_WRITE | SW_OPEN_CREATE | flags,
                                     0644, &fds[i + 1]);
        if (status == SW_OK)
            continue;
        result = complain(options.arguments[i], status);
        fds[i + 1] = -1;
    }
    for (;;) {
        size_t done = 0;
        status_t status = sw_fd_read(0, buffer, sizeof(buffer), SW_NEVER, &done);
        if (status != SW_OK)
            return complain("standard input", status);
        if (done == 0)
            return result;
        for (int i = 0; i <= options.count; i++) {
            if (fds[i] < 0)
                continue;
            status = write_all(fds[i], buffer, done);
            if (status == SW_OK)
                continue;
            result = complain(i ? options.arguments[i - 1] : "standard output", status);
            fds[i] = -1; /* the others still get the rest, unless nobody reads standard output */
        }
    }
}
