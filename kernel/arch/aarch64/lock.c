/* The big lock: test-and-test-and-set. Waiters look again when the holder's store reaches them
 * (WFE on the exclusive monitor); no queue, because a fair lock collapses when guest CPUs outnumber
 * host cores. The word names the holder, 1 + CPU number, so that a panic can tell. After a panic
 * the other CPUs end here. */
#include "arch.h"
#include "log.h"
#include "process.h"

#define SEIZE_TRIES 1000000

static uint32_t lock;

/* One try. Acquire pairs with the release in lock_release. */
static inline bool lock_try(uint32_t holder, uint32_t *out_seen)
{
    uint32_t failed = 1;
    __asm__ volatile("ldaxr %w0, [%2]\n\t"
                     "cbnz %w0, 1f\n\t"
                     "stxr %w1, %w3, [%2]\n"
                     "1:"
                     : "=&r"(*out_seen), "+&r"(failed)
                     : "r"(&lock), "r"(holder)
                     : "memory");
    return !failed;
}

static COLD void lock_wait(uint32_t holder)
{
    uint32_t seen;
    while (!lock_try(holder, &seen)) {
        if (__atomic_load_n(&panicked, __ATOMIC_RELAXED))
            arch_halt();
        if (seen) /* the monitor that ldaxr set is cleared by the holder's store: that is the event
                   */
            __asm__ volatile("wfe" ::: "memory");
    }
}

void lock_take(void)
{
    uint32_t seen, holder = cpu_this()->number + 1;
    if (__builtin_expect(!lock_try(holder, &seen), 0))
        lock_wait(holder);
}

void lock_release(void)
{
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    debug_pause();
}

/* For a panic, which may come with or without the lock: keeps the other CPUs out of the kernel. One
 * that does not let go of it is not waited for. */
void lock_seize(void)
{
    uint32_t seen, holder = cpu_this()->number + 1;
    for (uint32_t i = 0; i < SEIZE_TRIES; i++)
        if (lock_try(holder, &seen) || seen == holder)
            return;
}
