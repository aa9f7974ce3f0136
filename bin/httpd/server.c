/* The event loop. See server.h.
 *
 * One port, one thread. A connection's event is bound once, for its life. It goes to sleep, until the
 * earliest deadline, only when no event is there and no connection has more to do: under load one wake
 * serves many connections. Connections that had more to do than their share take turns with events. */
#include "server.h"
#include "access_log.h"
#include "metrics.h"
#include <stdlib.h>
#include <swos/clock.h>
#include <swos/status.h>

#define KEY_LISTENER 0u
#define KEY_METRICS 2u
#define KEY_CONNECTIONS 4u /* one each */
#define BACKLOG 128u
#define EVENTS_A_TURN 64

static const uint64_t lasts[DEADLINE_KINDS] = {
    [DEADLINE_IDLE] = 60 * SW_SECOND,
    [DEADLINE_HEAD] = 10 * SW_SECOND,
    [DEADLINE_SEND] = 60 * SW_SECOND,
    [DEADLINE_DRAIN] = 5 * SW_SECOND,
};

static struct server_options options;
static handle_t port;
static struct sw_socket *listener;
static bool listener_bound;
static struct connection **connections; /* by number; NULL: free */
static uint32_t connection_count;
static struct {
    struct connection *first, *last;
} deadlines[DEADLINE_KINDS];
static struct connection *runnable, **runnable_last = &runnable;
static uint64_t waiting_since; /* of one who waits for a place; 0: nobody, as far as is known */
static uint64_t room_deadline = SW_NEVER; /* when that one may have a place */
static uint64_t now;
static int64_t wall;

uint64_t server_now(void)
{
    return now;
}

int64_t server_time(void)
{
    return wall;
}

bool server_details(void)
{
    return options.details;
}

static void clock_read(void)
{
    now = sw_clock_monotonic();
    wall = (int64_t)(sw_clock_wall() / SW_SECOND);
}

/* ------------------------------------------------------------------ deadlines */

static void deadline_end(struct connection *connection)
{
    uint32_t kind = connection->deadline_kind;

    if (kind == DEADLINE_NONE)
        return;
    if (connection->earlier)
        connection->earlier->later = connection->later;
    else
        deadlines[kind].first = connection->later;
    if (connection->later)
        connection->later->earlier = connection->earlier;
    else
        deadlines[kind].last = connection->earlier;
    connection->deadline_kind = DEADLINE_NONE;
}

void server_deadline(struct connection *connection, enum deadline kind)
{
    if (connection->deadline_kind == DEADLINE_IDLE)
        pace_begin(&connection->pace, now);
    deadline_end(connection);
    connection->deadline_kind = kind;
    if (kind == DEADLINE_NONE)
        return;
    connection->deadline = now + lasts[kind];
    connection->later = NULL;
    connection->earlier = deadlines[kind].last;
    if (connection->earlier)
        connection->earlier->later = connection;
    else
        deadlines[kind].first = connection;
    deadlines[kind].last = connection;
}

static uint64_t deadline_next(void)
{
    uint64_t next = room_deadline;

    for (int kind = 0; kind < DEADLINE_KINDS; kind++)
        if (deadlines[kind].first && deadlines[kind].first->deadline < next)
            next = deadlines[kind].first->deadline;
    return next;
}

/* ------------------------------------------------------------------ connections */

/* While there is no place for another connection the listener's event is not bound: it would be delivered
 * again and again. */
static void listener_watch(bool wanted)
{
    if (wanted == listener_bound)
        return;
    if (!wanted) {
        sw_port_unbind(port, sw_socket_event(listener));
        listener_bound = false;
        return;
    }
    listener_bound =
        sw_port_bind(port, sw_socket_event(listener), SW_SOCKET_FOR_PROGRAM, KEY_LISTENER) == SW_OK;
    /* One that could not be accepted is not announced again. */
    sw_event_update(sw_socket_event(listener), 0, SW_SOCKET_FOR_PROGRAM, NULL);
}

static void end(struct connection *connection)
{
    deadline_end(connection);
    sw_port_unbind(port, sw_socket_event(connection->socket));
    if (connection->runnable) {
        struct connection **link = &runnable;
        while (*link != connection)
            link = &(*link)->next_runnable;
        *link = connection->next_runnable;
        if (runnable_last == &connection->next_runnable)
            runnable_last = link;
    }
    connections[connection->index] = NULL;
    connection_count--;
    connection_close(connection);
    listener_watch(true);
}

static void follow(struct connection *connection, enum connection_next next)
{
    if (next == CONNECTION_ENDS) {
        end(connection);
    } else if (next == CONNECTION_GOES_ON && !connection->runnable) {
        connection->runnable = true;
        connection->next_runnable = NULL;
        *runnable_last = connection;
        runnable_last = &connection->next_runnable;
    }
}

/* Takes the socket. */
static status_t begin(struct sw_socket *socket, const struct sw_socket_address *from)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    uint32_t index = 0;
    status_t status = SW_NO_MEMORY;

    if (!connection)
        goto fail_socket;
    while (connections[index])
        index++;
    *connection = (struct connection){
        .index = index, .deadline_kind = DEADLINE_NONE, .socket = socket, .from = *from
    };
    status =
        sw_port_bind(port, sw_socket_event(socket), SW_SOCKET_FOR_PROGRAM, KEY_CONNECTIONS + index);
    if (status != SW_OK)
        goto fail_connection;
    connections[index] = connection;
    connection_count++;
    server_deadline(connection, DEADLINE_IDLE);
    follow(connection, connection_run(connection));
    return SW_OK;

