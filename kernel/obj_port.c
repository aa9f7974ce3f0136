/* Ports: one place where a thread waits for everything.
 *
 * Nothing is allocated when something happens. Each kind of source has a list on the port; a thread
 * that waits gets the next item at once (port_poke), one that does not finds it at its next wait.
 * CLOSED alone may wait for a while although a thread waits (port_poke_soon).
 * Bindings are level-triggered: a binding is queued exactly while its object's level meets its
 * mask. Kinds take turns and each list is rotated, so no source starves another. Big lock; model of
 * the pending bits: tests/models/port.pml. */
#include "syscall_handlers.h"

#define CLOSED_DELAY                                                                               \
    1000000ull /* ns until CLOSED is delivered to a server that nothing else wakes */

static struct slab binding_slab = { .name = "binding",
                                    .size = sizeof(struct binding),
                                    .partial = LIST_INIT(binding_slab.partial) };

/* --- bindings -------------------------------------------------------------------------------- */

/* A pipe is readable only for those it admits; a port stays in its process, and that job pays. */
static uint64_t binding_level(const struct binding *binding)
{
    const struct object_class *class = object_classes[binding->object->type];
    uint64_t level = class->level(binding->object) & binding->mask;
    if (level && binding->object->type == SW_TYPE_PIPE) {
        const struct pipe *pipe = CONTAINER(binding->object, struct pipe, object);
        if (pipe->core->admitted && !pipe_admits(pipe->core, binding->payer))
            level &= ~(uint64_t)SW_PIPE_READABLE;
    }
    return level;
}

/* Queues or unqueues by the present level; true if it is queued. */
static bool binding_update(struct binding *binding)
{
    bool due = binding_level(binding) != 0;
    if (due && list_empty(&binding->queue_link))
        list_add_tail(&binding->port->pending, &binding->queue_link);
    else if (!due)
        list_remove(&binding->queue_link);
    return due;
}

status_t binding_create(struct job *payer, struct port *port, struct object *object, uint64_t mask,
                        uint64_t key, uint8_t event_kind, struct binding **out_binding)
{
    list_for_each (at, &object->bindings)
        if (CONTAINER(at, struct binding, object_link)->port == port)
            return SW_EXISTS;
    status_t status = job_charge(payer, CHARGE_MEMORY, sizeof(struct binding));
    if (status != SW_OK)
        return status;
    struct binding *binding = slab_allocate(&binding_slab, payer);
    if (!binding) {
        job_uncharge(payer, CHARGE_MEMORY, sizeof(struct binding));
        return SW_NO_MEMORY;
    }
    binding->port = port;
    binding->object = object;
    binding->mask = mask;
    binding->key = key;
    binding->event_kind = event_kind;
    binding->payer = payer;
    object_get(&payer->object);
    list_init(&binding->queue_link);
    list_add_tail(&port->bindings, &binding->port_link);
    list_add_tail(&object->bindings, &binding->object_link);
    *out_binding = binding;
    if (binding_update(binding))
        port_poke(port);
    return SW_OK;
}

void binding_destroy(struct binding *binding)
{
    if (binding->object->type == SW_TYPE_CHANNEL)
        CONTAINER(binding->object, struct channel, object)->watch = NULL;
    list_remove(&binding->queue_link);
    list_remove(&binding->port_link);
    list_remove(&binding->object_link);
    struct job *payer = binding->payer;
    slab_free(&binding_slab, binding);
    job_uncharge(payer, CHARGE_MEMORY, sizeof(struct binding));
    object_put(&payer->object);
}

void bindings_drop_object(struct object *object)
{
    while (!list_empty(&object->bindings))
        binding_destroy(list_first(&object->bindings, struct binding, object_link));
}

/* What is left at the port counts as waiting from now on, if it did not before and anybody watches. */
static void port_unheard(struct port *port)
{
    if (port->unheard_ns || !port->server || list_empty(&port->pending))
        return;
    list_for_each (at, &port->served) {
        struct channel *channel = CONTAINER(at, struct channel, port_all_link);
        if (channel->watch_limit) {
            port->unheard_ns = arch_now();
            channel_watch_arm(channel);
        }
    }
}

void object_signal(struct object *object)
{
    list_for_each_safe (at, after, &object->bindings) {
        struct binding *binding = CONTAINER(at, struct binding, object_link);
        if (binding_update(binding)) {
            port_poke(binding->port);
            port_unheard(binding->port);
        }
    }
}

/* --- delivery: one function for each kind of source, called when its list is not empty ------- */

status_t port_write_event(struct thread *thread, const struct sw_event *event)
{
    vaddr_t at = thread->wait_pointer + offsetof(struct sw_wait, event);
    void *to; /* most often it lies in one page; a thread that waits has a space */
    if (at % PAGE_SIZE > PAGE_SIZE - sizeof(*event) ||
        space_pointer(thread->process->space, at, SW_MAP_WRITE, &to) != SW_OK)
        return copy_to_process(thread->process, at, event, sizeof(*event));
    __builtin_memcpy(to, event, sizeof(*event));
    return SW_OK;
}

