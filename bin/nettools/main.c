/* The tools by name, and their command lines. */
#include "tools.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <swos/abi.h>
#include <swos/socket.h>
#include <swos/status.h>
#include <unistd.h>

enum { OPTION_LONG, OPTION_NUMBER };

#include <nettools/pages.inc>

const char *tool_name = "nettools";

static const struct {
    const char *name;
    int (*run)(const struct options *options);
} tools[] = {
    { "tcpecho", tcpecho }, { "udpecho", udpecho }, { "tcpget", tcpget }, { "tcpload", tcpload }
};

static const struct page_entry *own_page(void)
{
    for (size_t i = 0; i < sizeof(page_table) / sizeof(page_table[0]); i++)
        if (!strcmp(page_text + page_table[i].name, tool_name))
            return &page_table[i];
    return NULL;
}

int fail(const char *what)
{
    handle_t net;
    status_t status = sw_socket_network(&net);

    fflush(stdout);
    if (status == SW_NOT_FOUND)
        fprintf(stderr, "%s: there is no network on this machine\n", tool_name);
    else if (errno == EACCES)
        fprintf(stderr, "%s: permission denied (needs capability net)\n", tool_name);
    else
        fprintf(stderr, "%s: %s: %s\n", tool_name, what, sw_errno_text(errno));
    return 1;
}

int usage(const char *message, const char *word)
{
    const char *help = page_text + own_page()->help, *end = strchr(help, '\n') + 1;

    while (*end == ' ') /* further lines of the synopsis */
        end = strchr(end, '\n') + 1;
    fprintf(stderr, "%s: %s%s\n%.*s", tool_name, message, word, (int)(end - help), help);
    return 2;
}

int bound_socket(int family, int type, uint16_t port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = { 0 };
    socklen_t length = family == AF_INET ? sizeof(address.v4) : sizeof(address.v6);
    int fd = socket(family, type, 0);

    if (fd < 0)
        return -1;
    if (family == AF_INET) {
        address.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    } else {
        address.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
        int only = 1;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
    }
    if (bind(fd, &address.any, length) < 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

int connected_socket(const char *host, const char *port, int *out_status)
{
    struct addrinfo *list, hints = { .ai_socktype = SOCK_STREAM };
    int error = getaddrinfo(host, port, &hints, &list), fd = -1;

    if (error == EAI_SERVICE) {
        *out_status = usage(port, ": not a port");
        return -1;
    }
    if (error && error != EAI_SYSTEM) {
        fprintf(stderr, "%s: %s: %s\n", tool_name, host, gai_strerror(error));
        *out_status = 1;
        return -1;
    }
    for (struct addrinfo *at = error ? NULL : list; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype, 0);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) < 0) {
            int why = errno;
            close(fd);
            errno = why;
            fd = -1;
        }
    }
    if (fd < 0)
        *out_status = fail(host);
    if (!error)
        freeaddrinfo(list);
    return fd;
}

static bool has_option(char letter)
{
    const struct page_entry *page = own_page();

    for (uint32_t i = 0; i < page->count; i++)
        if (option_table[page->first + i].letter == (uint8_t)letter)
            return true;
    return false;
}

int main(int count, char **arguments)
{
    const char *slash = count > 0 ? strrchr(arguments[0], '/') : NULL;
    struct options options = { 0 };

    if (count > 0)
        tool_name = slash ? slash + 1 : arguments[0];
    if (!own_page())
        return fail("no such tool");
    for (int i = 1; i < count; i++) {
        const char *word = arguments[i];
        if (!strcmp(word, "--help")) {
            fputs(page_text + own_page()->help, stdout);
            return 0;
        }
        if (!strcmp(word, "-6") && has_option('6'))
            options.v6 = true;
        else if (!strcmp(word, "-k") && has_option('k'))
            options.keep = true;
        else if (word[0] == '-' && word[1])
            return usage("unknown option ", word);
        else if (!strcmp(word, "6") && has_option('6'))
            options.v6 = true;
        else if (options.count < 4)
            options.words[options.count++] = word;
        else
            return usage("too many operands", "");
    }
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
        if (!strcmp(tools[i].name, tool_name))
            return tools[i].run(&options);
    return 2;
}
