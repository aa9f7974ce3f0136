/* Channels and connections: who serves, who may call, and what happens when the server changes.
 *
 * A channel outlives its servers. Each new server raises the generation; a connection that has
 * accepted an older one is refused with SERVER_REPLACED until connection_accept. Connections
 * reference their channel; the channel lists them without references. Big lock. */
#include "log.h"
#include "syscall_handlers.h"

#define WATCH_GRACE_LEAST 16 /* of the limit, see channel_watch_over */

/* Nobody can serve the channel any more: waiting calls fail, unheard CLOSED notices are dropped. */
static void channel_orphaned(struct channel *channel)
{
    channel_fail_calls(channel, SW_PEER_CLOSED, 0);
    list_for_each (at, &channel->connections) {
        struct connection *connection = CONTAINER(at, struct connection, channel_link);
        if (connection->closed)
            connection_forget(connection);
    }
}

/* Its server's CPU time is measured by another of its watched channels from now on, if it has one. */
static void channel_unwatched(struct channel *channel)
{
    struct process *server = channel->server;
    if (!server || server->watched != channel)
        return;
    server->watched = NULL;
    list_for_each (at, &server->served) {
        struct channel *other = CONTAINER(at, struct channel, server_link);
        if (other != channel && other->watch_limit)
            server->watched = other;
    }
}

/* The server is gone or leaves: nothing it had received is answered any more; waiting calls wait
 * for the successor, unless nobody can become one. */
void channel_leave(struct channel *channel)
{
    list_remove(&channel->server_link);
    list_remove(&channel->port_link);
    list_remove(&channel->port_all_link);
    struct thread *thread = channel->port->server;
    channel_unwatched(channel);
    channel->server = NULL;
    channel->port = NULL;
    if (thread) /* what waits here waits for another server now */
        call_lend_again(thread);
    channel_fail_received(channel);
    list_for_each (at, &channel->connections) {
        struct connection *connection = CONTAINER(at, struct connection, channel_link);
        list_remove(&connection->closed_link);
        connection->told = false; /* the successor is told again */
        connection->pending |= 1;
        object_signal(&connection->object);
    }
    if (channel->orphan)
        channel_orphaned(channel);
}

void ipc_process_gone(struct process *process)
{
    while (!list_empty(&process->served))
        channel_leave(list_first(&process->served, struct channel, server_link));
}

status_t sys_channel_create(struct thread *thread, uint64_t *out_channel)
{
    struct channel *channel;
    status_t status = object_create(SW_TYPE_CHANNEL, thread->process->job, (void **)&channel);
    if (status != SW_OK)
        return status;
    list_init(&channel->server_link);
    list_init(&channel->port_link);
    list_init(&channel->port_all_link);
    list_init(&channel->calls);
    list_init(&channel->received);
    list_init(&channel->connections);
    handle_t handle = 0;
    status = handle_install(thread->process, &channel->object, class_channel.all_rights, &handle);
    *out_channel = handle;
    object_put(&channel->object);
    return status;
}

/* The server has the whole limit from now on, in time and in CPU time. */
static void channel_watch_begin(struct channel *channel)
{
    channel->watch_since = arch_now();
    channel->watch_grace = channel->watch_limit;
    if (channel->port && channel->port->server)
        channel->port->server->busy_from = 0;
}

status_t sys_channel_serve(struct thread *thread, struct channel *channel, struct port *port,
                           uint64_t key)
{
    if (channel->server)
        return SW_BUSY;
    channel->server = thread->process;
    channel->port = port;
    channel->key = key;
    channel->generation++;
    if (channel->generation == 0) /* 0 means "none accepted" */
        channel->generation = 1;
    list_add_tail(&thread->process->served, &channel->server_link);
    list_add_tail(&port->served, &channel->port_all_link);
    /* Calls that waited belong to the old server's clients, except of those who have seen none. */
    channel_fail_calls(channel, SW_SERVER_REPLACED, channel->generation);
    if (!list_empty(&channel->calls)) {
        list_add_tail(&port->messages, &channel->port_link);
        if (port->server)
            call_lend_again(port->server);
    }
    channel_watch_begin(channel);
    if (channel->watch_limit)
        thread->process->watched = channel;
    list_for_each (at, &channel->connections) {
        struct connection *connection = CONTAINER(at, struct connection, channel_link);
        if (connection->accepted && connection->accepted != channel->generation) {
            connection->pending |= 2;
            object_signal(&connection->object);
        }
        connection_settle(connection);
    }
    port_poke(port);
    return SW_OK;
}

