/* Options of TCP. */
#ifndef SWOS_NETINET_TCP_H
#define SWOS_NETINET_TCP_H

#define TCP_NODELAY 1
/* For SO_KEEPALIVE. Read as 0 until they were set: then the machine's settings hold (net.lua). */
#define TCP_KEEPIDLE 4  /* seconds of silence before the other end is asked: 1 to 86,400 */
#define TCP_KEEPINTVL 5 /* seconds between two questions: 1 to 3,600 */
#define TCP_KEEPCNT 6   /* questions without an answer before ETIMEDOUT: 1 to 100 */

#endif
