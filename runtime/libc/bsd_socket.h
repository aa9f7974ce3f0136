/* BSD sockets, private to libc.
 *
 * Threads may use one descriptor at once. `lock` is held for moments, never while something is waited for. A
 * thread that waits has a bit of netd's event for itself, as it reads, writes or polls; so one of them reads at
 * a time and one writes (`busy`), while others wait for `free`; any number polls. netd's socket is not let go
 * of while somebody waits on it (`waiting`). */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <swos/socket.h>
#include <swos/sync.h>

#define KEEPS 3

enum way { READING, WRITING };

struct bsd_socket {
    struct sw_mutex lock;
    bool busy[2];             /* enum way: a thread is at it */
    struct sw_condition free; /* one is no more */
    uint32_t queued;          /* who wait for `free` */
    uint32_t waiting;
    uint32_t
        pollers[2]; /* how many of them poll to read, to write; they share a bit of the event */
    int type, family;
    struct sw_socket *socket;       /* NULL: none yet */
    struct sw_socket_address local; /* bound to */
    struct sw_socket_address peer;  /* port 0: none */
    bool bound, listening, connecting, error_told;
    bool dropped; /* it did not come about; goes when nobody waits on it any more */
    uint32_t ring;
    uint64_t receive_time, send_time; /* ns; 0: for ever */
    bool keepalive, nodelay, v6_only;
    uint32_t keep[KEEPS]; /* TCP_KEEPIDLE and so on; 0: as the machine's settings say */
};

static inline bool bsd_is_there(const struct bsd_socket *socket)
{
    return socket->socket && !socket->listening;
}

/* A socket in use: locked, with its descriptor's reference. */
struct bsd_use {
    struct bsd_socket *socket;
    uint32_t flags;
    void *reference;
};

/* False: errno says why. */
bool bsd_use(int fd, struct bsd_use *out);
/* Ends the use; -1 with errno for what went wrong. */
int bsd_done(struct bsd_use *used, status_t status);
int bsd_done_errno(struct bsd_use *used, int error);
/* Lets go of a connection that did not come about: connect may be tried again. Not while others wait on it. */
void bsd_drop(struct bsd_socket *socket);
/* Tells netd what was asked for before there was its socket. */
void bsd_options_set(struct bsd_socket *socket);
