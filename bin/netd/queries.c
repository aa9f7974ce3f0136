/* Pings and names under way: calls that are answered when the network has, or their time is up. */
#include "dns.h"
#include "netd.h"
#include "resolver.h"
#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/prot/icmp6.h>
#include <lwip/raw.h>
#include <string.h>
#include <swos/clock.h>

#define PING_SIZE_MOST 1400
#define PING_TIME_MOST 60000 /* ms */

struct ping {
    uint64_t token; /* 0: free */
    struct share *share;
    uint64_t sent, deadline;
    ip_addr_t address;
    uint16_t id, sequence;
};

struct name {
    uint64_t token; /* 0: free */
    struct share *share;
    bool also_v6; /* when there is no IPv4 address */
};

static struct ping pings[QUERY_PINGS];
static struct name names[QUERY_NAMES];
static struct raw_pcb *raw4, *raw6;

/* One of the caller's share of pings or names; NULL: it has all it may, or there is no memory. */
static struct share *share_ask(const struct sw_request *request, enum share_of what)
{
    struct owner owner = netd_owner(request);
    struct share *share = share_open(&owner);

    if (share && !share_take(share, what, 1)) {
        share_close(share);
        return NULL;
    }
    return share;
}

static void share_done(struct share *share, enum share_of what)
{
    share_give(share, what, 1);
    share_close(share);
}

/* ------------------------------------------------------------------ ping */

static void ping_end(struct ping *ping)
{
    ping->token = 0;
    share_done(ping->share, SHARE_PINGS);
}

static u8_t on_echo(void *argument, struct raw_pcb *pcb, struct pbuf *packet, const ip_addr_t *from)
{
    struct icmp_echo_hdr echo; /* of ICMPv6 too: type, code, checksum, id, sequence */
    u16_t header = ip_current_header_tot_len();
    uint64_t now = sw_clock_monotonic();

    (void)argument;
    if (pbuf_copy_partial(packet, &echo, sizeof(echo), header) != sizeof(echo) ||
        echo.type != (pcb == raw6 ? ICMP6_TYPE_EREP : ICMP_ER))
        return 0;
    for (struct ping *ping = pings; ping < pings + QUERY_PINGS; ping++) {
        if (!ping->token || ping->id != echo.id || ping->sequence != echo.seqno ||
            !ip_addr_cmp_zoneless(&ping->address, from))
            continue;
        struct sw_net_ping_reply reply = {
            .nanoseconds = now - ping->sent,
            .ttl = pcb == raw6 ? IP6H_HOPLIM(ip6_current_header()) : IPH_TTL(ip4_current_header()),
            .bytes = packet->tot_len - header,
        };
        sw_server_answer(ping->token, SW_OK, 0, &reply, sizeof(reply), NULL, 0, 0);
        ping_end(ping);
        pbuf_free(packet);
        return 1;
    }
    return 0;
}

static err_t echo_send(const struct ping *ping, uint32_t size)
{
    struct pbuf *packet =
        pbuf_alloc(PBUF_IP, (u16_t)(sizeof(struct icmp_echo_hdr) + size), PBUF_RAM);
    bool v6 = IP_IS_V6(&ping->address);
    err_t error;

    if (!packet)
        return ERR_MEM;
    struct icmp_echo_hdr *echo = packet->payload;
    echo->type = v6 ? ICMP6_TYPE_EREQ : ICMP_ECHO;
    echo->code = 0;
    echo->chksum = 0;
    echo->id = ping->id;
    echo->seqno = ping->sequence;
    for (uint32_t i = 0; i < size; i++)
        ((uint8_t *)(echo + 1))[i] = (uint8_t)i;
    if (!v6) /* of ICMPv6 it covers addresses lwIP chooses; it fills it in */
        echo->chksum = inet_chksum(echo, packet->len);
    error = raw_sendto(v6 ? raw6 : raw4, packet, &ping->address);
    pbuf_free(packet);
    return error;
}

