/* The one heap of deadlines. sched.c programs a CPU's timer for the earliest; expiry runs at that
 * CPU's kernel exit. A new earliest deadline makes this CPU's exit look. Big lock. */
#include "process.h"

#define SLICE 64

struct heap timers;

void timer_set(struct timer *timer, uint64_t when, void (*expired)(struct timer *timer))
{
    heap_remove(&timers, &timer->node);
    if (when == SW_NEVER)
        return;
    timer->expired = expired;
    heap_insert(&timers, &timer->node, when);
    if (heap_first(&timers) == &timer->node)
        cpu_this()->resched = true;
}

void timer_cancel(struct timer *timer)
{
    heap_remove(&timers, &timer->node);
}

/* Many deadlines at one moment are spread over several kernel entries: the timer is set for the
 * past then, and others get the lock in between. */
void timers_run(uint64_t now)
{
    struct heap_node *node;
    for (uint32_t i = 0; i < SLICE && (node = heap_first(&timers)) && node->key <= now; i++) {
        heap_remove(&timers, node);
        struct timer *timer = CONTAINER(node, struct timer, node);
        timer->expired(timer);
    }
}
