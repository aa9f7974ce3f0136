/* Content on its way from the disk. See load.h. */
#include "load.h"
#include <stdlib.h>
#include <swos/clock.h>
#include <swos/protocol.h>

#define SECTOR 512u
#define READ_TIME (30 * SW_SECOND) /* of one read, the driver's deaths included */
#define PROBE_TIME SW_SECOND
#define UNDER_WAY_MAX 8 /* reads posted; memory is taken for no more */
/* As in libswos: drivers that may die of one read, and successors that may go without taking it. */
#define DEATHS_MAX 8
#define SUCCESSORS_MAX 64

struct waiter {
    struct waiter *next;
    uint64_t token;
    enum load_purpose purpose;
};

/* A call that is posted, and again when its server dies. */
struct post {
    handle_t call;
    struct sw_call buffers;
    uint32_t deaths, successors;
    bool posted;
};

struct load {
    struct load *next;
    uint32_t inode, extent;
    struct waiter *waiters, **last;
    handle_t memory; /* 0: waits for its turn */
    uint64_t deadline;
    struct post post;
    struct sw_block_read_request request;
    struct sw_block_read_reply reply;
};

static struct {
    struct base *base;
    struct sw_server *server;
    void (*answer)(enum load_purpose, uint64_t, uint32_t, uint32_t, status_t);
    struct load *first, **last; /* in the order they came */
    uint32_t under_way;
    struct post probe;
    struct sw_block_info_request probe_request;
    struct sw_block_info_reply probe_reply;
} loads;

/* ------------------------------------------------------------------ posting */

/* Posts a call under its own address as the key. */
static status_t post_again(struct post *post, uint64_t deadline)
{
    status_t status;

    do {
        status = sw_call_post(post->call, loads.base->disk, &post->buffers, loads.server->port,
                              (uint64_t)(uintptr_t)post, deadline);
    } while (status == SW_SERVER_REPLACED && post->successors++ < SUCCESSORS_MAX &&
             sw_connection_accept(loads.base->disk) == SW_OK);
    post->posted = status == SW_OK;
    return status;
}

/* Takes the outcome of a call that is done; posts it again if it was the server that went. True:
 * it is under way again. */
static bool post_collect(struct post *post, uint64_t deadline, status_t *out_status)
{
    uint32_t length = 0, received = 0;
    status_t status = sw_call_collect(post->call, &post->buffers, &length, &received);

    post->posted = false;
    if (status == SW_SERVER_REPLACED && post->successors++ < SUCCESSORS_MAX &&
        sw_connection_accept(loads.base->disk) == SW_OK) {
        status = post_again(post, deadline);
    } else if (status == SW_PEER_DIED && post->deaths++ < DEATHS_MAX) {
        post->successors = 0;
        status = post_again(post, deadline);
    } else if (status == SW_OK && length < sizeof(struct sw_reply_header)) {
        status = SW_BAD_MESSAGE;
    } else if (status == SW_OK) {
        status = ((const struct sw_reply_header *)(uintptr_t)post->buffers.reply)->status;
    }
    for (uint32_t i = 0; i < received && i < SW_HANDLES_MAX; i++) {
        sw_handle_close(post->buffers.received[i]); /* a driver sends none */
    }
    *out_status = status;
    return post->posted;
}

static void probe(void)
{
    loads.server->deadline = SW_NEVER;
    if (loads.under_way == 0) {
        return;
    }
    loads.server->deadline = sw_clock_deadline(PROBE_TIME);
    if (!loads.probe.posted) {
        loads.probe.deaths = loads.probe.successors = 0;
        post_again(&loads.probe, SW_NEVER); /* when it cannot be asked, the reads tell */
    }
}

/* ------------------------------------------------------------------ loads */

static status_t memory_create(uint64_t size, handle_t *out_memory)
{
    status_t status = sw_memory_create(size, 0, out_memory);

    if (status == SW_NO_MEMORY || status == SW_QUOTA) {
        base_trim(loads.base); /* what nobody maps comes back */
        status = sw_memory_create(size, 0, out_memory);
    }
    return status;
}

