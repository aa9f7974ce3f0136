/* Calls: posting, delivery, reply, cancellation. The life cycle stands in ipc.h; its model is
 * tests/models/call.pml.
 *
 * Invariants, all under the big lock:
 *  - a call is on channel->calls exactly while POSTED, on channel->received exactly while RECEIVED;
 *  - a slot's generation is raised whenever a call leaves RECEIVED, so a token names at most one
 *    delivery for ever;
 *  - thread->call of a thread that is not blocked in SW_WAIT_CALL or SW_WAIT_REPLY is IDLE.
 * Handles named in a request are held from post on; a moved one leaves the sender's table in the
 * same step as it is installed in the receiver's. */
#include "log.h"
#include "syscall_handlers.h"

#define CALL_PIECE (256 * 1024) /* bytes call_read and call_write copy in one go under the lock */

/* --- tokens ---------------------------------------------------------------------------------- */

struct call_slot {
    struct call *call; /* NULL: free */
    /* generation << SLOT_BITS, what its next token begins with; below it, of a free slot, the index
     * of the next free one. 48 bits of generation outlast any machine. */
    uint64_t next;
};

#define SLOT_BITS 16
#define SLOT_MASK ((1u << SLOT_BITS) - 1)
#define SLOT_NONE SLOT_MASK
#define SLOT_GENERATION (1ull << SLOT_BITS)
#define SLOTS_PER_PAGE (PAGE_SIZE / sizeof(struct call_slot))
#define SLOT_PAGES 256

/* Pages of slots are not given back. A slot carries the generation its next token continues from,
 * also while it is free; and a page that can go would cost each reply a look whether it is there,
 * and each call object a free list by page. What stays is 16 bytes for each call there ever was at
 * once, of which a call object takes thirty times as much: 1 MiB at most. */
static struct call_slot *slot_pages[SLOT_PAGES];
static uint32_t slot_page_count, slot_free = SLOT_NONE;

static struct call_slot *slot_at(uint32_t index)
{
    return &slot_pages[index / SLOTS_PER_PAGE][index % SLOTS_PER_PAGE];
}

static void slot_put(uint32_t index)
{
    struct call_slot *slot = slot_at(index);

    slot->call = NULL;
    slot->next = (slot->next & ~(uint64_t)SLOT_MASK) | slot_free;
    slot_free = index;
}

status_t call_index_allocate(struct call *call, const struct job *payer)
{
    if (slot_free == SLOT_NONE) {
        if (slot_page_count == SLOT_PAGES)
            return SW_NO_MEMORY;
        paddr_t page = job_may_take(payer) ? page_allocate_zero() : 0;
        if (!page)
            return SW_NO_MEMORY;
        slot_pages[slot_page_count] = page_pointer(page);
        uint32_t base = slot_page_count++ * SLOTS_PER_PAGE;
        for (uint32_t index = base + SLOTS_PER_PAGE; index-- > base;) {
            slot_at(index)->next = SLOT_GENERATION; /* no token is 0 */
            if (index != SLOT_NONE)
                slot_put(index);
        }
    }
    call->index = slot_free;
    struct call_slot *slot = slot_at(slot_free);
    slot_free = (uint32_t)slot->next & SLOT_MASK;
    slot->call = call;
    return SW_OK;
}

void call_index_free(struct call *call)
{
    slot_at(call->index)->next += SLOT_GENERATION;
    slot_put(call->index);
}

static uint64_t call_token(const struct call *call)
{
    return (slot_at(call->index)->next & ~(uint64_t)SLOT_MASK) | call->index;
}

/* The call a token names, if this process has it and has not answered it. NULL: CALLER_GONE; the
 * answer is the same for forged, stale and foreign tokens. */
static struct call *call_by_token(uint64_t token, const struct process *server)
{
    uint32_t index = (uint32_t)token & SLOT_MASK;
    if (index >= slot_page_count * SLOTS_PER_PAGE)
        return NULL;
    const struct call_slot *slot = slot_at(index);
    if (!slot->call || (slot->next ^ token) >> SLOT_BITS || slot->call->state != CALL_RECEIVED ||
        slot->call->server != server)
        return NULL;
    return slot->call;
}

bool call_may_be_shown(uint64_t token, const struct process *server)
{
    const struct call *call = call_by_token(token, server);
    return call && !(call->buffers.flags & SW_CALL_SECRET);
}

