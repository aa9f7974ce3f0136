/* Channels, connections, calls, ports, bindings, events, pipes.
 *
 * Life of a call (model: tests/models/call.pml). All transitions happen under the big lock.
 *   IDLE      no request
 *   POSTED    queued on the channel in arrival order, or with no server yet
 *   RECEIVED  delivered; named by token (index, generation); `server` is the process that has it
 *   DONE      result in status, reply_length, received (posted calls only; a thread's own call goes
 *             from RECEIVED or POSTED to IDLE as the thread is woken)
 * Whoever takes a call out of POSTED or RECEIVED raises its generation, so every token of before is
 * refused with CALLER_GONE. Handles in flight are held by `sent` from post to delivery. */
#pragma once
#include "heap.h"
#include "job.h"
#include "object.h"

extern const struct object_class class_call, class_channel, class_connection, class_port,
    class_event, class_pipe;

struct job;
struct process;
struct thread;
struct port;
struct channel;

/* A port's view of one source. Allocated at bind; one pending word; queued on the port while
 * pending & mask is not 0. Never allocated or freed by signalling. */
struct binding {
    struct list port_link;   /* port->bindings */
    struct list object_link; /* object->bindings */
    struct list queue_link;  /* port->pending while queued */
    struct port *port;
    struct object *object;
    uint64_t mask, key;
    struct job *payer;  /* referenced */
    uint8_t event_kind; /* SW_EVENT_* */
};
/* EXISTS when the port has a binding of the object; QUOTA, NO_MEMORY. Queued at once if due. */
status_t binding_create(struct job *payer, struct port *port, struct object *object, uint64_t mask,
                        uint64_t key, uint8_t event_kind, struct binding **out_binding);
void binding_destroy(struct binding *binding);

struct port {
    struct object object;
    struct list bindings;
    struct list pending;  /* struct binding.queue_link */
    struct list messages; /* struct channel.port_link: served channels with POSTED calls */
    struct list served;   /* struct channel.port_all_link */
    struct list done;     /* struct call.done_link: posted calls that are DONE, not yet delivered */
    struct list closed;   /* struct connection.closed_link: CLOSED to deliver */
    struct timer closed_timer; /* runs while a thread waits that was not yet told of them */
    struct thread *waiter;
    struct thread *server;   /* waited here last: calls that wait at the port lend it their bands */
    struct list server_link; /* thread->ports */
    uint64_t unheard_ns;     /* since when the server has left something at the port, for a watch of
                                what it serves; 0: since never, or nobody watches */
    uint8_t turn;            /* kind of source to look at first: no kind starves another */
};

struct channel {
    struct object object;
    struct process *server;    /* NULL: none now */
    struct list server_link;   /* process->served */
    struct port *port;         /* where calls go; NULL without server */
    struct list port_link;     /* port->messages while calls wait */
    struct list port_all_link; /* port->served */
    uint64_t key;
    uint32_t generation;  /* raised by each new server */
    struct list calls;    /* struct call.channel_link, POSTED, oldest first */
    uint32_t waiting[3];  /* how many of them of bands 1 to 3 */
    struct list received; /* struct call.channel_link, RECEIVED */
    struct list connections;
    /* overdue watch */
    uint64_t watch_limit;
    struct binding *watch; /* OVERDUE at its port, level `overdue` */
    struct timer watch_timer;
    uint64_t watch_since; /* when the server or the watch came, or the last delay was told */
    uint64_t watch_grace; /* what a call that waited then may wait from then on */
    bool overdue;         /* level of the watch until it is told */
    bool orphan; /* last handle went: nobody can serve it any more once the server is gone */
};

struct connection {
    struct object object;
    struct channel *channel; /* referenced */
    struct list channel_link;
    struct list closed_link; /* port->closed or channel-less: waiting for a server */
    uint64_t badge;
    uint32_t accepted; /* generation last accepted; 0: takes the first server silently */
    bool known;        /* a server made it, or got a message from it */
    bool closed;       /* last handle went; a server has not yet dealt with CLOSED: referenced */
    bool told;         /* CLOSED was delivered and the server has not come back for what is next: it
                          may die before it did what it must. Still first in port->closed */
    uint32_t active;   /* calls not IDLE or DONE on it; CLOSED waits for 0 */
    uint64_t pending;  /* 1 died, 2 replaced: level for bound ports until accept */
};

enum call_state { CALL_IDLE, CALL_POSTED, CALL_RECEIVED, CALL_DONE };

struct sent_handle {
    struct object *object; /* held */
    uint32_t rights;
};

struct call {
    struct object object;    /* type CALL; unused (zero) in a thread's own call */
    struct thread *thread;   /* own call: its thread; posted: NULL */
    struct process *process; /* whose buffers; posted calls hold a reference while not IDLE */
    enum call_state state;
    bool deferred; /* server went on to other things without answering */
    uint8_t band;  /* lent to the server while it waits at its port or is handled */
    uint8_t sent_count;
    uint32_t index; /* slot of the call table; the slot holds the generation: token = generation <<
                       16 | index */
    struct connection *connection; /* referenced while not IDLE */
    struct list channel_link, handler_link;
    struct thread *handler; /* server thread that handles it, NULL when deferred */
    struct process *server; /* RECEIVED: who has it */
    vaddr_t user;           /* user address of struct sw_call: where reply facts go (own call) */
    struct sw_call buffers; /* copied and checked at post */
    struct sent_handle sent[SW_HANDLES_MAX];
    uint64_t posted_ns; /* for the channel's watch, while it has one */
    struct timer timer; /* posted calls: deadline */
    /* posted calls */
    struct port *port; /* referenced from post until collected */
    uint64_t key;
    struct list done_link;
    status_t status;
    uint32_t reply_length, received_count;
    struct sent_handle received[SW_HANDLES_MAX]; /* held until collected */
};

