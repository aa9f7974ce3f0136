/* Readiness of descriptors, by a port.
 *
 * Each object is bound once, whatever number of entries name it: two descriptors may be handles to
 * one pipe end (2>&1 in a child), and a port takes one binding an object. Bindings are
 * level-triggered, so one that has spoken is unbound before the next is asked for. Objects with a
 * class of their own say themselves whether they are ready, and once more after an event of theirs; each is
 * asked once for what all entries that name it want, because the question says what to be told of. */
#include "open_file.h"

struct watch {
    struct open_file *file; /* NULL: skipped or always ready */
    uint64_t id, mask;      /* of the object; mask only in the first watch of an object */
    size_t first;           /* first watch with the same object or file: the one that is bound */
    int bound;
    handle_t handle; /* bound, of an object with a class */
};

static uint32_t ready_bits(const struct open_file *file, uint32_t wanted, uint64_t bits)
{
    uint32_t ready = 0;
    if (file->kind == SW_FD_EVENT)
        return wanted & (SW_POLL_IN | SW_POLL_OUT);
    if (bits & SW_PIPE_READABLE)
        ready |= SW_POLL_IN & wanted;
    if (bits & SW_PIPE_WRITABLE)
        ready |= SW_POLL_OUT & wanted;
    if (bits & SW_PIPE_PEER_CLOSED)
        ready |= open_file_flags(file) & SW_FD_WRITE ? SW_POLL_ERROR : SW_POLL_CLOSED;
    return ready;
}

static uint64_t mask_of(const struct open_file *file, uint32_t wanted)
{
    if (file->kind == SW_FD_EVENT)
        return wanted & SW_POLL_IN ? UINT64_MAX : 0;
    return SW_PIPE_PEER_CLOSED | (wanted & SW_POLL_IN ? SW_PIPE_READABLE : 0) |
           (wanted & SW_POLL_OUT ? SW_PIPE_WRITABLE : 0);
}

/* What is wanted of an object with a class by all entries that name it. */
static uint32_t wanted_of(const struct sw_poll *polls, const struct watch *watches, size_t count,
                          size_t first)
{
    uint32_t wanted = 0;
    for (size_t i = first; i < count; i++)
        if (watches[i].file && watches[i].first == first)
            wanted |= polls[i].wanted;
    return wanted;
}

/* Asks the object of watch `first` and tells each entry that names it. Returns how many are ready. */
static size_t object_ask(struct sw_poll *polls, const struct watch *watches, size_t count,
                         size_t first)
{
    struct open_file *file = watches[first].file;
    uint32_t found = file->class->ready(file->object, wanted_of(polls, watches, count, first));
    size_t ready = 0;
    for (size_t i = first; i < count; i++) {
        if (watches[i].file && watches[i].first == first) {
            polls[i].ready = found & (polls[i].wanted | SW_POLL_ERROR | SW_POLL_CLOSED);
            ready += polls[i].ready != 0;
        }
    }
    return ready;
}

/* Fills the watches; entries whose answer is known at once get it. Returns how many did. */
static size_t watches_fill(struct sw_poll *polls, struct watch *watches, size_t count)
{
    size_t ready = 0;
    for (size_t i = 0; i < count; i++) {
        struct watch *watch = &watches[i];
        *watch = (struct watch){ .first = i };
        polls[i].ready = 0;
        if (polls[i].fd < 0)
            continue;
        struct open_file *file = sw_fd_get(polls[i].fd);
        if (file && file->class) {
            watch->file = file;
            for (watch->first = 0; watches[watch->first].file != file; watch->first++)
                ;
            continue;
        }
        int waits = file && (file->kind == SW_FD_PIPE || file->kind == SW_FD_TERMINAL ||
                             file->kind == SW_FD_EVENT);
        if (waits && sw_handle_info(file->handle, NULL, NULL, &watch->id) == SW_OK) {
            watch->file = file;
            for (watch->first = 0; watch->first < i; watch->first++)
                if (watches[watch->first].file && watches[watch->first].id == watch->id)
                    break;
            watches[watch->first].mask |= mask_of(file, polls[i].wanted);
            if (file->kind == SW_FD_EVENT && (polls[i].wanted & SW_POLL_OUT)) {
                polls[i].ready = SW_POLL_OUT;
                ready++;
            }
            continue;
        }
        polls[i].ready =
            file && !waits ? polls[i].wanted & (SW_POLL_IN | SW_POLL_OUT) : SW_POLL_BAD;
        ready += polls[i].ready != 0;
        if (file)
            open_file_put(file);
    }
    for (size_t i = 0; i < count; i++)
        if (watches[i].file && watches[i].file->class && watches[i].first == i)
            ready += object_ask(polls, watches, count, i);
    return ready;
}

