/* lwIP's timers: each has a period and must run as often as periods go by, but need not run in time
 * while there is nothing for it to do. So netd sleeps until one with work is due, and those that only
 * count time (ages of neighbours, lifetimes of addresses) catch up whenever it is awake. */
#include "sockets.h"
#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>
#include <swos/clock.h>

/* Neighbours are asked, fragments awaited and duplicate addresses looked for within this time after
 * a packet came or went. */
#define BUSY_TIME (20 * SW_SECOND)
/* At most so many periods are caught up with; what is older is forgotten by then anyway. */
#define CATCH_UP 100000u

static uint64_t due[16]; /* of lwip_cyclic_timers */

static bool dhcp_waits(void)
{
    const struct dhcp *dhcp = netif_dhcp_data(interface_netif());

    return dhcp && dhcp->request_timeout > 0;
}

/* Whole periods until DHCP has something to do. */
static uint32_t dhcp_rests(void)
{
    const struct dhcp *dhcp = netif_dhcp_data(interface_netif());
    uint32_t least = 1440;

    if (!dhcp || dhcp->state == 0)
        return least;
    if (dhcp->t1_renew_time && dhcp->t1_renew_time < least)
        least = dhcp->t1_renew_time;
    if (dhcp->t2_rebind_time && dhcp->t2_rebind_time < least)
        least = dhcp->t2_rebind_time;
    if (dhcp->t0_timeout && (uint32_t)(dhcp->t0_timeout - dhcp->lease_used) < least)
        least = (uint32_t)(dhcp->t0_timeout - dhcp->lease_used);
    return least ? least : 1;
}

static bool group_waits(void)
{
    for (const struct mld_group *group = netif_mld6_data(interface_netif()); group;
         group = group->next)
        if (group->timer > 0)
            return true;
    return false;
}

/* Whether a timer has work at its next period. */
static bool has_work(lwip_cyclic_timer_handler handler, bool busy)
{
    if (handler == tcp_tmr)
        return tcp_waits();
    if (handler == dhcp_fine_tmr)
        return dhcp_waits();
    if (handler == dns_tmr)
        return false; /* resolver.c does its work */
    if (handler == mld6_tmr)
        return group_waits();
    if (handler == dhcp_coarse_tmr)
        return false; /* timers_deadline looks farther */
    return busy;
}

/* lwIP's start calls it. */
void sys_timeouts_init(void)
{
    uint64_t now = sw_clock_monotonic();

    for (int i = 0; i < lwip_num_cyclic_timers; i++)
        due[i] = now + lwip_cyclic_timers[i].interval_ms * SW_MILLISECOND;
}

static void catch_up(int which, uint64_t now)
{
    const struct lwip_cyclic_timer *timer = &lwip_cyclic_timers[which];
    uint64_t period = timer->interval_ms * SW_MILLISECOND;
    uint64_t periods = (now - due[which]) / period + 1;

    due[which] += periods * period;
    if (timer->handler == tcp_tmr) {
        /* While all connections rested only the time went by, and if none did, a run in time was
         * missed by less than the loop's own delay. */
        tcp_ticks += (u32_t)((periods - 1) / 2);
        periods = 1;
    } else if (timer->handler == dhcp_fine_tmr || timer->handler == mld6_tmr) {
        periods = 1;
    } else if (periods > CATCH_UP) {
        periods = CATCH_UP;
    }
    for (; periods > 0; periods--)
        timer->handler();
    if (timer->handler == tcp_tmr)
        time_wait_bound();
}

void timers_run(uint64_t now)
{
    for (int i = 0; i < lwip_num_cyclic_timers; i++)
        if (now >= due[i])
            catch_up(i, now);
}

uint64_t timers_deadline(uint64_t now)
{
    uint64_t deadline = SW_NEVER;
    bool busy = now < interface_active() + BUSY_TIME; /* that may lie after `now` */

    for (int i = 0; i < lwip_num_cyclic_timers; i++) {
        lwip_cyclic_timer_handler handler = lwip_cyclic_timers[i].handler;
        uint64_t period = lwip_cyclic_timers[i].interval_ms * SW_MILLISECOND, next = SW_NEVER;

        if (has_work(handler, busy))
            /* What rested until now begins with a whole period. */
            next = due[i] > now ? due[i] : (due[i] = now + period);
        else if (handler == dhcp_coarse_tmr)
            next = due[i] + (dhcp_rests() - 1) * period;
        if (next < deadline)
            deadline = next;
    }
    return deadline;
}
