/* Events: a word of 64 bits that ports watch. Level-triggered. Big lock. */
#include "syscall_handlers.h"
#include "trace.h"

void event_set(struct event *event, uint64_t bits)
{
    event->bits |= bits;
    object_signal(&event->object);
}

status_t sys_event_create(struct thread *thread, uint64_t *out_event)
{
    struct event *event;
    status_t status = object_create(SW_TYPE_EVENT, thread->process->job, (void **)&event);
    if (status != SW_OK)
        return status;
    handle_t handle = 0;
    status = handle_install(thread->process, &event->object, class_event.all_rights, &handle);
    *out_event = handle;
    object_put(&event->object);
    return status;
}

status_t sys_event_update(struct thread *thread, struct event *event, uint64_t clear, uint64_t set,
                          uint64_t *out_before)
{
    (void)thread;
    *out_before = event->bits;
    event->bits = (event->bits & ~clear) | set;
    object_signal(&event->object);
    return SW_OK;
}

status_t sys_event_read(struct thread *thread, struct event *event, uint64_t *out_bits)
{
    (void)thread;
    *out_bits = event->bits;
    return SW_OK;
}

static uint64_t event_level(struct object *object)
{
    return CONTAINER(object, struct event, object)->bits;
}

static void event_last_handle(struct object *object)
{
    trace_event_gone(CONTAINER(object, struct event, object));
}

const struct object_class class_event = {
    .name = "event",
    .size = sizeof(struct event),
    .last_handle = event_last_handle,
    .level = event_level,
    .all_rights =
        SW_RIGHT_READ | SW_RIGHT_WRITE | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER | SW_RIGHT_BIND,
};