/* A call that lent its band is gone. */
static inline void lend_less(struct thread *thread)
{
    if (thread->lent)
        call_lend_again(thread);
}

/* --- leaving states -------------------------------------------------------------------------- */

static void call_drop_sent(struct call *call)
{
    for (uint32_t i = 0; i < call->sent_count; i++)
        object_unhold(call->sent[i].object);
    call->sent_count = 0;
}

/* Takes the call, which is POSTED, out of its channel's queue if it is there. */
static void call_unqueue(struct call *call, struct channel *channel)
{
    if (list_empty(&call->channel_link))
        return;
    list_remove(&call->channel_link);
    if (call->band)
        channel->waiting[call->band - 1]--;
}

/* Takes the call out of POSTED or RECEIVED. The connection's last act may be its CLOSED. */
static void call_detach(struct call *call)
{
    struct connection *connection = call->connection;
    struct channel *channel = connection->channel;
    if (call->state == CALL_POSTED) {
        call_drop_sent(call);
        call_unqueue(call, channel);
        if (list_empty(&channel->calls))
            list_remove(&channel->port_link);
        if (channel->port && channel->port->server)
            lend_less(channel->port->server);
    } else {
        list_remove(&call->channel_link);
        slot_at(call->index)->next += SLOT_GENERATION;
        call->server = NULL;
        if (call->handler) {
            struct thread *handler = call->handler;
            list_remove(&call->handler_link);
            call->handler = NULL;
            lend_less(handler);
        }
    }
    if (!call->thread)
        timer_cancel(&call->timer);
    call->connection = NULL;
    connection->active--;
    connection_settle(connection);
    object_put(&connection->object);
}

/* Ends the call with a status: wakes its thread, or makes it DONE and tells its port. */
static void call_finish(struct call *call, status_t status, bool direct)
{
    call_detach(call);
    if (call->thread) {
        struct thread *thread = call->thread;
        call->state = CALL_IDLE;
        thread->frame.x[1] = call->reply_length;
        thread->frame.x[2] = call->received_count;
        if (direct)
            thread_wake_direct(thread, status);
        else
            thread_wake(thread, status);
        return;
    }
    call->state = CALL_DONE;
    call->status = status;
    list_add_tail(&call->port->done, &call->done_link);
    port_poke(call->port);
}

status_t call_abandon(struct call *call, status_t status)
{
    ASSERT(call->state == CALL_POSTED || call->state == CALL_RECEIVED);
    status_t result = call->state == CALL_POSTED ? status : SW_UNKNOWN_OUTCOME;
    call->reply_length = call->received_count = 0;
    call_detach(call);
    call->state = CALL_IDLE;
    if (call->thread)
        call->thread->frame.x[1] = call->thread->frame.x[2] = 0;
    return result;
}

static void call_expired(struct timer *timer)
{
    struct call *call = CONTAINER(timer, struct call, timer);
    call->reply_length = call->received_count = 0;
    call_finish(call, call->state == CALL_POSTED ? SW_TIMED_OUT : SW_UNKNOWN_OUTCOME, false);
}

void call_defer_all(struct thread *thread)
{
    while (!list_empty(&thread->handling)) {
        struct call *call = list_first(&thread->handling, struct call, handler_link);
        list_remove(&call->handler_link);
        call->handler = NULL;
        call->deferred = true;
    }
    thread_lend(thread, 0);
}

void call_thread_gone(struct thread *thread)
{
    if (thread->call.state == CALL_POSTED || thread->call.state == CALL_RECEIVED)
        call_abandon(&thread->call, SW_INTERRUPTED);
    call_defer_all(thread);
    list_for_each_safe (at, after, &thread->ports) {
        CONTAINER(at, struct port, server_link)->server = NULL;
        list_remove(at);
    }
}

void channel_fail_received(struct channel *channel)
{
    while (!list_empty(&channel->received)) {
        struct call *call = list_first(&channel->received, struct call, channel_link);
        call->reply_length = call->received_count = 0;
        call_finish(call, SW_PEER_DIED, false);
    }
}

