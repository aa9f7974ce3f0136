/* A DHCP server that says anything, to lwIP's client with netd's options and timers (bin/netd/timers.c), over the
 * time of leases: messages whose heads are good but where the input says otherwise, with its bytes for options,
 * in pieces, and time that goes by between them.
 *
 * The address is one that was offered or none; no name or time server comes that was not asked room for; the
 * client asks again now and then and not without end; time always has a next thing to do. */
#include "../../../../bin/netd/sockets.h"
#include <stdio.h>
#include <stdlib.h>
#include <swos/clock.h>

/* lwIP as it is built for netd, but for what lies below DHCP, which is here. Its parameters are its own. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "core/def.c"
#include "core/ipv4/dhcp.c"
#include "core/ipv4/ip4_addr.c"
#include "core/mem.c"
#include "core/memp.c"
#include "core/pbuf.c"
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>

#define ADVANCES_MOST 64u
#define SENT_MOST 64u /* within a minute */

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- what DHCP and the timers stand on */

static uint64_t now = SW_SECOND;
static struct netif card;
static struct udp_pcb udp;
static udp_recv_fn receive;
static uint32_t sent, random_state, last_xid;
static ip4_addr_t offered[256];
static uint32_t offered_count;

uint64_t sw_clock_monotonic(void)
{
    return now;
}

u32_t sys_now(void)
{
    return (u32_t)(now / SW_MILLISECOND);
}

uint32_t lwip_port_random(void)
{
    return random_state = random_state * 1664525u + 1013904223u;
}

_Noreturn void lwip_port_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s (%s, line %d)\n", what, file, line);
    abort();
}

struct udp_pcb *udp_new(void)
{
    return &udp;
}

void udp_remove(struct udp_pcb *pcb)
{
    receive = NULL;
}

err_t udp_bind(struct udp_pcb *pcb, const ip_addr_t *address, u16_t port)
{
    return ERR_OK;
}

err_t udp_connect(struct udp_pcb *pcb, const ip_addr_t *address, u16_t port)
{
    return ERR_OK;
}

void udp_recv(struct udp_pcb *pcb, udp_recv_fn function, void *argument)
{
    receive = function;
}

err_t udp_sendto_if(struct udp_pcb *pcb, struct pbuf *packet, const ip_addr_t *to, u16_t port,
                    struct netif *netif)
{
    struct dhcp_msg message;

    must(pbuf_copy_partial(packet, &message, sizeof(message), 0) == sizeof(message));
    must(message.op == DHCP_BOOTREQUEST && message.cookie == PP_HTONL(DHCP_MAGIC_COOKIE));
    last_xid = message.xid;
    sent++;
    return sent % 7 == 0 ? ERR_MEM : ERR_OK;
}

err_t udp_sendto_if_src(struct udp_pcb *pcb, struct pbuf *packet, const ip_addr_t *to, u16_t port,
                        struct netif *netif, const ip_addr_t *from)
{
    return udp_sendto_if(pcb, packet, to, port, netif);
}

void netif_set_addr(struct netif *netif, const ip4_addr_t *address, const ip4_addr_t *mask,
                    const ip4_addr_t *gateway)
{
    bool known = ip4_addr_isany(address);

    for (uint32_t i = 0; i < offered_count; i++)
        known |= offered[i].addr == address->addr;
    must(known);
    ip_addr_copy_from_ip4(netif->ip_addr, *address);
    ip_addr_copy_from_ip4(netif->netmask, *mask);
    ip_addr_copy_from_ip4(netif->gw, *gateway);
}

void dns_setserver(u8_t index, const ip_addr_t *server)
{
    must(index < DNS_MAX_SERVERS && index < LWIP_DHCP_MAX_DNS_SERVERS);
}

void dhcp_set_ntp_servers(u8_t count, const ip4_addr_t *servers)
{
    ip4_addr_t copies[LWIP_DHCP_MAX_NTP_SERVERS];

    must(count <= LWIP_DHCP_MAX_NTP_SERVERS);
    memcpy(copies, servers, count * sizeof(*servers)); /* they are all there */
}

const ip_addr_t ip_addr_any_type = IPADDR_ANY_TYPE_INIT;
struct ip_globals ip_data;
u32_t tcp_ticks;
struct netif *netif_list, *netif_default;

/* What is others' work. */
struct tcp_pcb *tcp_active_pcbs;

void tcp_free_ooseq(struct tcp_pcb *pcb) {}

void tcp_tmr(void) {}

void dns_tmr(void) {}

void mld6_tmr(void) {}

void time_wait_bound(void) {}

bool tcp_waits(void)
{
    return false;
}

struct netif *interface_netif(void)
{
    return &card;
}

uint64_t interface_active(void)
{
    return 0;
}

const struct lwip_cyclic_timer lwip_cyclic_timers[] = {
    { DHCP_COARSE_TIMER_MSECS, dhcp_coarse_tmr },
    { DHCP_FINE_TIMER_MSECS, dhcp_fine_tmr },
};
const int lwip_num_cyclic_timers = 2;

