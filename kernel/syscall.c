/* Entries from user mode: system calls, faults, interrupts. Each takes the big lock, does its work,
 * lets the scheduler choose, releases the lock and says which thread to resume. */
#include "log.h"
#include "syscall_table.inc"
#include "trace.h"

/* A thread that was ended or diverted meanwhile does nothing more. */
static bool thread_may_act(const struct thread *thread)
{
    return !thread->leaves && thread->process->state == PROCESS_LIVE;
}

static inline __attribute__((always_inline)) status_t syscall_do(struct thread *thread)
{
    uint64_t number = thread->frame.x[8];
    status_t status = SW_BAD_SYSCALL;
    cpu_this()->syscalls++;
    if (number < SW_SYS_LIMIT && syscall_table[number].decode)
        status = syscall_table[number].decode(thread);
    thread->restart =
        status == SYSCALL_RESTART; /* a slice of a long call is done: not a fresh one */
    if (status <= 0)
        thread->frame.x[0] = (uint64_t)(int64_t)status;
    else if (status == SYSCALL_RESTART)
        thread->frame.pc -= 4;
    return status;
}

static status_t syscall_traced(struct thread *thread)
{
    return syscall_do(thread);
}

struct thread *kernel_syscall(struct thread *thread)
{
    lock_take();
    object_hooks_hold();
    if (thread_may_act(thread)) {
        syscall_do(thread);
    } else if (thread->process->state != PROCESS_LIVE) {
        thread_end(thread); /* one of many of a process that ends, whose turn has not come */
    } else if (thread->leaves == LEAVES_TRACED) {
        trace_syscall(thread, syscall_traced);
    }
    struct thread *next = sched_stays() ? NULL : sched_exit();
    lock_release();
    return next;
}

struct thread *kernel_fault(struct thread *thread, uint32_t kind, vaddr_t address,
                            uint32_t syndrome)
{
    lock_take();
    object_hooks_hold();
    if (thread_may_act(thread) ||
        (thread->leaves == LEAVES_TRACED && thread->process->state == PROCESS_LIVE)) {
        status_t status = kind ? space_fault(thread->process->space, address, kind) : SW_INVALID;
        if (status != SW_OK) {
            const char *reason = status == SW_NO_MEMORY ? "out of memory"
                                 : status == SW_ACCESS  ? "access not allowed"
                                 : kind                 ? "address not mapped"
                                                        : "illegal instruction or unaligned access";
            (void)syndrome;
            crash_record_process(thread, reason, address);
            process_end(thread->process, kind ? 139 : 132);
        }
    } else if (thread->process->state != PROCESS_LIVE) {
        thread_end(thread);
    }
    struct thread *next = sched_exit();
    lock_release();
    return next;
}

struct thread *kernel_interrupt(struct thread *thread)
{
    (void)thread;
    lock_take();
    object_hooks_hold();
    arch_interrupt_dispatch();
    struct thread *next = sched_exit();
    lock_release();
    return next;
}

const char *syscall_name(uint64_t number)
{
    return number < SW_SYS_LIMIT && syscall_table[number].name ? syscall_table[number].name : "?";
}