void channel_fail_calls(struct channel *channel, status_t status, uint32_t keep_generation)
{
    list_for_each_safe (at, after, &channel->calls) {
        struct call *call = CONTAINER(at, struct call, channel_link);
        if (keep_generation &&
            (call->connection->accepted == keep_generation || call->connection->accepted == 0))
            continue;
        call->reply_length = call->received_count = 0;
        call_finish(call, status, false);
    }
}

/* --- posting --------------------------------------------------------------------------------- */

static bool range_ok(vaddr_t start, uint64_t length)
{
    return length <= USER_LIMIT && start <= USER_LIMIT - length;
}

/* Checks and holds the handles a request sends. On failure nothing is held. */
static __attribute__((noinline)) status_t call_hold_sent(struct call *call, struct process *process)
{
    const struct sw_call *b = &call->buffers;
    for (uint32_t i = 0; i < b->send_count; i++) {
        struct handle_entry *entry;
        uint32_t need = SW_RIGHT_TRANSFER | (b->send_move & 1u << i ? 0 : SW_RIGHT_DUPLICATE);
        status_t status = handle_lookup(process, b->send[i], 0, need, &entry);
        if (status == SW_OK && (b->send_move & 1u << i))
            for (uint32_t j = 0; j < i; j++) /* one handle cannot move twice */
                if (b->send[j] == b->send[i])
                    status = SW_INVALID;
        if (status != SW_OK) {
            call_drop_sent(call);
            return status;
        }
        object_hold(entry->object);
        call->sent[i] = (struct sent_handle){ entry->object, entry->rights };
        call->sent_count = (uint8_t)(i + 1);
    }
    return SW_OK;
}

/* Reads and checks what the caller offers and takes the references; nothing is visible to the
 * server yet. On failure nothing is held. */
static status_t call_prepare(struct call *call, struct process *process,
                             struct connection *connection, vaddr_t user)
{
    struct channel *channel = connection->channel;
    if (connection->accepted && connection->accepted != channel->generation)
        return SW_SERVER_REPLACED;
    if (channel->orphan && !channel->server)
        return SW_PEER_CLOSED;
    struct sw_call *b = &call->buffers;
    status_t status = copy_from_user(b, user, sizeof(*b));
    if (status != SW_OK)
        return status;
    if (b->request_length > SW_MESSAGE_MAX || b->reply_capacity > SW_MESSAGE_MAX ||
        b->data_length > SW_DATA_MAX)
        return SW_TOO_LARGE;
    if (b->send_count > SW_HANDLES_MAX ||
        (b->flags & ~(SW_CALL_DATA_IN | SW_CALL_DATA_OUT | SW_CALL_SECRET)) ||
        (b->send_move & ~0xfu) || b->reserved)
        return SW_INVALID;
    if (!range_ok(b->request, b->request_length) || !range_ok(b->reply, b->reply_capacity) ||
        !range_ok(b->data, b->data_length))
        return SW_FAULT;
    if (b->send_count) {
        status = call_hold_sent(call, process);
        if (status != SW_OK)
            return status;
    }
    call->user = user;
    call->process = process;
    call->connection = connection;
    object_get(&connection->object);
    connection->active++;
    call->reply_length = call->received_count = 0;
    call->deferred = false;
    call->handler = NULL;
    call->state = CALL_POSTED;
    return SW_OK;
}

/* Hands a prepared call over at once if the server waits, else queues it. */
static void call_enqueue(struct call *call, struct thread *caller)
{
    struct channel *channel = call->connection->channel;
    call->band = caller->lent > caller->band ? caller->lent : caller->band;
    if (channel->watch_limit)
        call->posted_ns = arch_now();
    struct port *port = channel->port;
    if (!port || !port->waiter || !port_hand(port, channel, call)) {
        list_add_tail(&channel->calls, &call->channel_link);
        if (call->band)
            channel->waiting[call->band - 1]++;
        if (port && list_empty(&channel->port_link))
            list_add_tail(&port->messages, &channel->port_link);
        /* The server is busy: it runs at the band of who waits for it. */
        if (port && port->server && port->server->lent < call->band)
            thread_lend(port->server, call->band);
    }
    if (channel->watch_limit)
        channel_watch_arm(channel);
}

/* --- delivery -------------------------------------------------------------------------------- */