/* ---- the server */

/* Takes a number from the input. */
static uint32_t take(const uint8_t **at, const uint8_t *end)
{
    return *at < end ? *(*at)++ : 0;
}

static void message(const uint8_t **at, const uint8_t *end)
{
    static const uint8_t kinds[] = { DHCP_OFFER, DHCP_ACK, DHCP_NAK, DHCP_ACK };
    static uint8_t bytes[2048];
    struct dhcp_msg *head = (struct dhcp_msg *)bytes;
    uint32_t how = take(at, end), wrong = take(at, end), length = take(at, end) * 2;
    size_t size = offsetof(struct dhcp_msg, options);
    ip_addr_t from = IPADDR4_INIT_BYTES(10, 0, 2, 2);

    memset(bytes, 0, sizeof(bytes));
    head->op = DHCP_BOOTREPLY;
    head->htype = 1;
    head->hlen = 6;
    head->xid = last_xid;
    memcpy(head->chaddr, card.hwaddr, 6);
    head->cookie = PP_HTONL(DHCP_MAGIC_COOKIE);
    ip4_addr_t address = { .addr = PP_HTONL(0x0a000200) | (how & 7) << 24 };
    ip4_addr_copy(head->yiaddr, address);
    if (!(how & 8)) {
        static const uint8_t server[] = { DHCP_OPTION_SERVER_ID, 4, 10, 0, 2, 2 };
        bytes[size++] = DHCP_OPTION_MESSAGE_TYPE;
        bytes[size++] = 1;
        bytes[size++] = kinds[how >> 4 & 3];
        memcpy(bytes + size, server, sizeof(server));
        size += sizeof(server);
    }
    if (length > (size_t)(end - *at))
        length = (uint32_t)(end - *at);
    memcpy(bytes + size, *at, length);
    if (how & 64 && length >= 64) { /* overloaded: the input is there, too */
        memcpy(head->sname, *at, sizeof(head->sname));
        memcpy(head->file, *at, length < sizeof(head->file) ? length : sizeof(head->file));
    }
    *at += length;
    size += length;
    if (!(wrong & 1))
        bytes[size++] = DHCP_OPTION_END;
    if (how & 128) /* a head that is none, and one cut short */
        bytes[wrong % 44] ^= (uint8_t)(1 + wrong / 44);
    if (how & 128 && wrong > 200)
        size = wrong - 200;
    if (offered_count == sizeof(offered) / sizeof(offered[0]))
        return;
    ip4_addr_copy(offered[offered_count++], head->yiaddr);

    /* Of their very sizes, for ASan. */
    struct pbuf *packet = NULL;
    for (size_t begin = 0, piece; begin < size; begin += piece) {
        piece = 16 + wrong * 4 < size - begin ? 16 + wrong * 4 : size - begin;
        struct pbuf *part = pbuf_alloc(PBUF_RAW, (u16_t)piece, PBUF_RAM);
        memcpy(part->payload, bytes + begin, piece);
        if (packet)
            pbuf_cat(packet, part);
        else
            packet = part;
    }
    ip_data.current_input_netif = ip_data.current_netif = &card;
    if (packet && receive)
        receive(NULL, &udp, packet, &from, LWIP_IANA_PORT_DHCP_SERVER);
    else if (packet)
        pbuf_free(packet);
}

/* Time goes by as netd lets it: until a timer is due, or until something else wakes it. */
static void wait_for(uint64_t duration)
{
    uint64_t until = now + duration, begin = now;
    uint32_t before = sent;

    for (uint32_t i = 0; now < until; i++) {
        uint64_t deadline = timers_deadline(now);
        if (i > ADVANCES_MOST || deadline > until)
            deadline = until;
        must(deadline >= now);
        now = deadline;
        timers_run(now);
    }
    must(sent - before <= SENT_MOST * (1 + (now - begin) / (60 * SW_SECOND)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *at = data, *end = data + size;

    memset(&card, 0, sizeof(card));
    card.mtu = 1500;
    card.hwaddr_len = 6;
    memcpy(card.hwaddr, "\x52\x54\0\x12\x34\x56", 6);
    card.flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP | NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP;
    card.hostname = "swos";
    sent = offered_count = 0;
    random_state = 1;
    timers_run(now); /* what another input has left */
    must(dhcp_start(&card) == ERR_OK);
    while (at < end) {
        uint32_t what = take(&at, end);
        if (what & 1)
            message(&at, end);
        else if (what == 254)
            dhcp_network_changed(&card);
        else
            wait_for((uint64_t)what * what * what * SW_MILLISECOND); /* up to 4.5 hours */
        const struct dhcp *dhcp = netif_dhcp_data(&card);
        must(dhcp && (!dhcp_supplied_address(&card) || !ip4_addr_isany(netif_ip4_addr(&card))));
    }
    dhcp_release_and_stop(&card);
    dhcp_cleanup(&card);
    return 0;
}
