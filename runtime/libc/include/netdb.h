/* Names of hosts. Services are numbers only. */
#ifndef SWOS_NETDB_H
#define SWOS_NETDB_H

#include <sys/socket.h>

struct addrinfo {
    int ai_flags, ai_family, ai_socktype, ai_protocol;
    socklen_t ai_addrlen;
    struct sockaddr *ai_addr;
    char *ai_canonname; /* NULL */
    struct addrinfo *ai_next;
};

#define AI_PASSIVE 1
#define AI_NUMERICHOST 4
#define AI_NUMERICSERV 0x400

#define EAI_NONAME (-2)
#define EAI_AGAIN (-3)
#define EAI_FAIL (-4)
#define EAI_FAMILY (-6)
#define EAI_SOCKTYPE (-7)
#define EAI_SERVICE (-8)
#define EAI_MEMORY (-10)
#define EAI_SYSTEM (-11)

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **out_list);
void freeaddrinfo(struct addrinfo *list);
const char *gai_strerror(int error);

#endif