/* True if every page of the range is accessible to the process (present or made so). */
static bool range_accessible(struct process *process, vaddr_t start, uint64_t length,
                             uint32_t access)
{
    if (!range_ok(start, length) || !process->space)
        return false;
    for (vaddr_t at = start; at < start + length;
         at = (at & ~(vaddr_t)(PAGE_SIZE - 1)) + PAGE_SIZE) {
        void *pointer;
        if (space_pointer(process->space, at, access, &pointer) != SW_OK)
            return false;
    }
    return true;
}

/* Installs what was sent with a call or reply; the receiver has room (handle_reserve). Moved
 * handles leave the sender's table if they still stand there. */
static void handles_deliver(struct sent_handle *sent, uint32_t count, const uint32_t *send,
                            uint32_t move, struct process *sender, struct process *receiver,
                            uint32_t *out_handles)
{
    for (uint32_t i = 0; i < count; i++) {
        handle_t handle;
        status_t status = handle_install(receiver, sent[i].object, sent[i].rights, &handle);
        ASSERT(status == SW_OK);
        out_handles[i] = handle;
        struct handle_entry *entry;
        if ((move & 1u << i) && handle_lookup(sender, send[i], 0, 0, &entry) == SW_OK &&
            entry->object == sent[i].object)
            handle_close(sender, entry);
        object_unhold(sent[i].object);
    }
}

status_t call_hand(struct channel *channel, struct call *call, struct thread *receiver)
{
    struct process *server = receiver->process;
    const struct sw_call *b = &call->buffers;
    if (call->sent_count) {
        status_t status = handle_reserve(server, call->sent_count);
        if (status != SW_OK) { /* the server cannot take them: the caller learns it */
            call_finish(call, status, false);
            return NOTHING;
        }
    }
    uint32_t capacity = receiver->wait_room.capacity;
    uint32_t length = b->request_length < capacity ? b->request_length : capacity;
    status_t status =
        copy_between(server, receiver->wait_room.buffer, call->process, b->request, length);
    if (status != SW_OK) {
        handle_unreserve(server, call->sent_count);
        if (!range_accessible(server, receiver->wait_room.buffer, length, SW_MAP_WRITE))
            return status;
        call_finish(call, status, false);
        return NOTHING;
    }
    struct sw_event event = {
        .kind = SW_EVENT_MESSAGE,
        .bits = b->flags,
        .key = channel->key,
        .badge = call->connection->badge,
        .token = call_token(call),
        .request_length = b->request_length,
        .reply_capacity = b->reply_capacity,
        .data_length = b->data_length,
        .caps = call->process->caps,
        .principal = call->process->job->principal,
        .session = call->process->job->session,
        .pid = call->process->pid,
        .received_count = call->sent_count,
    };
    /* The event goes first with no handles, so that nothing is half done if it cannot be written.
     */
    status = port_write_event(receiver, &event);
    if (status != SW_OK) {
        handle_unreserve(server, call->sent_count);
        return status;
    }
    if (call->sent_count) {
        handles_deliver(call->sent, call->sent_count, b->send, b->send_move, call->process, server,
                        event.received);
        call->sent_count = 0;
        status = port_write_event(receiver, &event); /* same page, just written: cannot fail */
        ASSERT(status == SW_OK);
    }
    call_unqueue(call, channel);
    list_add_tail(&channel->received, &call->channel_link);
    call->state = CALL_RECEIVED;
    call->server = server;
    call->connection->accepted = channel->generation;
    call->connection->known = true;
    call->handler = receiver;
    list_add_tail(&receiver->handling, &call->handler_link);
    if (receiver->lent < call->band)
        thread_lend(receiver, call->band);
    if (call->thread)
        call->thread->wait = SW_WAIT_REPLY;
    return SW_OK;
}

status_t call_deliver(struct channel *channel, struct thread *receiver)
{
    status_t status = NOTHING;
    while (status == NOTHING && !list_empty(&channel->calls))
        status =
            call_hand(channel, list_first(&channel->calls, struct call, channel_link), receiver);
    if (list_empty(&channel->calls))
        list_remove(&channel->port_link);
    return status;
}

/* --- system calls ---------------------------------------------------------------------------- */

