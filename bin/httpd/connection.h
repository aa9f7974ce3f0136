/* One connection: requests in, responses out.
 *
 *   READING  the head of a request gathers; before it what is left of the last one's body is read over
 *   ASKING   for what /metrics tells, of another service
 *   SENDING  a response's head is in the ring, its body follows as there is room
 *   DRAINING the response was the last one and the client may still be sending: we have ended our half
 *            and read over what comes, so that no reset takes the response away from it
 *
 * Requests that come together are answered in their order. Nothing here waits. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <swos/socket.h>

#include "files.h"
#include "pace.h"

/* A ring that a body is sent from: at least, at most. */
#define CONNECTION_RING_LEAST 16384u
#define CONNECTION_RING_MOST 65536u

enum connection_state { READING, ASKING, SENDING, DRAINING };

struct connection {
    /* the server's */
    uint32_t index;
    uint32_t deadline_kind;
    uint64_t deadline;
    struct connection *earlier, *later; /* of the same kind of deadline */
    struct pace pace;                   /* since it was idle last; what it takes is told by us */
    struct connection *next_runnable;
    bool runnable;
    /* ours */
    struct sw_socket *socket;
    struct sw_socket_address from;
    enum connection_state state;
    bool asks_head; /* ASKING: by HEAD */
    bool last;      /* the response under way is the last one */
    bool refused;   /* and its request was not understood to its end */
    char *head;     /* of a response, what did not fit into the ring */
    size_t head_left;
    char *partial; /* of a head that is not all there */
    size_t partial_length;
    uint64_t discard;  /* bytes of a body to read over */
    struct file *file; /* where the body comes from, or `memory`, which is freed then */
    char *memory;
    uint64_t offset, left;
    uint32_t ring; /* bytes it was let grow to, or tried to */
};

enum connection_next {
    CONNECTION_WAITS,   /* for its event */
    CONNECTION_GOES_ON, /* it has more to do: let others have their turn */
    CONNECTION_ENDS,
};

enum connection_next connection_run(struct connection *connection);
/* Its deadline has passed. */
enum connection_next connection_overdue(struct connection *connection);
/* What it asked for, if it is ASKING; not OK: there is none. Copies the text and runs nothing: others may
 * have asked for the same. */
enum connection_next connection_answered(struct connection *connection, status_t status,
                                         const char *text, size_t length);
/* Frees what it holds, the socket too. */
void connection_close(struct connection *connection);
