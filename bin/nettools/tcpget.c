/* tcpget [HOST] [PORT]: connects, says GET swos and no more, prints what comes until the other end is done. */
#include "tools.h"
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST "GET swos\n"

int tcpget(const struct options *options)
{
    const char *host = options->count > 0 ? options->words[0] : "10.0.2.2";
    const char *port = options->count > 1 ? options->words[1] : "5555";
    struct addrinfo *list, hints = { .ai_socktype = SOCK_STREAM };
    static char buffer[16384];
    ssize_t got;
    int fd = -1;

    if (options->count > 2)
        return usage(options->words[2], ": too many operands");
    int error = getaddrinfo(host, port, &hints, &list);
    if (error == EAI_SERVICE)
        return usage(port, ": not a port");
    if (error == EAI_SYSTEM)
        return fail(host);
    if (error) {
        fprintf(stderr, "tcpget: %s: %s\n", host, gai_strerror(error));
        return 1;
    }
    for (struct addrinfo *at = list; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype, 0);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) < 0) {
            if (!at->ai_next)
                return fail(host);
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd < 0)
        return fail(host);
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