/* Binds the handle of the object of watch `first`, which is not ready. *out_ready: entries that are after all. */
static status_t object_bind(handle_t port, struct sw_poll *polls, struct watch *watches,
                            size_t count, size_t first, size_t *out_ready)
{
    struct watch *watch = &watches[first];
    const struct sw_fd_class *class = watch->file->class;
    uint32_t wanted = wanted_of(polls, watches, count, first);
    uint64_t mask;
    handle_t handle = class->watched(watch->file->object, wanted, &mask);
    if (!handle)
        *out_ready = object_ask(polls, watches, count, first);
    if (!mask)
        return SW_OK;
    status_t status = sw_port_bind(port, handle, mask, first);
    if (status == SW_OK)
        watch->handle = handle;
    else
        class->unwatched(watch->file->object, wanted);
    return status;
}

status_t sw_fd_poll(struct sw_poll *polls, size_t count, uint64_t deadline, size_t *out_count)
{
    *out_count = 0;
    if (count > SW_FD_LIMIT)
        return SW_INVALID;
    struct watch watches[count ? count : 1];
    if (watches_fill(polls, watches, count) > 0)
        deadline = 0;
    handle_t port;
    status_t status = wait_port_take(&port);
    if (status != SW_OK)
        goto out_files;
    for (size_t i = 0; i < count; i++) {
        if (!watches[i].file || watches[i].first != i || !watches[i].mask)
            continue;
        status = sw_port_bind(port, watches[i].file->handle, watches[i].mask, i);
        if (status != SW_OK)
            goto out_port;
        watches[i].bound = 1;
    }
    for (size_t i = 0; i < count && deadline != 0; i++) {
        if (!watches[i].file || !watches[i].file->class || watches[i].first != i)
            continue;
        size_t ready = 0;
        status = object_bind(port, polls, watches, count, i, &ready);
        if (status != SW_OK)
            goto out_port;
        if (ready > 0)
            deadline = 0;
    }
    struct sw_wait wait = { 0 };
    while ((status = sw_port_wait(port, &wait, deadline)) == SW_OK) {
        size_t first = (size_t)wait.event.key;
        if (watches[first].file->class) {
            if (object_ask(polls, watches, count, first))
                break;
            watches[first].file->class->rewatched(watches[first].file->object);
            continue;
        }
        deadline = 0;
        for (size_t i = first; i < count; i++)
            if (watches[i].file && watches[i].first == first)
                polls[i].ready |= ready_bits(watches[i].file, polls[i].wanted, wait.event.bits);
        sw_port_unbind(port, watches[first].file->handle);
        watches[first].bound = 0;
    }
    if (status == SW_TIMED_OUT)
        status = SW_OK;
    for (size_t i = 0; i < count; i++)
        *out_count += polls[i].ready != 0;
    if (*out_count > 0) /* an interrupt after something was found waits for the next call */
        status = SW_OK;

out_port:
    for (size_t i = 0; i < count; i++)
        if (watches[i].bound)
            sw_port_unbind(port, watches[i].file->handle);
    for (size_t i = 0; i < count; i++) {
        if (watches[i].handle) {
            sw_port_unbind(port, watches[i].handle);
            watches[i].file->class->unwatched(watches[i].file->object,
                                              wanted_of(polls, watches, count, i));
        }
    }
    wait_port_put(port);
out_files:
    for (size_t i = 0; i < count; i++)
        if (watches[i].file)
            open_file_put(watches[i].file);
    return status;
}
