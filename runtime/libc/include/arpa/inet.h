/* Internet addresses as text. */
#ifndef SWOS_ARPA_INET_H
#define SWOS_ARPA_INET_H

#include <netinet/in.h>

int inet_pton(int family, const char *text, void *out);
const char *inet_ntop(int family, const void *address, char *out, socklen_t capacity);

#endif
