/* echo [-n] [WORD...]: the words, as they are. */
#include "command.h"
#include <string.h>

int command_echo(int count, char **arguments)
{
    char line[4096];
    size_t length = 0;
    bool newline = !(count > 1 && !strcmp(arguments[1], "-n"));
    status_t status = SW_OK;
    for (int i = newline ? 1 : 2; i < count && status == SW_OK; i++) {
        /* one write for what fits, so that lines of two writers do not mix */
        size_t size = strlen(arguments[i]);
        if (length + size + 2 > sizeof(line)) {
            status = write_all(1, line, length);
            length = 0;
        }
        if (status == SW_OK && size + 2 > sizeof(line)) {
            status = write_all(1, arguments[i], size);
        } else {
            memcpy(line + length, arguments[i], size);
            length += size;
        }
        if (i + 1 < count)
            line[length++] = ' ';
    }
    if (newline)
        line[length++] = '\n';
    if (status == SW_OK)
        status = write_all(1, line, length);
    return status == SW_OK ? 0 : complain(NULL, status);
}
