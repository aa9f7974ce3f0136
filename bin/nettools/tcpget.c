/* tcpget [HOST] [PORT]: connects, says GET swos and no more, prints what comes until the other end is done. */
#include "tools.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST "GET swos\n"

int tcpget(const struct options *options)
{
    const char *host = options->count > 0 ? options->words[0] : "10.0.2.2";
    const char *port = options->count > 1 ? options->words[1] : "5555";
    static char buffer[16384];
    ssize_t got;
    int status;

    if (options->count > 2)
        return usage(options->words[2], ": too many operands");
    int fd = connected_socket(host, port, &status);
    if (fd < 0)
        return status;
    if (send(fd, REQUEST, strlen(REQUEST), 0) < 0)
        return fail("send");
    shutdown(fd, SHUT_WR); /* a server that waits for our end goes on */
    while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0)
        fwrite(buffer, 1, (size_t)got, stdout);
    if (got < 0)
        return fail("receive");
    close(fd);
    return 0;
}
