/* netd's parts. One thread; lwIP calls back from within what is called here. */
#pragma once
#include <lwip/ip_addr.h>
#include <lwip/netif.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/protocol.h>
#include <swos/server.h>

#include "share.h"

/* Ends netd. */
_Noreturn void netd_fail(const char *what, status_t status);

/* Whose share a request is on. */
struct owner netd_owner(const struct sw_request *request);

/* The status that says what lwIP says. */
status_t netd_status(err_t error);

/* An address of a request: family SW_NET_IPV4 or SW_NET_IPV6 (else false), scope the interface of a
 * link-local one. The reverse: bytes and family. */
bool netd_address(const uint8_t bytes[16], uint32_t family, uint32_t scope, ip_addr_t *out);
void netd_address_put(const ip_addr_t *address, uint8_t bytes[16]);

/* The first name server as text; nothing is written when there is none. */
void netd_name_server(char *text, size_t capacity);

/* ---- setup.c: what settings say, put in force */

struct settings;

/* Before the interface is opened. Without a handle, or when it makes no sense: the defaults. */
void setup_open(handle_t settings);
/* Other settings, at any time. Those in force stay when these make no sense (INVALID). */
status_t setup_load(handle_t settings);
const struct settings *setup_settings(void);
/* The interface is there: its addresses. */
void setup_apply_addresses(void);
/* The card's link came up, or the interface was added with it up. */
void setup_link_up(void);
/* Name server `index`: one of the settings, or where those have none, of DHCP and routers. False:
 * there is none. */
bool setup_name_server(uint32_t index, ip_addr_t *out, uint16_t *out_port);

/* ---- sntp.c: the clock */

/* The servers to ask have changed: asks anew. */
void sntp_start(void);
/* An address has come or gone: asks, unless it has asked with success. */
void sntp_network(void);
/* The clock may be set. */
void sntp_open(handle_t clock);
void sntp_run(uint64_t now);
uint64_t sntp_deadline(void);

/* ---- interface.c: the card */

/* Takes over the pool; the card is up when nicd says so. */
status_t interface_open(handle_t pool, handle_t wake_driver);

/* Handles what has come, a bounded number of packets. True: there is more. */
bool interface_work(void);

/* To be called before sleeping: the driver is woken for what was sent. True: something came
 * meanwhile, call interface_work. */
bool interface_settle(void);

/* When a packet came or went last, monotonic ns. */
uint64_t interface_active(void);
void interface_touch(void); /* as if one had now */

/* Received packets of which lwIP keeps a part; each takes SW_PACKET_MOST bytes. */
uint32_t interface_kept(void);

struct netif *interface_netif(void);

/* ---- bounds.c: of what lwIP keeps */

/* Half-open connections of all listeners: the oldest are dropped, but for the newest `most`. */
void half_open_bound(uint32_t most);
/* The same of connections in TIME_WAIT; after each tick of TCP's. */
void time_wait_bound(void);

/* ---- addresses.c: what a predecessor had, so that its connections go on */

/* Gives the interface the addresses that were noted, before it is up: those the settings do not give, where
 * they leave that to DHCP (ipv4) and routers (ipv6); of those they give, how far they are tried. */
void addresses_revive(struct netif *netif, bool ipv4, bool ipv6);
/* True: DHCP begins with the lease that was noted once the link is up. */
bool addresses_reboot(struct netif *netif);
/* Notes the addresses there are; at each change. */
void addresses_note(const struct netif *netif);

/* ---- timers.c */

void timers_run(uint64_t now);
uint64_t timers_deadline(uint64_t now);

/* ---- queries.c: calls that are answered when the network has answered */

#define QUERY_PINGS 64u /* at once, of all */
#define QUERY_NAMES 64u

status_t queries_open(void);
status_t query_ping(struct sw_request *request, const struct sw_net_ping_request *in);
status_t query_resolve(struct sw_request *request, const struct sw_net_resolve_request *in,
                       const char *name, size_t length, struct sw_net_resolve_reply *out);
void queries_run(uint64_t now); /* those whose time is up */
uint64_t queries_deadline(void);

/* ---- report.c */

/* A part of the text of `list`, from where an earlier part says (0: the beginning). *out_next 0: the last one.
 * False when `capacity` is too little. *out_known: whether there is such a list. */
bool report(uint32_t what, uint32_t from, char *text, size_t capacity, size_t *out_length,
            uint32_t *out_next, bool *out_known);