static status_t deliver_done(struct port *port, struct thread *thread)
{
    struct call *call = list_first(&port->done, struct call, done_link);
    struct sw_event event = { .kind = SW_EVENT_CALL_DONE, .key = call->key };
    status_t status = port_write_event(thread, &event);
    if (status != SW_OK)
        return status;
    list_remove(&call->done_link);
    return SW_OK;
}

static status_t deliver_pending(struct port *port, struct thread *thread)
{
    struct binding *binding = list_first(&port->pending, struct binding, queue_link);
    uint64_t level = binding_level(binding);
    if (!level) { /* falling just now: its signal comes after the poke that led here */
        list_remove(&binding->queue_link);
        return NOTHING;
    }
    struct sw_event event = {
        .kind = binding->event_kind, .bits = (uint32_t)level, .key = binding->key, .badge = level
    };
    if (binding->object->type == SW_TYPE_PROCESS)
        event.badge = (uint64_t)(int64_t)CONTAINER(binding->object, struct process, object)->status;
    status_t status = port_write_event(thread, &event);
    if (status != SW_OK)
        return status;
    list_remove(&binding->queue_link); /* to the end: the others come first next time */
    list_add_tail(&port->pending, &binding->queue_link);
    if (binding->event_kind == SW_EVENT_OVERDUE)
        channel_watch_told(CONTAINER(binding->object, struct channel, object));
    return SW_OK;
}

/* The server that was told of a closed connection asks for what comes next: it is done with it. */
static void closed_dealt_with(struct port *port)
{
    struct connection *connection = list_first(&port->closed, struct connection, closed_link);
    if (connection->told)
        connection_forget(connection);
}

static status_t deliver_closed(struct port *port, struct thread *thread)
{
    struct connection *connection = list_first(&port->closed, struct connection, closed_link);
    struct sw_event event = { .kind = SW_EVENT_CLOSED,
                              .key = connection->channel->key,
                              .badge = connection->badge };
    status_t status = port_write_event(thread, &event);
    if (status != SW_OK)
        return status;
    connection->told = true;
    return SW_OK;
}

static status_t deliver_message(struct port *port, struct thread *thread)
{
    while (!list_empty(&port->messages)) {
        struct channel *channel = list_first(&port->messages, struct channel, port_link);
        status_t result = call_deliver(channel, thread);
        if (result == SW_OK && !list_empty(&channel->port_link)) {
            list_remove(&channel->port_link);
            list_add_tail(&port->messages, &channel->port_link);
        }
        if (result != NOTHING)
            return result;
    }
    return NOTHING;
}

/* Bit k: kind k of source has something to deliver. */
static uint32_t port_waiting(const struct port *port)
{
    return (list_empty(&port->messages) ? 0 : 1u << 0) |
           (list_empty(&port->pending) ? 0 : 1u << 1) | (list_empty(&port->done) ? 0 : 1u << 2) |
           (list_empty(&port->closed) ? 0 : 1u << 3);
}

/* Delivers one item to the thread, of the first kind that has one, beginning with the one whose
 * turn it is. A kind that delivers nothing has become empty (a call that could not be delivered has
 * ended), but its end can be an item of another kind: that is why the port is asked again. */
static status_t port_deliver(struct port *port, struct thread *thread)
{
    static status_t (*const kinds[4])(struct port *, struct thread *) = {
        deliver_message,
        deliver_pending,
        deliver_done,
        deliver_closed,
    };
    uint32_t waiting;
    if (!list_empty(&port->closed))
        closed_dealt_with(port);
    while ((waiting = port_waiting(port)) != 0) {
        uint32_t from_turn = (waiting | waiting << 4) >> port->turn;
        uint32_t kind = (port->turn + (uint32_t)__builtin_ctz(from_turn)) & 3;
        status_t result = kinds[kind](port, thread);
        if (result != NOTHING) {
            port->turn = (kind + 1) & 3;
            return result;
        }
    }
    return NOTHING;
}

/* Ends the waiter's wait with what a delivery to it has come to. Delivering may end calls, and
 * their ends may poke the port again: the waiter is out of reach (port->waiter is NULL) meanwhile.
 */
static void waiter_delivered(struct port *port, struct thread *waiter, status_t result)
{
    if (result == NOTHING) {
        port->waiter = waiter;
        return;
    }
    waiter->wait_port = NULL;
    thread_wake_direct(waiter, result);
}

void port_poke(struct port *port)
{
    struct thread *waiter = port->waiter;
    if (!waiter)
        return;
    port->waiter = NULL;
    waiter_delivered(port, waiter, port_deliver(port, waiter));
}

static void closed_due(struct timer *timer)
{
    port_poke(CONTAINER(timer, struct port, closed_timer));
}

/* Nobody waits for what a server does about a closed connection. It is not worth a switch to the
 * server and back at each close: two thirds of what a client's open and close of a file cost. */
