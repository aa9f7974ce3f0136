/* Where netd takes part in lwIP's work; included where lwIP calls it. */
#pragma once
#include "lwip/ip_addr.h"

/* RFC 6528: a hash of the connection's ends under a secret, moved on by the clock. */
u32_t lwip_port_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                    u16_t remote_port);
#define LWIP_HOOK_TCP_ISN lwip_port_isn

/* A segment that belongs to a pcb, before it is looked at. */
struct tcp_pcb;
struct tcp_hdr;
struct pbuf;
void lwip_port_tcp_in(const struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, optlen, opt1len, opt2, packet)                     \
    (lwip_port_tcp_in((const struct tcp_pcb *)(pcb)), ERR_OK)

/* Bytes have come in order, and are to be acknowledged. */
void lwip_port_tcp_ack(struct tcp_pcb *pcb);

/* A segment that is about to leave, its payload the TCP header; the pcb may be NULL. */
void lwip_port_tcp_out(const struct pbuf *packet, const struct tcp_hdr *header,
                       const struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_OUT_ADD_TCPOPTS(packet, header, pcb, options)                                \
    (lwip_port_tcp_out(packet, header, pcb), options)

/* A listener has as many half-open connections as it may: drops the oldest. 0: there is none. */
struct tcp_pcb_listen;
int lwip_port_half_open_drop(const struct tcp_pcb_listen *listener);

/* A segment that may be of a connection in TIME_WAIT: that one is gone if it begins another. */
void lwip_port_time_wait(const struct tcp_hdr *header, u8_t flags, u32_t seqno);

/* How many segments out of order a connection may have now. */
u16_t lwip_port_unordered_most(void);

/* The gateway of the settings, for addresses that are not on the link; NULL: a router's. */
struct netif;
const ip6_addr_t *lwip_port_gateway6(struct netif *netif, const ip6_addr_t *destination);
#define LWIP_HOOK_ND6_GET_GW lwip_port_gateway6

/* How a connection that wants to be kept alive begins: milliseconds, and a count. */
extern u32_t lwip_port_keep_idle, lwip_port_keep_interval, lwip_port_keep_probes;