status_t sys_call(struct thread *thread, struct connection *connection, vaddr_t user,
                  uint64_t deadline, uint64_t *out_reply_length, uint64_t *out_received_count)
{
    (void)out_reply_length; /* written by call_finish */
    (void)out_received_count;
    struct call *call = &thread->call;
    status_t status = call_prepare(call, thread->process, connection, user);
    if (status != SW_OK)
        return status;
    status = thread_block(thread, SW_WAIT_CALL, deadline);
    if (status != SYSCALL_BLOCKED) /* polled or interrupted: never queued, nothing to hand over */
        return call_abandon(call, status);
    call_enqueue(call, thread);
    return SYSCALL_BLOCKED;
}

status_t sys_call_create(struct thread *thread, uint64_t *out_call)
{
    struct job *job = thread->process->job;
    status_t status = job_charge(job, CHARGE_CALLS, 1);
    if (status != SW_OK)
        return status;
    struct call *call;
    status = object_create(SW_TYPE_CALL, job, (void **)&call);
    if (status != SW_OK)
        goto fail_charge;
    list_init(&call->channel_link);
    list_init(&call->handler_link);
    list_init(&call->done_link);
    call->index = SLOT_NONE;
    status = call_index_allocate(call, job);
    handle_t handle = 0;
    if (status == SW_OK)
        status = handle_install(thread->process, &call->object, class_call.all_rights, &handle);
    *out_call = handle;
    object_put(&call->object); /* the destroy hook undoes the rest */
    return status;
fail_charge:
    job_uncharge(job, CHARGE_CALLS, 1);
    return status;
}

status_t sys_call_post(struct thread *thread, struct call *call, struct connection *connection,
                       vaddr_t buffers, struct port *port, uint64_t key, uint64_t deadline)
{
    if (call->state != CALL_IDLE)
        return SW_BAD_STATE;
    status_t status = call_prepare(call, thread->process, connection, buffers);
    if (status != SW_OK)
        return status;
    object_get(&thread->process->object);
    object_get(&port->object);
    object_get(&call->object); /* while on its way */
    call->port = port;
    call->key = key;
    call_enqueue(call, thread);
    if (call->state == CALL_POSTED || call->state == CALL_RECEIVED)
        timer_set(&call->timer, deadline, call_expired);
    return SW_OK;
}

/* Makes a call that is DONE idle and drops what it held on the way. */
static void call_release(struct call *call)
{
    list_remove(&call->done_link);
    for (uint32_t i = 0; i < call->received_count; i++)
        object_unhold(call->received[i].object);
    call->received_count = 0;
    call->state = CALL_IDLE;
    struct port *port = call->port;
    struct process *process = call->process;
    call->port = NULL;
    call->process = NULL;
    object_put(&port->object);
    object_put(&process->object);
    object_put(&call->object);
}

/* Gives the process the handles that came with the reply, and tells them at `at` in its sw_call. */
static status_t handles_collect(struct call *call, struct process *process, vaddr_t at)
{
    uint32_t count = call->received_count, facts[2 + SW_HANDLES_MAX] = { count };
    status_t status = handle_reserve(process, count);
    if (status != SW_OK)
        return status;
    status = copy_to_user(at, facts,
                          sizeof(facts)); /* shows that it can be written, before anything moves */
    if (status != SW_OK) {
        handle_unreserve(process, count);
        return status;
    }
    handles_deliver(call->received, count, NULL, 0, NULL, process, &facts[1]);
    facts[1 + SW_HANDLES_MAX] = call->reply_length;
    status = copy_to_user(at, facts, sizeof(facts));
    ASSERT(status == SW_OK);
    return SW_OK;
}

/* Handles that the process cannot take are dropped, as with a call of a thread's own. */
status_t sys_call_collect(struct thread *thread, struct call *call, vaddr_t buffers,
                          uint64_t *out_reply_length, uint64_t *out_received_count)
{
    if (call->state != CALL_DONE)
        return SW_BAD_STATE;
    status_t status = call->status;
    if (call->received_count)
        status = handles_collect(call, thread->process,
                                 buffers + offsetof(struct sw_call, received_count));
    if (status == call->status) {
        *out_reply_length = call->reply_length;
        *out_received_count = call->received_count;
    }
    if (status == SW_OK)
        call->received_count = 0; /* they are the process's */
    call_release(call);
    return status;
}

