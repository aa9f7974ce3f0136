/* Time: the virtual counter, and the virtual timer of each CPU. */
#include "arch.h"
#include "arch_registers.h"
#include "counter_scale.h"
#include "log.h"
#include "process.h"

#define ENABLE 1

uint64_t counter_to_ns;
static uint64_t from_ns; /* 32.32 factor */
static uint64_t boot_counter;

void counter_start(void)
{
    boot_counter = register_read(cntvct_el0);
}

void counter_init(void)
{
    uint64_t frequency = register_read(cntfrq_el0);
    if (!frequency)
        panic("CNTFRQ_EL0 is 0");
    counter_to_ns = counter_factor_to_ns(frequency);
    from_ns = counter_factor_from_ns(frequency);
    info_page->counter_frequency = frequency;
    info_page->counter_multiplier = counter_to_ns;
    info_page->boot_counter = boot_counter;
}

uint64_t arch_since_boot(void)
{
    return counter_to_ns ? counter_scale(register_read(cntvct_el0) - boot_counter, counter_to_ns)
                         : 0;
}

void timer_cpu_init(void)
{
    register_write(cntv_ctl_el0, 0);
}

/* Which deadlines are worth programming is sched.c's decision. */
void arch_timer_set(uint64_t when)
{
    if (when == SW_NEVER) {
        register_write(cntv_ctl_el0, 0);
        return;
    }
    register_write(cntv_cval_el0,
                   counter_at(when, register_read(cntvct_el0), counter_to_ns, from_ns));
    register_write(cntv_ctl_el0, ENABLE);
}

void timer_interrupt(void)
{
    cpu_this()->resched = true;
    cpu_this()->programmed = SW_NEVER;
    register_write(cntv_ctl_el0, 0);
    barrier_instruction(); /* the level is down before the end of interrupt is written */
}