status_t sys_channel_leave(struct thread *thread, struct channel *channel)
{
    if (channel->server != thread->process)
        return SW_BAD_STATE;
    channel_leave(channel);
    return SW_OK;
}

/* --- overdue watch --------------------------------------------------------------------------- */

/* Since when the oldest call waits for delivery or for an answer without having been deferred, or an
 * event waits at the port and the server has not been there; 0: none. Without the events nobody would
 * find a driver that stands still: its interrupts and rings wait, but nobody calls it. */
static uint64_t channel_oldest(const struct channel *channel)
{
    uint64_t oldest = 0;
    if (!list_empty(&channel->calls))
        oldest = list_first(&channel->calls, struct call, channel_link)->posted_ns;
    list_for_each (at, &channel->received) {
        const struct call *call = CONTAINER(at, struct call, channel_link);
        if (!call->deferred && (!oldest || call->posted_ns < oldest))
            oldest = call->posted_ns;
    }
    uint64_t unheard = channel->port ? channel->port->unheard_ns : 0;
    return unheard && (!oldest || unheard < oldest) ? unheard : oldest;
}

/* When the channel is overdue if nothing happens; SW_NEVER: nothing waits. A new server, one whose
 * delay was reported, and one whose watch was begun anew has the whole limit from then on; see also
 * channel_watch_over. */
static uint64_t channel_due(const struct channel *channel)
{
    uint64_t oldest = channel_oldest(channel);
    if (!oldest)
        return SW_NEVER;
    bool waited = oldest <= channel->watch_since;
    uint64_t since = waited ? channel->watch_since : oldest;
    uint64_t limit = waited ? channel->watch_grace : channel->watch_limit;
    return limit < SW_NEVER - since ? since + limit : SW_NEVER;
}

/* Another watcher takes over. It may be the one before that made calls wait, so what waits has the
 * limit again; but what waited under the one before that, too, has half of what it had: watchers that
 * die more often than the limit passes do not keep a server that hangs from being found. */
static void channel_watch_over(struct channel *channel, uint64_t limit)
{
    uint64_t oldest = channel_oldest(channel), grace = limit;
    if (oldest && oldest <= channel->watch_since) {
        grace = channel->watch_grace / 2;
        if (grace < limit / WATCH_GRACE_LEAST)
            grace = limit / WATCH_GRACE_LEAST;
        grace = grace < limit ? grace : limit;
    }
    channel->watch_since = arch_now();
    channel->watch_grace = grace;
}

static void channel_watch_expired(struct timer *timer)
{
    struct channel *channel = CONTAINER(timer, struct channel, watch_timer);
    uint64_t due = channel_due(channel);
    if (due > arch_now()) {
        timer_set(&channel->watch_timer, due, channel_watch_expired);
        return;
    }
    channel_watch_raise(channel);
}

void channel_watch_raise(struct channel *channel)
{
    channel->overdue = true;
    object_signal(&channel->object);
}

void channel_watch_arm(struct channel *channel)
{
    if (!channel->watch_timer.node.queued && !channel->overdue)
        timer_set(&channel->watch_timer, channel_due(channel), channel_watch_expired);
}

void channel_watch_told(struct channel *channel)
{
    channel->overdue = false;
    channel_watch_begin(channel);
    object_signal(&channel->object);
    channel_watch_arm(channel);
}

status_t sys_channel_watch(struct thread *thread, struct channel *channel, uint64_t limit,
                           struct port *port, uint64_t key)
{
    struct binding *binding = NULL;
    bool again = false;
    if (limit && port && channel->watch && channel->watch->port == port) {
        again = true;
        binding = channel->watch;
        binding->key = key;
        channel->watch = NULL;
    } else if (limit && port) {
        status_t status = binding_create(thread->process->job, port, &channel->object, 1, key,
                                         SW_EVENT_OVERDUE, &binding);
        if (status != SW_OK)
            return status;
    }
    if (channel->watch)
        binding_destroy(channel->watch);
    channel->watch = binding;
    if (binding && !channel->watch_limit) { /* what waits already is watched from now on */
        uint64_t now = arch_now();
        list_for_each (at, &channel->calls)
            CONTAINER(at, struct call, channel_link)->posted_ns = now;
        list_for_each (at, &channel->received)
            CONTAINER(at, struct call, channel_link)->posted_ns = now;
    }
    if (binding && !again && channel->watch_limit) {
        channel_watch_over(channel, limit);
        channel->watch_limit = limit;
    } else {
        channel->watch_limit = binding ? limit : 0;
        channel_watch_begin(channel);
    }
    channel_unwatched(channel);
    if (binding && channel->server) {
        struct thread *server = channel->port->server;
        channel->server->watched = channel;
        if (server && server->state == THREAD_RUNNING)
            sched_poke(server); /* when to look at it is programmed at a switch */
    }
    timer_cancel(&channel->watch_timer);
    channel->overdue = false;
    object_signal(&channel->object);
    if (binding)
        channel_watch_arm(channel);
    return SW_OK;
}