status_t sys_call_cancel(struct thread *thread, struct call *call)
{
    (void)thread;
    if (call->state != CALL_POSTED && call->state != CALL_RECEIVED)
        return SW_BAD_STATE;
    call->reply_length = call->received_count = 0;
    call_finish(call, call->state == CALL_POSTED ? SW_TIMED_OUT : SW_UNKNOWN_OUTCOME, false);
    return SW_OK;
}

/* The part of reply_to for a reply that sends handles. All is checked, and shown to be possible,
 * before the first one moves. */
static __attribute__((noinline)) status_t reply_with_handles(struct call *call,
                                                             struct process *server,
                                                             const struct sw_reply *reply,
                                                             bool direct)
{
    struct sent_handle sent[SW_HANDLES_MAX];
    struct handle_entry *entries[SW_HANDLES_MAX];
    status_t status;
    for (uint32_t i = 0; i < reply->send_count; i++) {
        uint32_t need = SW_RIGHT_TRANSFER | (reply->send_move & 1u << i ? 0 : SW_RIGHT_DUPLICATE);
        status = handle_lookup(server, reply->send[i], 0, need, &entries[i]);
        if (status != SW_OK)
            return status;
        for (uint32_t j = 0; j < i; j++)
            if (reply->send[j] == reply->send[i] && (reply->send_move & 1u << i))
                return SW_INVALID;
        sent[i] = (struct sent_handle){ entries[i]->object, entries[i]->rights };
    }
    struct process *caller = call->process;
    status_t outcome = SW_OK;
    if (call->thread)
        outcome = handle_reserve(caller, reply->send_count);
    bool reserved = outcome == SW_OK && call->thread;
    if (outcome == SW_OK) {
        outcome = copy_between(caller, call->buffers.reply, server, reply->data, reply->length);
        if (outcome != SW_OK &&
            !range_accessible(server, reply->data, reply->length, SW_MAP_READ)) {
            if (reserved)
                handle_unreserve(caller, reply->send_count);
            return SW_FAULT;
        }
    }
    uint32_t facts[2 + SW_HANDLES_MAX] = { reply->send_count };
    vaddr_t facts_at = call->user + offsetof(struct sw_call, received_count);
    if (outcome == SW_OK && reserved) /* before anything moves: shows that it can be written */
        outcome = copy_to_process(caller, facts_at, facts, sizeof(facts));
    if (outcome != SW_OK && reserved)
        handle_unreserve(caller, reply->send_count);

    /* commit */
    call->reply_length = outcome == SW_OK ? reply->length : 0;
    call->received_count = outcome == SW_OK ? reply->send_count : 0;
    for (uint32_t i = 0; i < reply->send_count; i++)
        object_hold(sent[i].object);
    if (outcome != SW_OK) {
        for (uint32_t i = 0; i < reply->send_count; i++) {
            if (reply->send_move & 1u << i)
                handle_close(server, entries[i]);
            object_unhold(sent[i].object);
        }
    } else if (call->thread) {
        handles_deliver(sent, reply->send_count, reply->send, reply->send_move, server, caller,
                        &facts[1]);
        facts[1 + SW_HANDLES_MAX] = reply->length;
        status = copy_to_process(caller, facts_at, facts, sizeof(facts));
        ASSERT(status == SW_OK);
    } else { /* posted: they wait in the call until collected */
        for (uint32_t i = 0; i < reply->send_count; i++) {
            call->received[i] = sent[i];
            if (reply->send_move & 1u << i)
                handle_close(server, entries[i]);
        }
    }
    call_finish(call, outcome, direct);
    return SW_OK;
}

/* Answers the call a token names. Problems of the caller (buffer, quota) end its call with their
 * status and are OK here: the server has done its part, and handles it moved are gone from it. */
static status_t reply_to(struct thread *thread, uint64_t token, vaddr_t user, bool direct)
{
    struct process *server = thread->process;
    struct call *call = call_by_token(token, server);
    if (!call)
        return SW_CALLER_GONE;
    struct sw_reply reply;
    status_t status = copy_from_user(&reply, user, sizeof(reply));
    if (status != SW_OK)
        return status;
    if (reply.length > call->buffers.reply_capacity)
        return SW_TOO_LARGE;
    if (reply.send_count > SW_HANDLES_MAX || (reply.send_move & ~0xfu) || reply.reserved)
        return SW_INVALID;
    if (reply.send_count)
        return reply_with_handles(call, server, &reply, direct);
    status = copy_between(call->process, call->buffers.reply, server, reply.data, reply.length);
    if (status != SW_OK && !range_accessible(server, reply.data, reply.length, SW_MAP_READ))
        return SW_FAULT;
    call->reply_length = status == SW_OK ? reply.length : 0;
    call->received_count = 0;
    call_finish(call, status, direct);
    return SW_OK;
}