/* Begins to read. */
static status_t begin(struct load *load)
{
    uint64_t offset, size;
    status_t status;

    base_place(loads.base, load->inode, load->extent, &offset, &size);
    status = memory_create(size, &load->memory);
    if (status != SW_OK) {
        return status;
    }
    status = sw_call_create(&load->post.call);
    if (status != SW_OK) {
        sw_handle_close(load->memory);
        return status;
    }
    load->request = (struct sw_block_read_request){
        .header = { SW_PROTOCOL_BLOCK, SW_PROTOCOL_BLOCK_VERSION, SW_OP_BLOCK_READ, 0, 0 },
        .sector = offset / SECTOR,
        .count = (uint32_t)(size / SECTOR),
    };
    load->post.buffers = (struct sw_call){
        .request = (uint64_t)(uintptr_t)&load->request,
        .request_length = sizeof(load->request),
        .reply = (uint64_t)(uintptr_t)&load->reply,
        .reply_capacity = sizeof(load->reply),
        .send = { load->memory },
        .send_count = 1,
    };
    load->deadline = sw_clock_deadline(READ_TIME);
    loads.under_way++;
    if (loads.server->deadline == SW_NEVER) {
        loads.server->deadline = sw_clock_deadline(PROBE_TIME);
    }
    status = post_again(&load->post, load->deadline);
    if (status != SW_OK) {
        loads.under_way--;
        sw_handle_close(load->post.call);
        sw_handle_close(load->memory);
    }
    return status;
}

/* Answers everyone who waits, and forgets the load. */
static void finish(struct load *load, status_t status)
{
    struct load **link = &loads.first;

    while (*link != load) {
        link = &(*link)->next;
    }
    *link = load->next;
    if (!load->next) {
        loads.last = link;
    }
    for (struct waiter *waiter = load->waiters, *next; waiter; waiter = next) {
        next = waiter->next;
        loads.answer(waiter->purpose, waiter->token, load->inode, load->extent, status);
        free(waiter);
    }
    free(load);
}

/* Begins what waits for its turn; what cannot begin is answered. */
static void advance(void)
{
    for (struct load *load = loads.first, *next; load; load = next) {
        next = load->next;
        if (load->memory) {
            continue;
        }
        if (loads.under_way == UNDER_WAY_MAX) {
            return;
        }
        status_t status = begin(load);
        if (status != SW_OK) {
            finish(load, status);
        }
    }
}

static void read_done(struct load *load, status_t status)
{
    loads.under_way--;
    sw_handle_close(load->post.call);
    if (status == SW_OK) {
        status = base_accept(loads.base, load->inode, load->extent, load->memory);
    } else {
        status = SW_IO;
        sw_handle_close(load->memory);
    }
    finish(load, status);
    advance();
}

/* ------------------------------------------------------------------ for the server's loop */

status_t load_start(struct base *base, struct sw_server *server,
                    void (*answer)(enum load_purpose, uint64_t, uint32_t, uint32_t, status_t))
{
    loads.base = base;
    loads.server = server;
    loads.answer = answer;
    loads.last = &loads.first;
    loads.probe_request.header =
        (struct sw_request_header){ SW_PROTOCOL_BLOCK, SW_PROTOCOL_BLOCK_VERSION, SW_OP_BLOCK_INFO,
                                    0, 0 };
    loads.probe.buffers = (struct sw_call){
        .request = (uint64_t)(uintptr_t)&loads.probe_request,
        .request_length = sizeof(loads.probe_request),
        .reply = (uint64_t)(uintptr_t)&loads.probe_reply,
        .reply_capacity = sizeof(loads.probe_reply),
    };
    return sw_call_create(&loads.probe.call);
}

static struct load *load_find(uint32_t inode, uint32_t extent)
{
    struct load *load = loads.first;

    while (load && (load->inode != inode || load->extent != extent)) {
        load = load->next;
    }
    return load;
}

static struct load *load_create(uint32_t inode, uint32_t extent)
{
    struct load *load = calloc(1, sizeof(*load));

    if (load) {
        load->inode = inode;
        load->extent = extent;
        load->last = &load->waiters;
        *loads.last = load;
        loads.last = &load->next;
    }
    return load;
}

status_t load_wait(struct sw_request *request, enum load_purpose purpose, uint32_t inode,
                   uint32_t extent)
{
    struct waiter *waiter = calloc(1, sizeof(*waiter));
    struct load *load = waiter ? load_find(inode, extent) : NULL;

    if (waiter && !load) {
        load = load_create(inode, extent);
    }
    if (!load) {
        free(waiter);
        return SW_NO_MEMORY;
    }
    waiter->token = request->event.token;
    waiter->purpose = purpose;
    *load->last = waiter;
    load->last = &waiter->next;
    request->deferred = 1;
    advance();
    return SW_OK;
}

void load_event(const struct sw_event *event)
{
    status_t status;

    if (event->kind != SW_EVENT_CALL_DONE) {
        return;
    }
    if (event->key == (uint64_t)(uintptr_t)&loads.probe) {
        post_collect(&loads.probe, SW_NEVER, &status);
        return;
    }
    for (struct load *load = loads.first; load; load = load->next) {
        if (event->key == (uint64_t)(uintptr_t)&load->post) {
            if (!post_collect(&load->post, load->deadline, &status)) {
                read_done(load, status);
            }
            return;
        }
    }
}

void load_timeout(void)
{
    probe();
}
