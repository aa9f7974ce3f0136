/* errno of each status code, from the ABI's table. */
#include "errors.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <swos/status.h>

static const uint8_t table[] = {
#define SW_STATUS(number, name, posix, text) [number] = posix,
#include <swos/status_table.inc>
#undef SW_STATUS
};

int status_errno(status_t status)
{
    size_t number = (size_t)(-(int64_t)status);
    return status <= 0 && number < sizeof(table) ? table[number] : EIO;
}

int status_return(status_t status)
{
    if (status == SW_OK)
        return 0;
    errno = status_errno(status);
    return -1;
}

int status_return_fd(status_t status)
{
    if (status != SW_QUOTA)
        return status_return(status);
    errno = EMFILE;
    return -1;
}

const char *sw_errno_text(int error)
{
    static char text[64];

    strlcpy(text, strerror(error), sizeof(text));
    if (text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z')
        text[0] += 'a' - 'A'; /* but "I/O error" */
    return text;
}