/* Index for tokens; every call object and every thread's own call has one from creation on.
 * NO_MEMORY, also at the reserve for the payer. */
status_t call_index_allocate(struct call *call, const struct job *payer);
void call_index_free(struct call *call);
status_t call_init_own(struct thread *thread); /* sets up thread->call; NO_MEMORY */

/* A thread or process ends: its own call leaves whatever state it is in; calls it has received end
 * with PEER_DIED; channels it served lose their server. */
void call_thread_gone(struct thread *thread);
void ipc_process_gone(struct process *process);
/* Ends a blocked own call: TIMED_OUT/INTERRUPTED when POSTED, UNKNOWN_OUTCOME when RECEIVED.
 * Returns the status to give to the thread. */
status_t call_abandon(struct call *call, status_t status);
/* Ends the wait of a thread blocked in port_wait or on a pipe; x0 is written by the caller. */
void port_thread_gone(struct thread *thread);

/* trace.c; part of the event whose last handle ends it. */
struct trace {
    struct process *process; /* NULL: there is no trace */
    struct memory *memory;   /* referenced */
    uint64_t capacity, head;
    uint64_t lost; /* records that found no room since the last one that did */
    struct work work;
};

struct event {
    struct object object;
    uint64_t bits;
    struct trace trace; /* that it tells of */
};
void event_set(struct event *event, uint64_t bits);

/* The object's level may have changed: queues or unqueues its bindings. */
void object_signal(struct object *object);
/* Something waits at the port: delivers it if a thread waits there. */
void port_poke(struct port *port);
/* CLOSED waits at the port: delivered with the server's next event, or soon by itself. */
void port_poke_soon(struct port *port);
/* Gives a call of the channel, which is not queued yet, to the thread that waits at the port.
 * False: it could not take the call, which is to be queued. */
bool port_hand(struct port *port, struct channel *channel, struct call *call);
/* Delivers the oldest call of the channel to the thread that waits (or is about to) with its
 * sw_wait. */
/* Delivers one call, queued or not; NOTHING: it has ended instead. */
status_t call_hand(struct channel *channel, struct call *call, struct thread *receiver);
#define NOTHING                                                                                    \
    1 /* there is nothing to deliver; an error is the receiver's own: its memory refuses */
status_t call_deliver(struct channel *channel, struct thread *receiver);
/* Whether traces may show what is answered to a call the process has. Of one that has ended nobody knows
 * any more, and its answer reaches nobody. */
bool call_may_be_shown(uint64_t token, const struct process *server);
/* A server thread waits again: calls it did not answer are deferred from now on. */
void call_defer_all(struct thread *thread);
/* lend.c: sets what is lent to a thread; recomputes it from the calls it handles and those that
 * wait for it. */
void thread_lend(struct thread *thread, uint8_t band);
void call_lend_again(struct thread *thread);
/* CLOSED is due once the last handle and the last call are gone: queues it at the server's port. A
 * connection that no server knows just goes. */
void connection_settle(struct connection *connection);
/* CLOSED was delivered, or nobody will ever hear it: drops the reference kept for it. */
void connection_forget(struct connection *connection);
/* A call waits, or an event the server does not come for: makes sure the channel's watch timer runs. */
void channel_watch_arm(struct channel *channel);
/* Raises OVERDUE at the watch's port. */
void channel_watch_raise(struct channel *channel);
/* OVERDUE was delivered: the next one comes when the limit has passed again. */
void channel_watch_told(struct channel *channel);
/* Ends the channel's posted calls, those of connections that accepted keep_generation (if not 0) or
 * nothing yet excepted. */
void channel_fail_calls(struct channel *channel, status_t status, uint32_t keep_generation);
/* Calls the leaving server has received end with PEER_DIED. */
void channel_fail_received(struct channel *channel);
/* Writes the event into the waiting thread's sw_wait. */
status_t port_write_event(struct thread *thread, const struct sw_event *event);
/* The calling server loses the channel: received calls end with PEER_DIED. */
void channel_leave(struct channel *channel);
/* Removes all bindings of an object that goes away; of a port that goes away. */
void bindings_drop_object(struct object *object);

/* One end of a pipe is one object; both share the core. */
struct pipe_core {
    struct pipe *ends[2];          /* 0 reader, 1 writer; NULL: closed */
    uint32_t users;                /* ends not yet destroyed */
    struct job *payer;             /* referenced */
    struct memory *memory;         /* buffer, `capacity` bytes, committed page by page */
    uint64_t capacity, head, tail; /* byte counts: head written, tail read */
    uint64_t taken;                /* what tail had come to when the ring was last empty */
    struct job *admitted;   /* referenced: who may read, besides the payer; NULL: everybody */
    bool directly;          /* of it, not of jobs below */
    bool records;           /* each record is preceded in the buffer by its u32 length */
    uint32_t users_last[2]; /* pid of who read and who wrote last */
    struct list waiting[2]; /* struct thread.wait_link: readers, writers */
};
struct pipe {
    struct object object;
    struct pipe_core *core;
    uint8_t end;
};
void pipe_core_free(struct pipe_core *core);
/* Whether processes of the job may read. */
bool pipe_admits(const struct pipe_core *core, const struct job *job);
void pipe_thread_gone(struct thread *thread);
