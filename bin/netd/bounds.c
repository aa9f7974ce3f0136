/* Bounds of what packets of anybody make lwIP keep (lwip_hooks.h): connections that are half open, and
 * segments out of order. Where there is no bound of lwIP's own: fragments, neighbours and what waits for
 * them have one in lwipopts.h. */
#include "netd.h"
#include <lwip/priv/tcp_priv.h>

#include "lwip_hooks.h"

#define UNORDERED_MOST 64u /* segments out of order of one connection */
#define KEPT_MOST 2048u    /* packets kept for all of them, 3 MiB; then none is kept any more */

/* The last in the list was heard of before the others: lwIP puts what it hears of at the front. Whoever
 * answers within the time it takes to make the whole queue again gets his connection; without this a queue
 * full of forged addresses would let in nobody for 20 s. No RST: the address is hardly the sender's. */
int lwip_port_half_open_drop(const struct tcp_pcb_listen *listener)
{
    struct tcp_pcb *oldest = NULL;

    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (pcb->state == SYN_RCVD && pcb->listener == listener)
            oldest = pcb;
    if (!oldest)
        return 0;
    tcp_abandon(oldest, 0);
    return 1;
}

/* Each takes a whole packet's room, if only for a byte. */
u16_t lwip_port_unordered_most(void)
{
    return interface_kept() < KEPT_MOST ? UNORDERED_MOST : 0;
}
