/* poll() over pipes, terminals, events and files (always ready). At most 256 entries. */
#ifndef SWOS_POLL_H
#define SWOS_POLL_H

#define POLLIN 0x01
#define POLLPRI 0x02 /* never reported */
#define POLLOUT 0x04
#define POLLERR 0x08
#define POLLHUP 0x10
#define POLLNVAL 0x20

typedef unsigned long nfds_t;

struct pollfd {
    int fd;
    short events;
    short revents;
};

int poll(struct pollfd *fds, nfds_t count, int timeout_ms);

#endif
