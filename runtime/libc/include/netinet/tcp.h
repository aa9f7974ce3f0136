/* Options of TCP. */
#ifndef SWOS_NETINET_TCP_H
#define SWOS_NETINET_TCP_H

#define TCP_NODELAY 1

#endif
