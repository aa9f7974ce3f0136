/* Clocks from CNTVCT_EL0 and the info page. */
#include <stdatomic.h>
#include <swos/clock.h>
#include <swos/hot.h>
#include <swos/start.h>

SW_HOT uint64_t sw_clock_monotonic(void)
{
    uint64_t counter;
    /* Without the isb the counter may be read early, before code that stands above (DDI 0487,
     * D12.2.1, reads of the counter are not ordered). */
    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(counter) : : "memory");
    return (uint64_t)(((unsigned __int128)counter * sw_info()->counter_multiplier) >> 32);
}

uint64_t sw_clock_wall(void)
{
    const struct sw_info_page *info = sw_info();
    const volatile uint64_t *sequence = &info->wall_sequence;
    for (;;) {
        uint64_t before = *sequence;
        /* Pairs with the kernel's write barriers around its change of the offset. */
        atomic_thread_fence(memory_order_acquire);
        int64_t offset = *(const volatile int64_t *)&info->wall_offset;
        atomic_thread_fence(memory_order_acquire);
        if (!(before & 1) && *sequence == before)
            return sw_clock_monotonic() + (uint64_t)offset;
    }
}

uint64_t sw_clock_deadline(uint64_t duration)
{
    uint64_t now = sw_clock_monotonic();
    return duration < SW_NEVER - now ? now + duration : SW_NEVER;
}

status_t sw_clock_sleep(uint64_t deadline)
{
    status_t status = sw_futex_wait(0, 0, deadline);
    return status == SW_TIMED_OUT ? SW_OK : status;
}
