/* lwIP as netd uses it: raw API on one thread, memory from the heap.
 *
 * Nothing is set aside: what a connection, a query or a segment needs comes from netd's heap, which
 * its service's limit bounds; where the heap is used up, lwIP drops packets or refuses connections.
 * netd counts connections itself. */
#pragma once

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_TIMERS 1
#define LWIP_TIMERS_CUSTOM 1 /* netd sleeps until something is due (bin/netd/timers.c) */
#define LWIP_HOOK_FILENAME "lwip_hooks.h"
#define LWIP_STATS 0

#define MEM_ALIGNMENT 8
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_USE_POOLS 0
#define LWIP_SUPPORT_CUSTOM_PBUF 1
/* A packet that waits for a neighbour's address is copied if it refers to a program's ring: that may be
 * written over, or gone, when the answer comes. */
#define PBUF_NEEDS_COPY(p) (!((p)->type_internal & PBUF_TYPE_FLAG_STRUCT_DATA_CONTIGUOUS))

#define LWIP_ETHERNET 1
#define ETH_PAD_SIZE 0 /* frames lie so in the packet pool that IP headers are aligned */
#define PBUF_LINK_ENCAPSULATION_HLEN 0
#define LWIP_CHKSUM_ALGORITHM 0 /* lwip_port_checksum */
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_LINK_CALLBACK 1
#define LWIP_NETIF_HOSTNAME 1
#define LWIP_HAVE_LOOPIF 1
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_NETIF_LOOPBACK_MULTITHREADING 0
#define LWIP_LOOPBACK_MAX_PBUFS 128

#define LWIP_IPV4 1
#define LWIP_ARP 1
#define ARP_TABLE_SIZE 32
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 16 /* connections rebuilt at once all ask for the gateway */
#define ETHARP_SUPPORT_STATIC_ENTRIES 0
#define IP_FORWARD 0
#define SO_REUSE 1 /* listeners: a port whose connections are in TIME_WAIT is free */
#define IP_REASSEMBLY 1
#define IP_REASS_MAX_PBUFS 64
#define IP_FRAG 1
#define LWIP_ICMP 1
#define LWIP_IGMP 0
#define LWIP_DHCP 1
#define DHCP_DOES_ARP_CHECK 0 /* would hold up each start by half a second */
#define LWIP_DHCP_MAX_DNS_SERVERS 3
#define LWIP_DHCP_GET_NTP_SRV 1
#define LWIP_DHCP_MAX_NTP_SERVERS 2
#define LWIP_AUTOIP 0

#define LWIP_IPV6 1
#define LWIP_IPV6_NUM_ADDRESSES 5
#define LWIP_IPV6_SCOPES 1
#define LWIP_IPV6_FORWARD 0
#define LWIP_IPV6_FRAG 1
#define LWIP_IPV6_REASS 1
#define IPV6_FRAG_COPYHEADER 1
#define LWIP_IPV6_MLD 1
#define LWIP_IPV6_AUTOCONFIG 1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 1
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 1
#define LWIP_IPV6_ADDRESS_LIFETIMES 1
#define LWIP_IPV6_DHCP6 0
#define LWIP_ND6_NUM_NEIGHBORS 32
#define LWIP_ND6_NUM_DESTINATIONS 32
#define LWIP_ND6_NUM_PREFIXES 5
#define LWIP_ND6_NUM_ROUTERS 3
#define LWIP_ND6_QUEUEING 1
#define LWIP_ND6_ALLOW_RA_UPDATES 1
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 1

#define LWIP_RAW 1
#define LWIP_UDP 1
#define LWIP_DNS 1
#define DNS_TABLE_SIZE 32
#define DNS_MAX_NAME_LENGTH 256
#define DNS_MAX_SERVERS 4
#define DNS_LOCAL_HOSTLIST 0
#define LWIP_DNS_SUPPORT_MDNS_QUERIES 0
#define MEMP_NUM_UDP_PCB 256

#define LWIP_TCP 1
#define TCP_MSS 1460
#define TCP_CALCULATE_EFF_SEND_MSS 1
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 4
#define TCP_WND (256 * 1024) /* the most; a connection's is its ring */
#define TCP_SND_BUF (256 * 1024)
#define TCP_SND_QUEUELEN 1024
#define TCP_SNDLOWAT 2920
#define TCP_SNDQUEUELOWAT 8
#define TCP_OVERSIZE 0 /* what is sent stays in the client's ring */
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_BYTES (64 * 1024)
#define TCP_OOSEQ_PBUFS_LIMIT(pcb) lwip_port_unordered_most()
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_MAX_SACK_NUM 4
#define LWIP_TCP_TIMESTAMPS 1
#define LWIP_TCP_KEEPALIVE 1
#define TCP_KEEPIDLE_DEFAULT lwip_port_keep_idle
#define TCP_KEEPINTVL_DEFAULT lwip_port_keep_interval
#define TCP_KEEPCNT_DEFAULT lwip_port_keep_probes
#define TCP_LISTEN_BACKLOG 1
#define TCP_DEFAULT_LISTEN_BACKLOG 16
#define TCP_SYNMAXRTX 5
#define TCP_MSL 30000 /* a minute of TIME_WAIT */
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1
#define MEMP_NUM_TCP_PCB 4096
#define MEMP_NUM_TCP_PCB_LISTEN 256
#define MEMP_NUM_TCP_SEG 8192
