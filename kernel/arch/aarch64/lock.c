/* The big lock: test-and-test-and-set. Waiters look again when the holder's store reaches them
 * (WFE on the exclusive monitor); no queue, because a fair lock collapses when guest CPUs outnumber
 * host cores. After a panic the other CPUs end here. */
#include "arch.h"
#include "log.h"

static uint32_t lock;

void lock_take(void)
{
    uint32_t seen, failed;
    __asm__ volatile("prfm pstl1keep, [%0]" ::"r"(&lock));
    for (;;) {
        /* Acquire pairs with the release in lock_release. */
        __asm__ volatile("ldaxr %w0, [%2]\n\t"
                         "cbnz %w0, 1f\n\t"
                         "stxr %w1, %w3, [%2]\n\t"
                         "1:"
                         : "=&r"(seen), "=&r"(failed)
                         : "r"(&lock), "r"(1)
                         : "memory");
        if (__builtin_expect(seen == 0, 1)) {
            if (__builtin_expect(failed == 0, 1))
                return;
            continue;
        }
        if (__atomic_load_n(&panicked, __ATOMIC_RELAXED))
            arch_halt();
        /* The monitor set by ldaxr is cleared by the holder's store, which is the event. */
        __asm__ volatile("wfe" ::: "memory");
    }
}

void lock_release(void)
{
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}
