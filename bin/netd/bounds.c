/* Bounds of what packets of anybody make lwIP keep (lwip_hooks.h): connections that are half open, segments out
 * of order, connections in TIME_WAIT. Where there is no bound of lwIP's own: fragments, neighbours and what waits for
 * them have one in lwipopts.h. */
#include "netd.h"
#include <lwip/priv/tcp_priv.h>

#include "lwip_hooks.h"

#define UNORDERED_MOST 64u /* segments out of order of one connection */
#define KEPT_MOST 2048u    /* packets kept for all of them, 3 MiB; then none is kept any more */

/* Programs close connections faster than they pass, and netd chooses among 16,384 ports. */
#define TIME_WAIT_MOST 4096u

/* Drops the half-open connection of a listener (NULL: of any) that is the oldest beside the newest `most`.
 *
 * The last in the list was heard of before the others: lwIP puts what it hears of at the front. Whoever
 * answers within the time it takes to make the whole queue again gets his connection; without this a queue
 * full of forged addresses would let in nobody for 20 s. No RST: the address is hardly the sender's. */
static bool half_open_drop(const struct tcp_pcb_listen *listener, uint32_t most)
{
    struct tcp_pcb *oldest = NULL;
    uint32_t count = 0;

    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (pcb->state == SYN_RCVD && (!listener || pcb->listener == listener) && ++count > most)
            oldest = pcb;
    if (!oldest)
        return false;
    tcp_abandon(oldest, 0);
    return true;
}

int lwip_port_half_open_drop(const struct tcp_pcb_listen *listener)
{
    return half_open_drop(listener, 0);
}

void half_open_bound(uint32_t most)
{
    half_open_drop(NULL, most); /* each time one more comes: one is enough */
}

/* The list has the newest first. What belongs to one that is dropped is taken for a new connection's or
 * answered with RST; a peer that lost our last acknowledgement sees that. */
void time_wait_bound(void)
{
    struct tcp_pcb *pcb = tcp_tw_pcbs, *rest;

    for (uint32_t count = 1; pcb && count < TIME_WAIT_MOST; count++)
        pcb = pcb->next;
    if (!pcb)
        return;
    rest = pcb->next;
    pcb->next = NULL;
    while ((pcb = rest)) {
        rest = pcb->next;
        tcp_free(pcb);
    }
}

/* RFC 1122, 4.2.2.13: a SYN behind the sequence numbers of the old connection is no duplicate of its, but the
 * client that uses its port again. Acknowledged as if it were one, it would stand there for a minute. */
void lwip_port_time_wait(const struct tcp_hdr *header, u8_t flags, u32_t seqno)
{
    if ((flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
        return;
    for (struct tcp_pcb **at = &tcp_tw_pcbs, *pcb; (pcb = *at); at = &pcb->next) {
        if (pcb->remote_port != header->src || pcb->local_port != header->dest ||
            !ip_addr_cmp(&pcb->remote_ip, ip_current_src_addr()) ||
            !ip_addr_cmp(&pcb->local_ip, ip_current_dest_addr()))
            continue;
        if ((s32_t)(seqno - pcb->rcv_nxt) <= 0)
            return;
        *at = pcb->next;
        tcp_free(pcb);
        return;
    }
}

/* Each takes a whole packet's room, if only for a byte. */
u16_t lwip_port_unordered_most(void)
{
    return interface_kept() < KEPT_MOST ? UNORDERED_MOST : 0;
}
