/* Threads: one memory object each, from low to high: guard page, stack, struct sw_thread, TLS.
 *
 * The kernel sets `running` to 0 and wakes it after the thread has left its stack for good; only
 * then may the object be unmapped. A detached thread cannot wait for that itself, so it goes onto
 * the list `ended`, which the next start or join sweeps.
 *
 * The last object of the usual size is kept for the next thread: most of what starting a thread
 * costs is fresh memory. */
#include <stdatomic.h>
#include <stdbool.h>
#include <swos/mapping.h>
#include <swos/sync.h>
#include <swos/thread.h>

struct sw_thread {
    void *(*entry)(void *);
    void *argument, *result;
    _Atomic uint32_t running;
    bool detached, finished; /* under ended_lock */
    void *object;
    size_t object_size;
    struct sw_thread *next; /* in `ended` */
};

static struct sw_mutex ended_lock; /* guards ended, detached, finished */
static struct sw_thread *_Atomic ended;
static struct sw_thread *_Atomic spare; /* an object of the usual size, nobody's */
static _Thread_local struct sw_thread *self;

struct sw_thread *sw_thread_self(void)
{
    return self;
}

/* What lies above the stack. */
static size_t top_size(void)
{
    return ((sizeof(struct sw_thread) + 63) & ~(size_t)63) + sw_tls_size();
}

static size_t object_size_of(size_t stack_size)
{
    return SW_PAGE + sw_page_round(stack_size + top_size());
}

static void thread_free(struct sw_thread *thread)
{
    if (thread->object_size == object_size_of(SW_THREAD_STACK))
        thread = atomic_exchange(&spare, thread);
    if (thread)
        sw_mapping_unmap(thread->object, thread->object_size);
}

/* Memory for a thread, its guard page in place, `object` and `object_size` set. */
static status_t thread_allocate(size_t stack_size, struct sw_thread **out_thread)
{
    size_t size = object_size_of(stack_size);
    if (stack_size == SW_THREAD_STACK && (*out_thread = atomic_exchange(&spare, NULL)) != NULL)
        return SW_OK;
    void *object;
    status_t status = sw_mapping_create(size, 0, &object, NULL);
    if (status != SW_OK)
        return status;
    status = sw_memory_protect((uint64_t)(uintptr_t)object, SW_PAGE, 0);
    if (status != SW_OK) {
        sw_mapping_unmap(object, size);
        return status;
    }
    struct sw_thread *thread = (struct sw_thread *)((char *)object + size - top_size());
    thread->object = object;
    thread->object_size = size;
    *out_thread = thread;
    return SW_OK;
}

static void ended_sweep(void)
{
    sw_mutex_lock(&ended_lock);
    struct sw_thread *kept = NULL;
    for (struct sw_thread *thread = ended, *next; thread; thread = next) {
        next = thread->next;
        if (atomic_load_explicit(&thread->running, memory_order_acquire) == 0) {
            thread_free(thread);
        } else {
            thread->next = kept;
            kept = thread;
        }
    }
    ended = kept;
    sw_mutex_unlock(&ended_lock);
}

static void ended_add(struct sw_thread *thread)
{
    thread->next = ended;
    ended = thread;
}

_Noreturn void sw_thread_leave(void *result)
{
    struct sw_thread *thread = self;
    if (thread) {
        sw_thread_at_end();
        thread->result = result;
        sw_mutex_lock(&ended_lock);
        thread->finished = true;
        if (thread->detached)
            ended_add(thread);
        sw_mutex_unlock(&ended_lock);
    }
    for (;;)
        sw_thread_exit(thread ? (uint64_t)(uintptr_t)&thread->running : 0);
}

static void thread_main(struct sw_thread *thread)
{
    self = thread;
    sw_thread_leave(thread->entry(thread->argument));
}

status_t sw_thread_start(void *(*entry)(void *), void *argument, size_t stack_size,
                         struct sw_thread **out_thread)
{
    if (ended) /* a glance without the lock: missing one now, the next start finds it */
        ended_sweep();
    struct sw_thread *thread;
    status_t status = thread_allocate(stack_size ? stack_size : SW_THREAD_STACK, &thread);
    if (status != SW_OK)
        return status;
    *thread = (struct sw_thread){ .entry = entry,
                                  .argument = argument,
                                  .running = 1,
                                  .object = thread->object,
                                  .object_size = thread->object_size };
    uintptr_t pointer = sw_tls_init((char *)thread + top_size() - sw_tls_size());
    handle_t handle = 0;
    status = sw_thread_create((uint64_t)(uintptr_t)thread_main, (uint64_t)(uintptr_t)thread,
                              (uint64_t)(uintptr_t)thread, pointer, &handle);
    if (status != SW_OK) {
        thread_free(thread);
        return status;
    }
    sw_handle_close(handle);
    *out_thread = thread;
    return SW_OK;
}

status_t sw_thread_join(struct sw_thread *thread, uint64_t deadline, void **out_result)
{
    while (atomic_load_explicit(&thread->running, memory_order_acquire) != 0) {
        status_t status = sw_futex_wait((uint64_t)(uintptr_t)&thread->running, 1, deadline);
        if (status == SW_TIMED_OUT)
            return status;
    }
    if (out_result)
        *out_result = thread->result;
    thread_free(thread);
    if (ended)
        ended_sweep();
    return SW_OK;
}

void sw_thread_detach(struct sw_thread *thread)
{
    sw_mutex_lock(&ended_lock);
    thread->detached = true;
    if (thread->finished)
        ended_add(thread);
    sw_mutex_unlock(&ended_lock);
}
