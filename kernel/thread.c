/* Threads: creation, end, and the ways a wait is cut short.
 *
 * A thread object is referenced by being alive, by its handles, and nothing else. Where it stands
 * (ready structure, a wait queue, a CPU) is undone by thread_finish, which runs when no CPU is in
 * user mode with it: at once for a blocked or ready thread, at its CPU's kernel exit for a running
 * one. Big lock. */
#include "syscall_handlers.h"
#include "trace.h"

#define THREAD_RIGHTS (SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER | SW_RIGHT_INSPECT)

status_t thread_create(struct process *process, struct thread **out_thread)
{
    struct job *job = process->job;
    status_t status = job_charge(job, CHARGE_THREADS, 1);
    if (status != SW_OK)
        return status;
    struct thread *thread;
    status = object_create(SW_TYPE_THREAD, job, (void **)&thread);
    if (status != SW_OK)
        goto fail_charge;
    list_init(&thread->process_link);
    list_init(&thread->ready_link);
    list_init(&thread->wait_link);
    list_init(&thread->handling);
    status = call_init_own(thread);
    if (status != SW_OK)
        goto fail_object;
    thread->process = process;
    object_get(&process->object);
    thread->call.process = process;
    thread->state = THREAD_READY;
    thread->special = job->stopped ? SPECIAL_STOPPED : 0;
    if (process->trace)
        trace_thread_new(thread);
    thread->band = (uint8_t)process->band;
    list_add_tail(&process->threads, &thread->process_link);
    process->thread_count++;
    *out_thread = thread;
    return SW_OK;
fail_object:
    object_put(&thread->object);
fail_charge:
    job_uncharge(job, CHARGE_THREADS, 1);
    return status;
}

void thread_finish(struct thread *thread)
{
    struct process *process = thread->process;
    if (thread->state == THREAD_READY)
        sched_unready(thread);
    struct cpu *cpu = cpu_this();
    if (cpu->current == thread) {
        sched_account(cpu, arch_now());
        cpu->current = NULL;
        cpu->resched = true;
    }
    port_thread_gone(thread);
    pipe_thread_gone(thread);
    futex_thread_gone(thread);
    timer_cancel(&thread->timer);
    thread->state = THREAD_ENDED;
    call_thread_gone(thread);
    list_remove(&thread->process_link);
    process->thread_count--;
    job_uncharge(process->job, CHARGE_THREADS, 1);
    if (process->thread_count == 0)
        process_threads_gone(process);
    object_put(&thread->object);
}

void thread_end(struct thread *thread)
{
    thread->leaves = LEAVES_ENDING;
    if (thread->state == THREAD_RUNNING)
        sched_poke(thread);
    else if (thread->state != THREAD_ENDED)
        thread_finish(thread);
}

void thread_unblock(struct thread *thread, status_t status)
{
    switch (thread->wait) {
    case SW_WAIT_CALL:
    case SW_WAIT_REPLY:
        status = call_abandon(&thread->call, status);
        break;
    case SW_WAIT_PORT:
        port_thread_gone(thread);
        break;
    case SW_WAIT_PIPE:
    case SW_WAIT_PIPE_ROOM:
        pipe_thread_gone(thread);
        break;
    default:
        break; /* futex: thread_wake takes it off its bucket */
    }
    thread_wake(thread, status);
}

void thread_divert(struct thread *thread, vaddr_t pc)
{
    if (thread->state == THREAD_RUNNING) { /* its registers may be in its CPU */
        thread->leaves = LEAVES_DIVERTED;
        thread->divert = pc;
        sched_poke(thread);
        return;
    }
    if (thread->state == THREAD_BLOCKED)
        thread_unblock(thread, SW_INTERRUPTED);
    thread->frame.pc = pc;
}

static void thread_destroy(struct object *object)
{
    struct thread *thread = CONTAINER(object, struct thread, object);
    if (!thread->process)
        return; /* creation failed before it got its call */
    call_index_free(&thread->call);
    object_put(&thread->process->object);
}

const struct object_class class_thread = {
    .name = "thread",
    .size = sizeof(struct thread),
    .destroy = thread_destroy,
    .all_rights = THREAD_RIGHTS,
};

/* --- system calls ---------------------------------------------------------------------------- */

status_t sys_thread_create(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t argument,
                           uint64_t tls, uint64_t *out_thread)
{
    if (entry >= USER_LIMIT || entry % 4 || stack > USER_LIMIT || stack % 16 || tls > USER_LIMIT)
        return SW_INVALID;
    struct process *process = thread->process;
    status_t status = handle_reserve(process, 1);
    if (status != SW_OK)
        return status;
    struct thread *created;
    status = thread_create(process, &created);
    if (status != SW_OK) {
        handle_unreserve(process, 1);
        return status;
    }
    created->frame.x[0] = argument;
    created->frame.sp = stack;
    created->frame.pc = entry;
    created->frame.tls = tls;
    handle_t handle = 0;
    status = handle_install(process, &created->object, THREAD_RIGHTS, &handle);
    ASSERT(status == SW_OK);
    *out_thread = handle;
    sched_ready(created);
    return SW_OK;
}

/* The word is cleared here, where the thread will not touch its stack again: a joiner that sees 0
 * may unmap it. A bad address concerns nobody but the joiner. */
status_t sys_thread_exit(struct thread *thread, uint64_t word)
{
    uint32_t zero = 0;
    if (word && copy_to_user(word, &zero, sizeof(zero)) == SW_OK)
        futex_wake_word(thread->process->space, word, UINT32_MAX);
    thread_end(thread);
    return SW_OK;
}