status_t query_ping(struct sw_request *request, const struct sw_net_ping_request *in)
{
    struct ping *ping = pings;
    status_t status;

    if (in->size > PING_SIZE_MOST)
        return SW_TOO_LARGE;
    while (ping < pings + QUERY_PINGS && ping->token)
        ping++;
    if (ping == pings + QUERY_PINGS)
        return SW_BUSY;
    if (!netd_address(in->address, in->family, in->scope, &ping->address))
        return SW_INVALID;
    if (!(ping->share = share_ask(request, SHARE_PINGS)))
        return SW_BUSY;
    ping->id = (uint16_t)lwip_port_random();
    ping->sequence = lwip_htons((uint16_t)in->sequence);
    ping->sent = sw_clock_monotonic();
    ping->deadline =
        ping->sent + (in->timeout < PING_TIME_MOST ? in->timeout : PING_TIME_MOST) * SW_MILLISECOND;
    ping->token = request->event.token; /* before sending: the answer of ourselves is at once */
    status = netd_status(echo_send(ping, in->size));
    if (status != SW_OK) {
        ping_end(ping);
        return status;
    }
    request->deferred = 1;
    return SW_OK;
}

/* ------------------------------------------------------------------ names */

static void name_end(struct name *name)
{
    name->token = 0;
    share_done(name->share, SHARE_NAMES);
}

static void name_answer(struct name *name, status_t status, const ip_addr_t *address)
{
    struct sw_net_resolve_reply reply = { 0 };

    if (status == SW_OK) {
        netd_address_put(address, reply.address);
        reply.family = IP_IS_V6(address) ? SW_NET_IPV6 : SW_NET_IPV4;
    }
    sw_server_answer(name->token, status, 0, &reply, sizeof(reply), NULL, 0, 0);
    name_end(name);
}

static void on_found(void *argument, const char *text, status_t status, const ip_addr_t *address)
{
    struct name *name = argument;

    if (status == SW_NOT_FOUND && name->also_v6) {
        name->also_v6 = false;
        status = resolver_ask(text, 6, on_found, name);
        if (status == SW_OK)
            return;
    }
    name_answer(name, status, address);
}

status_t query_resolve(struct sw_request *request, const struct sw_net_resolve_request *in,
                       const char *text, size_t length, struct sw_net_resolve_reply *out)
{
    char copy[DNS_NAME_MOST + 1];
    uint32_t at = 0;

    (void)out;
    if (in->family != SW_NET_ANY && in->family != SW_NET_IPV4 && in->family != SW_NET_IPV6)
        return SW_INVALID;
    if (length == 0 || memchr(text, 0, length))
        return SW_INVALID;
    if (length >= sizeof(copy))
        return SW_NAME_TOO_LONG;
    memcpy(copy, text, length);
    copy[length] = 0;
    while (at < QUERY_NAMES && names[at].token)
        at++;
    struct share *share = at < QUERY_NAMES ? share_ask(request, SHARE_NAMES) : NULL;
    if (!share)
        return SW_BUSY;
    struct name *name = &names[at];
    *name = (struct name){ .token = request->event.token,
                           .share = share,
                           .also_v6 = in->family == SW_NET_ANY };
    status_t status = resolver_ask(copy, in->family == SW_NET_IPV6 ? 6 : 4, on_found, name);
    if (status == SW_OK)
        request->deferred = 1; /* also when it is answered already */
    else
        name_end(name);
    return status;
}

/* ------------------------------------------------------------------ both */

void queries_run(uint64_t now)
{
    for (struct ping *ping = pings; ping < pings + QUERY_PINGS; ping++) {
        if (ping->token && now >= ping->deadline) {
            sw_server_answer(ping->token, SW_TIMED_OUT, 0, NULL, 0, NULL, 0, 0);
            ping_end(ping);
        }
    }
}

uint64_t queries_deadline(void)
{
    uint64_t deadline = SW_NEVER;

    for (const struct ping *ping = pings; ping < pings + QUERY_PINGS; ping++)
        if (ping->token && ping->deadline < deadline)
            deadline = ping->deadline;
    return deadline;
}

status_t queries_open(void)
{
    raw4 = raw_new_ip_type(IPADDR_TYPE_V4, IP_PROTO_ICMP);
    raw6 = raw_new_ip_type(IPADDR_TYPE_V6, IP6_NEXTH_ICMP6);
    if (!raw4 || !raw6)
        return SW_NO_MEMORY;
    raw_recv(raw4, on_echo, NULL);
    raw_recv(raw6, on_echo, NULL);
    raw6->chksum_reqd = 1;
    raw6->chksum_offset = 2;
    return SW_OK;
}
