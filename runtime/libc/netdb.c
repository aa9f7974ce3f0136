/* Names of hosts, which netd looks up. */
#include "errors.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <swos/protocol.h>
#include <swos/socket.h>

#define FOUND_MOST 2 /* an IPv4 and an IPv6 address */

struct entry {
    struct addrinfo info;
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
};

static struct addrinfo *entry_make(int family, const uint8_t *bytes, uint16_t port, int type)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    if (!entry)
        return NULL;
    if (family == AF_INET) {
        entry->address.v4.sin_family = AF_INET;
        entry->address.v4.sin_port = htons(port);
        memcpy(&entry->address.v4.sin_addr, bytes, 4);
    } else {
        entry->address.v6.sin6_family = AF_INET6;
        entry->address.v6.sin6_port = htons(port);
        memcpy(&entry->address.v6.sin6_addr, bytes, 16);
    }
    entry->info.ai_family = family;
    entry->info.ai_socktype = type;
    entry->info.ai_protocol = type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
    entry->info.ai_addrlen =
        family == AF_INET ? sizeof(entry->address.v4) : sizeof(entry->address.v6);
    entry->info.ai_addr = (struct sockaddr *)&entry->address;
    return &entry->info;
}

static int parse_port(const char *text, uint16_t *out)
{
    char *end;
    unsigned long value = text ? strtoul(text, &end, 10) : 0;

    if (text && (*text == 0 || *end || value > 65535))
        return EAI_SERVICE;
    *out = (uint16_t)value;
    return 0;
}

/* Addresses of a family: of the host, of this machine, or any. Returns how many, or an EAI_*. */
static int find(const char *host, int flags, int family, uint8_t out[16])
{
    uint8_t v6 = family == AF_INET6;
    struct sw_net_resolve_reply reply;
    handle_t net;

    if (!host) {
        memset(out, 0, 16);
        if (!(flags & AI_PASSIVE))
            memcpy(out, v6 ? in6addr_loopback.s6_addr : (const uint8_t[16]){ 127, 0, 0, 1 }, 16);
        return 1;
    }
    if (inet_pton(family, host, out) == 1)
        return 1;
    /* An address of the other family is no name: nobody is to be asked for it. */
    if ((flags & AI_NUMERICHOST) ||
        inet_pton(v6 ? AF_INET : AF_INET6, host, (uint8_t[16]){ 0 }) == 1)
        return 0;
    status_t status = sw_socket_network(&net);
    if (status == SW_OK)
        status = sw_net_resolve(net, v6 ? SW_NET_IPV6 : SW_NET_IPV4, 0, host, strlen(host), &reply,
                                SW_NEVER);
    if (status == SW_OK) {
        memcpy(out, reply.address, 16);
        return 1;
    }
    if (status == SW_NOT_FOUND || status == SW_INVALID || status == SW_NAME_TOO_LONG)
        return 0;
    if (status == SW_BUSY || status == SW_TIMED_OUT || status == SW_UNREACHABLE)
        return EAI_AGAIN;
    status_return(status);
    return EAI_SYSTEM;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **out_list)
{
    static const int families[FOUND_MOST] = { AF_INET, AF_INET6 };
    int flags = hints ? hints->ai_flags : 0, wanted = hints ? hints->ai_family : AF_UNSPEC;
    int type = hints && hints->ai_socktype ? hints->ai_socktype : SOCK_STREAM, error = 0;
    struct addrinfo **last = out_list;
    uint16_t port;

    *out_list = NULL;
    if (!host && !service)
        return EAI_NONAME;
    if (wanted != AF_UNSPEC && wanted != AF_INET && wanted != AF_INET6)
        return EAI_FAMILY;
    if (type != SOCK_STREAM && type != SOCK_DGRAM)
        return EAI_SOCKTYPE;
    if ((error = parse_port(service, &port)) != 0)
        return error;
    for (int i = 0; i < FOUND_MOST; i++) {
        uint8_t bytes[16];
        if (wanted != AF_UNSPEC && wanted != families[i])
            continue;
        int found = find(host, flags, families[i], bytes);
        if (found < 0)
            error = found;
        if (found <= 0)
            continue;
        if (!(*last = entry_make(families[i], bytes, port, type))) {
            freeaddrinfo(*out_list);
            *out_list = NULL;
            return EAI_MEMORY;
        }
        last = &(*last)->ai_next;
    }
    return *out_list ? 0 : error ? error : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list); /* the first member of its entry */
        list = next;
    }
}

const char *gai_strerror(int error)
{
    switch (error) {
    case 0:
        return "success";
    case EAI_NONAME:
        return "no such host";
    case EAI_AGAIN:
        return "no name server answers";
    case EAI_FAMILY:
        return "family not supported";
    case EAI_SOCKTYPE:
        return "kind of socket not supported";
    case EAI_SERVICE:
        return "not a port";
    case EAI_MEMORY:
        return "out of memory";
    case EAI_SYSTEM:
        return "system error";
    default:
        return "failed";
    }
}