/* --- connections ----------------------------------------------------------------------------- */

status_t sys_connection_create(struct thread *thread, struct channel *channel, uint64_t badge,
                               uint64_t *out_connection)
{
    struct connection *connection;
    status_t status = object_create(SW_TYPE_CONNECTION, thread->process->job, (void **)&connection);
    if (status != SW_OK)
        return status;
    list_init(&connection->closed_link);
    connection->channel = channel;
    object_get(&channel->object);
    connection->badge = badge;
    connection->known = channel->server == thread->process;
    list_add_tail(&channel->connections, &connection->channel_link);
    handle_t handle = 0;
    status =
        handle_install(thread->process, &connection->object, class_connection.all_rights, &handle);
    *out_connection = handle;
    object_put(&connection->object);
    return status;
}

status_t sys_connection_accept(struct thread *thread, struct connection *connection)
{
    (void)thread;
    connection->accepted = connection->channel->generation;
    connection->pending = 0;
    object_signal(&connection->object);
    return SW_OK;
}

void connection_settle(struct connection *connection)
{
    struct port *port = connection->channel->port;
    if (!connection->closed || connection->active)
        return;
    /* Not kept for a server to come, or what clients open and close would pile up meanwhile. */
    if (!connection->known) {
        connection_forget(connection);
        return;
    }
    if (!port || !list_empty(&connection->closed_link))
        return;
    list_add_tail(&port->closed, &connection->closed_link);
    port_poke_soon(port);
}

void connection_forget(struct connection *connection)
{
    list_remove(&connection->closed_link);
    connection->closed = false;
    object_put(&connection->object);
}

/* A server that knows it hears of it once, now or when there is one; until then the connection stays. */
static void connection_last_handle(struct object *object)
{
    struct connection *connection = CONTAINER(object, struct connection, object);
    if (connection->channel->orphan && !connection->channel->server)
        return; /* nobody will ever ask */
    connection->closed = true;
    object_get(object); /* dropped by connection_forget */
    connection_settle(connection);
}

static void connection_destroy(struct object *object)
{
    struct connection *connection = CONTAINER(object, struct connection, object);
    list_remove(&connection->closed_link);
    list_remove(&connection->channel_link);
    object_put(&connection->channel->object);
}

static uint64_t connection_level(struct object *object)
{
    return CONTAINER(object, struct connection, object)->pending;
}

/* --- channel class --------------------------------------------------------------------------- */

static void channel_last_handle(struct object *object)
{
    struct channel *channel = CONTAINER(object, struct channel, object);
    channel->orphan = true;
    if (channel->server)
        return; /* the present server goes on to the end of its life */
    channel_orphaned(channel);
}

/* It may still be served: then neither a handle nor a connection is left, and nothing can come. */
static void channel_destroy(struct object *object)
{
    struct channel *channel = CONTAINER(object, struct channel, object);
    channel_unwatched(channel);
    list_remove(&channel->server_link);
    list_remove(&channel->port_link);
    list_remove(&channel->port_all_link);
    timer_cancel(&channel->watch_timer);
    ASSERT(list_empty(&channel->calls) && list_empty(&channel->received));
}

static uint64_t channel_level(struct object *object)
{
    return CONTAINER(object, struct channel, object)->overdue;
}

const struct object_class class_channel = {
    .name = "channel",
    .size = sizeof(struct channel),
    .last_handle = channel_last_handle,
    .destroy = channel_destroy,
    .level = channel_level,
    .all_rights =
        SW_RIGHT_SERVE | SW_RIGHT_MANAGE | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER | SW_RIGHT_BIND,
};

const struct object_class class_connection = {
    .name = "connection",
    .size = sizeof(struct connection),
    .last_handle = connection_last_handle,
    .destroy = connection_destroy,
    .level = connection_level,
    .all_rights = SW_RIGHT_CALL | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER | SW_RIGHT_BIND,
};