status_t sys_reply(struct thread *thread, uint64_t token, vaddr_t reply)
{
    return reply_to(thread, token, reply, false);
}

status_t sys_reply_wait(struct thread *thread, uint64_t token, vaddr_t reply, struct port *port,
                        vaddr_t wait, uint64_t deadline)
{
    if (token && !thread->restart) {
        status_t status = reply_to(thread, token, reply, true);
        if (status != SW_OK && status != SW_CALLER_GONE)
            return status;
    }
    return sys_port_wait(thread, port, wait, deadline);
}

status_t sys_call_read(struct thread *thread, uint64_t token, uint32_t area, uint64_t offset,
                       vaddr_t buffer, uint64_t length, uint64_t *out_done)
{
    struct call *call = call_by_token(token, thread->process);
    if (!call)
        return SW_CALLER_GONE;
    vaddr_t base;
    uint64_t limit;
    if (area == SW_AREA_REQUEST) {
        base = call->buffers.request;
        limit = call->buffers.request_length;
    } else if (area == SW_AREA_DATA) {
        if (!(call->buffers.flags & SW_CALL_DATA_IN))
            return SW_ACCESS;
        base = call->buffers.data;
        limit = call->buffers.data_length;
    } else {
        return SW_INVALID;
    }
    if (offset > limit || length > limit - offset)
        return SW_OUT_OF_RANGE;
    if (length > CALL_PIECE)
        length = CALL_PIECE;
    status_t status = copy_between(thread->process, buffer, call->process, base + offset, length);
    if (status == SW_OK)
        *out_done = length;
    else if (range_accessible(thread->process, buffer, length, SW_MAP_WRITE))
        status = SW_ACCESS; /* the caller's memory, not ours */
    return status;
}

status_t sys_call_write(struct thread *thread, uint64_t token, uint64_t offset, vaddr_t buffer,
                        uint64_t length, uint64_t *out_done)
{
    struct call *call = call_by_token(token, thread->process);
    if (!call)
        return SW_CALLER_GONE;
    if (!(call->buffers.flags & SW_CALL_DATA_OUT))
        return SW_ACCESS;
    if (offset > call->buffers.data_length || length > call->buffers.data_length - offset)
        return SW_OUT_OF_RANGE;
    if (length > CALL_PIECE)
        length = CALL_PIECE;
    status_t status =
        copy_between(call->process, call->buffers.data + offset, thread->process, buffer, length);
    if (status == SW_OK)
        *out_done = length;
    else if (range_accessible(thread->process, buffer, length, SW_MAP_READ))
        status = SW_ACCESS;
    return status;
}

/* --- object class ---------------------------------------------------------------------------- */

/* The owner gave the call up: it ends without telling anybody. */
static void call_last_handle(struct object *object)
{
    struct call *call = CONTAINER(object, struct call, object);
    if (call->state == CALL_POSTED || call->state == CALL_RECEIVED) {
        call->reply_length = call->received_count = 0;
        call_detach(call);
        call->state = CALL_DONE;
    }
    if (call->state == CALL_DONE)
        call_release(call);
}

static void call_destroy(struct object *object)
{
    struct call *call = CONTAINER(object, struct call, object);
    if (call->index != SLOT_NONE)
        call_index_free(call);
    job_uncharge(object->payer, CHARGE_CALLS, 1);
}

const struct object_class class_call = {
    .name = "call",
    .size = sizeof(struct call),
    .last_handle = call_last_handle,
    .destroy = call_destroy,
    .all_rights = SW_RIGHT_CALL | SW_RIGHT_DUPLICATE,
};

status_t call_init_own(struct thread *thread)
{
    struct call *call = &thread->call;
    call->thread = thread;
    list_init(&call->channel_link);
    list_init(&call->handler_link);
    list_init(&call->done_link);
    list_init(&thread->handling);
    list_init(&thread->ports);
    return call_index_allocate(call, thread->object.payer);
}