fail_connection:
    free(connection);
fail_socket:
    sw_socket_close(socket);
    return status;
}

/* ------------------------------------------------------------------ listener */

static status_t listen_begin(void)
{
    status_t status = sw_socket_listen(&options.at, BACKLOG, &listener, NULL);

    if (status != SW_OK)
        return status;
    listener_watch(true);
    access_log("listening on %d", (int)options.at.port);
    access_log_flush();
    return SW_OK;
}

/* netd's successor could not go on with the listener. */
static status_t listen_again(void)
{
    listener_watch(false);
    sw_socket_close(listener);
    access_log("the network lost the port");
    return listen_begin();
}

/* Who leaves a full house for another: the one that has been idle for longest, or else the one that
 * has a request or a response under way and is the first whose time is over (pace.h); others are done soon.
 * NULL: nobody before *out_next. */
static struct connection *leaver(uint64_t *out_next)
{
    struct connection *slowest = NULL;
    uint64_t ends = SW_NEVER;

    *out_next = SW_NEVER;
    if (deadlines[DEADLINE_IDLE].first)
        return deadlines[DEADLINE_IDLE].first;
    for (uint32_t i = 0; i < options.connections; i++) {
        struct connection *connection = connections[i];
        if (!connection || (connection->state != READING && connection->state != SENDING))
            continue;
        uint64_t time = pace_ends(&connection->pace, waiting_since);
        if (!slowest || time < ends ||
            (time == ends && connection->pace.mark < slowest->pace.mark)) {
            slowest = connection;
            ends = time;
        }
    }
    if (slowest && ends <= now)
        return slowest;
    *out_next = ends;
    return NULL;
}

/* One connection an event: netd sets it again while more wait. In a full house one leaves for it, or it
 * waits. */
static status_t accept_one(void)
{
    struct sw_socket_address from;
    struct sw_socket *socket;
    struct connection *leaves = NULL;

    room_deadline = SW_NEVER;
    if (connection_count == options.connections) {
        if (!waiting_since)
            waiting_since = now;
        if (!(leaves = leaver(&room_deadline))) {
            listener_watch(false);
            return SW_OK;
        }
    }
    status_t status = sw_socket_accept(listener, 0, 0, &socket, &from);
    waiting_since = 0;
    if (status == SW_OK && leaves) {
        if (leaves->deadline_kind != DEADLINE_IDLE)
            access_log("a client that takes too little gives its place to another");
        end(leaves);
    }
    if (status == SW_OK)
        status = begin(socket, &from);
    else if (status == SW_RESET)
        return listen_again();
    if (status != SW_OK && status != SW_TIMED_OUT)
        access_log("a connection is refused: %s", sw_status_text(status));
    /* Where it is memory that lacks it would be accepted again at once: it waits for another's end. */
    if (status != SW_OK && status != SW_TIMED_OUT && connection_count > 0)
        listener_watch(false);
    return SW_OK;
}

/* ------------------------------------------------------------------ the loop */

/* All who asked get their copies before any of them goes on and asks again, into the same page. */
static void on_metrics(void)
{
    const char *text;
    size_t length;
    status_t status;

    if (!metrics_take(&status, &text, &length))
        return;
    for (uint32_t i = 0; i < options.connections; i++)
        if (connections[i])
            follow(connections[i], connection_answered(connections[i], status, text, length));
}

static status_t on_event(const struct sw_event *event)
{
    struct connection *connection;
    uint64_t index;

    if (event->key == KEY_LISTENER)
        return accept_one();
    if (event->key == KEY_METRICS) {
        on_metrics();
        return SW_OK;
    }
    index = event->key - KEY_CONNECTIONS;
    if (index < options.connections && (connection = connections[index]))
        follow(connection, connection_run(connection));
    return SW_OK;
}

static void run_overdue(void)
{
    for (int kind = 0; kind < DEADLINE_KINDS; kind++) {
        struct connection *connection;
        while ((connection = deadlines[kind].first) && connection->deadline <= now)
            follow(connection, connection_overdue(connection));
    }
    if (room_deadline <= now) {
        room_deadline = SW_NEVER;
        listener_watch(true);
    }
}

static void run_runnable(void)
{
    struct connection *connection = runnable;

    runnable = NULL;
    runnable_last = &runnable;
    while (connection) {
        struct connection *next = connection->next_runnable;
        connection->runnable = false;
        follow(connection, connection_run(connection));
        connection = next;
    }
}

status_t server_run(const struct server_options *wanted)
{
    status_t status;

    options = *wanted;
    connections = calloc(options.connections, sizeof(*connections));
    if (!connections)
        return SW_NO_MEMORY;
    if ((status = sw_port_create(&port)) != SW_OK || (status = listen_begin()) != SW_OK)
        return status;
    metrics_open(port, KEY_METRICS);
    for (;;) {
        struct sw_wait wait = { 0 };
        uint64_t deadline = runnable ? 0 : deadline_next();

        if (access_log_deadline() < deadline)
            deadline = access_log_deadline();
        status = sw_port_wait(port, &wait, deadline);
        clock_read();
        for (int i = 0; status == SW_OK; i++) {
            if ((status = on_event(&wait.event)) != SW_OK)
                return status;
            if (!runnable || i == EVENTS_A_TURN)
                break;
            status = sw_port_wait(port, &wait, 0);
        }
        if (status != SW_OK && status != SW_TIMED_OUT && status != SW_INTERRUPTED)
            return status;
        run_runnable();
        run_overdue();
        if (now >= access_log_deadline())
            access_log_flush();
    }
}
