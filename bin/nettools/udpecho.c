/* udpecho: sends each datagram back to where it came from. One, or with -k as many as come. */
#include "tools.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

int udpecho(const struct options *options)
{
    static char buffer[65536];
    int family = options->v6 ? AF_INET6 : AF_INET;
    int fd = bound_socket(family, SOCK_DGRAM, ECHO_PORT);

    if (options->count > 0)
        return usage(options->words[0], ": no operand expected");
    if (fd < 0)
        return fail("bind");
    printf("udpecho: listening on %d\n", ECHO_PORT);
    fflush(stdout);
    do {
        union {
            struct sockaddr any;
            struct sockaddr_in v4;
            struct sockaddr_in6 v6;
        } from;
        socklen_t length = sizeof(from);
        char text[INET6_ADDRSTRLEN] = "?";
        ssize_t got = recvfrom(fd, buffer, sizeof(buffer), 0, &from.any, &length);

        if (got < 0)
            return fail("receive");
        if (sendto(fd, buffer, (size_t)got, 0, &from.any, length) < 0)
            return fail("send");
        if (from.any.sa_family == AF_INET)
            inet_ntop(AF_INET, &from.v4.sin_addr, text, sizeof(text));
        else
            inet_ntop(AF_INET6, &from.v6.sin6_addr, text, sizeof(text));
        printf("udpecho: got %d bytes from %s:%d\n", (int)got, text, ntohs(from.v4.sin_port));
        fflush(stdout);
    } while (options->keep);
    close(fd);
    return 0;
}
