/* mktemp: makes a file or directory of a name nobody uses, and prints it. */
#include "command.h"
#include <stdlib.h>
#include <string.h>
#include <swos/abi.h>
#include <swos/fd.h>
#include <swos/path.h>

int command_mktemp(int count, char **arguments)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789__";
    struct options options;
    bool directory = false, dry = false;
    const char *folder = NULL;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        directory |= letter == 'd';
        dry |= letter == 'u';
        if (letter == 'p')
            folder = options.value;
    }
    if (options.count > 1)
        return usage("%s: one operand too many", options.arguments[1]);
    const char *pattern = options.count ? options.arguments[0] : "tmp.XXXXXXXXXX";
    char path[SW_PATH_MAX];
    if (!folder)
        folder = options.count ? NULL : "/tmp";
    status_t status = folder                           ? join(path, folder, pattern)
                      : strlen(pattern) < sizeof(path) ? (strcpy(path, pattern), SW_OK)
                                                       : SW_NAME_TOO_LONG;
    if (status != SW_OK)
        return complain(pattern, status);
    char *end = strrchr(path, 'X');
    size_t random = 0;
    while (end && end - random >= path && *(end - random) == 'X')
        random++;
    if (random < 3)
        return complain_text(pattern, "three X at least are expected in a row");
    for (int tries = 0; tries < 100; tries++) {
        uint8_t bytes[64];
        struct sw_attributes attributes;
        int fd;
        size_t used = random < sizeof(bytes) ? random : sizeof(bytes);
        status = sw_random(bytes, (uint32_t)used);
        for (size_t i = 0; i < used; i++)
            *(end - i) = letters[bytes[i] % 64];
        if (status == SW_OK && dry)
            status = sw_path_attributes(path, &attributes) == SW_OK ? SW_EXISTS : SW_OK;
        else if (status == SW_OK && directory)
            status = sw_path_make_directory(path, 0700);
        else if (status == SW_OK)
            status =
                sw_fd_open(path, SW_OPEN_WRITE | SW_OPEN_CREATE | SW_OPEN_EXCLUSIVE, 0600, &fd);
        if (status != SW_EXISTS)
            break;
    }
    if (status != SW_OK)
        return complain(path, status);
    out_text(path);
    out_char('\n');
    return out_finish(0);
}
