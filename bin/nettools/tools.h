/* What the tools share. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ECHO_PORT 5555

extern const char *tool_name;

/* Says what failed, with errno's words; the exit status. */
int fail(const char *what);
/* Says what is wrong with the command line and how it is used; exit status 2. */
int usage(const char *message, const char *word);

/* A socket of the family at the port, for any address of ours; -1 with errno. */
int bound_socket(int family, int type, uint16_t port);

/* A TCP connection to the host; -1 when it has been said why there is none: the exit status. */
int connected_socket(const char *host, const char *port, int *out_status);

/* Options: v6 for 6 or -6, keep for -k; the other words are left in `words`. */
struct options {
    bool v6, keep;
    const char *words[4];
    int count;
};

int tcpecho(const struct options *options);
int udpecho(const struct options *options);
int tcpget(const struct options *options);
int tcpload(const struct options *options);