void port_poke_soon(struct port *port)
{
    if (port->waiter && !port->closed_timer.node.queued)
        timer_set(&port->closed_timer, arch_now() + CLOSED_DELAY, closed_due);
}

/* As a thread waits there is nothing else at the port, CLOSED excepted, which can wait: no need to
 * queue the channel and to choose. */
bool port_hand(struct port *port, struct channel *channel, struct call *call)
{
    struct thread *waiter = port->waiter;
    port->waiter = NULL;
    status_t result = call_hand(channel, call, waiter);
    waiter_delivered(port, waiter, result);
    if (result == NOTHING && port_waiting(port))
        port_poke(port);
    return result == SW_OK || result == NOTHING;
}

/* --- system calls ---------------------------------------------------------------------------- */

status_t sys_port_create(struct thread *thread, uint64_t *out_port)
{
    struct port *port;
    status_t status = object_create(SW_TYPE_PORT, thread->process->job, (void **)&port);
    if (status != SW_OK)
        return status;
    list_init(&port->bindings);
    list_init(&port->pending);
    list_init(&port->messages);
    list_init(&port->served);
    list_init(&port->done);
    list_init(&port->closed);
    list_init(&port->server_link);
    handle_t handle = 0;
    status = handle_install(thread->process, &port->object, class_port.all_rights, &handle);
    *out_port = handle;
    object_put(&port->object);
    return status;
}

status_t sys_port_wait(struct thread *thread, struct port *port, vaddr_t wait, uint64_t deadline)
{
    if (port->waiter)
        return SW_BUSY;
    _Static_assert(sizeof(thread->wait_room) == offsetof(struct sw_wait, event),
                   "the head of sw_wait");
    status_t status = copy_from_user(&thread->wait_room, wait, sizeof(thread->wait_room));
    if (status != SW_OK)
        return status;
    call_defer_all(thread);
    thread->busy_from = 0;
    port->unheard_ns = 0;
    if (port->server != thread) {
        port->server = thread;
        list_remove(&port->server_link);
        list_add_tail(&thread->ports, &port->server_link);
    }
    thread->wait_pointer = wait;
    if (port_waiting(port)) {
        status = port_deliver(port, thread);
        if (status != NOTHING) {
            port_unheard(port);
            if (!list_empty(&port->messages))
                call_lend_again(thread);
            return status;
        }
    }
    status = thread_block(thread, SW_WAIT_PORT, deadline);
    if (status == SYSCALL_BLOCKED) {
        port->waiter = thread;
        thread->wait_port = port;
    }
    return status;
}

void port_thread_gone(struct thread *thread)
{
    if (thread->wait_port && thread->wait_port->waiter == thread)
        thread->wait_port->waiter = NULL;
    thread->wait_port = NULL;
}

status_t sys_port_bind(struct thread *thread, struct port *port, struct handle_entry *entry,
                       uint64_t mask, uint64_t key)
{
    static const uint8_t kinds[16] = {
        [SW_TYPE_EVENT] = SW_EVENT_EVENT,       [SW_TYPE_PROCESS] = SW_EVENT_EXIT,
        [SW_TYPE_JOB] = SW_EVENT_EXIT,          [SW_TYPE_PIPE] = SW_EVENT_PIPE,
        [SW_TYPE_CONNECTION] = SW_EVENT_SERVER, [SW_TYPE_DEVICE] = SW_EVENT_INTERRUPT,
    };
    struct object *object = entry->object;
    if (!kinds[object->type] || !mask)
        return SW_INVALID;
    struct binding *binding;
    return binding_create(thread->process->job, port, object, mask, key, kinds[object->type],
                          &binding);
}

status_t sys_port_unbind(struct thread *thread, struct port *port, struct handle_entry *entry)
{
    (void)thread;
    list_for_each (at, &entry->object->bindings) {
        struct binding *binding = CONTAINER(at, struct binding, object_link);
        if (binding->port == port && binding->event_kind != SW_EVENT_OVERDUE) {
            binding_destroy(binding);
            return SW_OK;
        }
    }
    return SW_NOT_FOUND;
}

/* --- class ----------------------------------------------------------------------------------- */

/* Nobody can wait here any more. Posted calls that report here end unheard; channels served through
 * it lose their server. */
static void port_last_handle(struct object *object)
{
    struct port *port = CONTAINER(object, struct port, object);
    while (!list_empty(&port->bindings))
        binding_destroy(list_first(&port->bindings, struct binding, port_link));
    while (!list_empty(&port->served))
        channel_leave(list_first(&port->served, struct channel, port_all_link));
    if (port->waiter) { /* another thread closed it under the waiter */
        struct thread *waiter = port->waiter;
        port_thread_gone(waiter);
        thread_wake(waiter, SW_BAD_HANDLE);
    }
    timer_cancel(&port->closed_timer);
    list_remove(&port->server_link);
    port->server = NULL;
}

const struct object_class class_port = {
    .name = "port",
    .size = sizeof(struct port),
    .last_handle = port_last_handle,
    .all_rights = SW_RIGHT_READ | SW_RIGHT_DUPLICATE,
};
