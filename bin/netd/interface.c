/* The network card as lwIP sees it: a netif over the packet pool.
 *
 * A received packet is handled in place. What lwIP keeps of it beyond that (segments out of order,
 * data a connection has no room for) is copied then, since the buffer goes back to the driver; what
 * is known to be kept (fragments) is copied at once. */
#include "netd.h"
#include "settings.h"
#include "sockets.h"
#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <netif/ethernet.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/packets.h>

#define BATCH 64 /* packets before other events are looked at */
#define MTU_LEAST 576u
#define MTU_MOST 1500u

/* A received packet while lwIP has it. */
struct frame {
    struct pbuf_custom custom;
    struct frame *next; /* in the free list */
    uint8_t *copy;      /* NULL while it lies in the pool */
    bool held;          /* lwIP has it */
};

static struct netif netif;
static struct packet_stack stack;
static struct sw_packet_pool *pool;
static handle_t driver_event;
static bool full;             /* a frame was not sent for want of room */
static uint64_t active;       /* when a packet came or went last */
static struct frame *frames;  /* free ones */
static uint8_t *spare;        /* where the next kept packet goes */
static uint32_t kept;         /* packets that lie in a copy */
static ip4_addr_t told_lease; /* the address the log was told of */
static bool told_local, told_fault;

struct netif *interface_netif(void)
{
    return &netif;
}

uint64_t interface_active(void)
{
    return active;
}

uint32_t interface_kept(void)
{
    return kept;
}

void interface_touch(void)
{
    active = sw_clock_monotonic();
}

/* ------------------------------------------------------------------ sending */

static err_t frame_send(struct netif *to, struct pbuf *packet)
{
    uint8_t *room = packet_stack_room(&stack);

    (void)to;
    if (!room) {
        full = true;
        return ERR_MEM;
    }
    if (packet->tot_len > SW_PACKET_MOST || packet->tot_len < SW_PACKET_LEAST)
        return ERR_BUF;
    pbuf_copy_partial(packet, room, packet->tot_len, 0);
    packet_stack_send(&stack, packet->tot_len);
    active = sw_clock_monotonic();
    return ERR_OK;
}

/* ------------------------------------------------------------------ receiving */

static void frame_free(struct pbuf *packet)
{
    struct frame *frame = (struct frame *)packet;

    kept -= frame->copy != NULL;
    free(frame->copy);
    frame->copy = NULL;
    frame->held = false;
    frame->next = frames;
    frames = frame;
}

static struct frame *frame_take(void)
{
    struct frame *frame = frames;

    if (frame) {
        frames = frame->next;
        return frame;
    }
    frame = calloc(1, sizeof(*frame));
    if (frame)
        frame->custom.custom_free_function = frame_free;
    return frame;
}

/* lwIP goes on holding a packet whose buffer must go: moves its bytes, and every pointer into them.
 * Those are the payload of the packet, and the TCP header of a segment out of order. */
static void frame_keep(struct frame *frame, uint8_t *bytes, uint32_t length)
{
    struct pbuf *packet = &frame->custom.pbuf;

    memcpy(spare, bytes, length);
    packet->payload = spare + ((uint8_t *)packet->payload - bytes);
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        for (struct tcp_seg *segment = pcb->ooseq; segment; segment = segment->next) {
            if (segment->p == packet) {
                segment->tcphdr = (struct tcp_hdr *)(spare + ((uint8_t *)segment->tcphdr - bytes));
                pcb = NULL;
                break;
            }
        }
        if (!pcb)
            break;
    }
    frame->copy = spare;
    kept++;
    spare = NULL;
}

/* Fragments wait for each other, and their reassembly points into them. */
static bool is_fragment(const uint8_t *frame, uint32_t length)
{
    const struct eth_hdr *ethernet = (const struct eth_hdr *)frame;
    const uint8_t *packet = frame + SIZEOF_ETH_HDR;

    if (ethernet->type == PP_HTONS(ETHTYPE_IP) && length >= SIZEOF_ETH_HDR + IP_HLEN)
        return (((packet[6] << 8) | packet[7]) & (IP_MF | IP_OFFMASK)) != 0;
    if (ethernet->type == PP_HTONS(ETHTYPE_IPV6) && length >= SIZEOF_ETH_HDR + IP6_HLEN)
        return packet[6] != IP6_NEXTH_TCP && packet[6] != IP6_NEXTH_UDP &&
               packet[6] != IP6_NEXTH_ICMP6;
    return false;
}

static void handle_copied(const uint8_t *bytes, uint32_t length)
{
    struct pbuf *packet = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);

    if (packet) {
        pbuf_take(packet, bytes, (u16_t)length);
        if (netif.input(packet, &netif) != ERR_OK)
            pbuf_free(packet);
    }
}

static void handle(uint8_t *bytes, uint32_t length)
{
    struct frame *frame;

    if (is_fragment(bytes, length)) {
        handle_copied(bytes, length);
        return;
    }
    if (!spare)
        spare = malloc(SW_PACKET_MOST);
    frame = frame_take();
    if (!spare || !frame) { /* no memory: the packet is lost, as on any wire */
        if (frame)
            frame_free(&frame->custom.pbuf);
        return;
    }
    frame->held = true;
    struct pbuf *packet = pbuf_alloced_custom(PBUF_RAW, (u16_t)length, PBUF_REF, &frame->custom,
                                              bytes, (u16_t)length);
    if (netif.input(packet, &netif) != ERR_OK)
        pbuf_free(packet);
    if (frame->held)
        frame_keep(frame, bytes, length);
}

static void look_at_link(void)
{
    bool up = pool->link != 0;

    if (up && !netif_is_link_up(&netif)) {
        if (setup_settings()->ipv4.mode == SETTINGS_AUTOMATIC && addresses_reboot(&netif)) {
            netif_set_link_up(&netif); /* asks for the lease there was */
        } else {
            netif_set_link_up(&netif);
            setup_link_up();
        }
    } else if (!up && netif_is_link_up(&netif)) {
        netif_set_link_down(&netif);
    }
}

bool interface_work(void)
{
    uint8_t *bytes;
    uint32_t length, count = 0;

    packet_stack_wake(&stack);
    look_at_link();
    for (; count < BATCH && packet_stack_receive(&stack, &bytes, &length); count++) {
        handle(bytes, length);
        packet_stack_release(&stack);
    }
    if (count > 0)
        active = sw_clock_monotonic();
    return count == BATCH;
}

bool interface_settle(void)
{
    bool quiet;

    do
        netif_poll_all();
    while (sockets_acknowledge());
    if (packet_stack_flush(&stack))
        sw_event_update(driver_event, 0, 1, NULL);
    if (stack.faults > 0 && !told_fault) {
        told_fault = true;
        sw_log(SW_LOG_ERROR, "the packet pool makes no sense in places; those are left out");
    }
    quiet = packet_stack_sleep(&stack, full);
    if (full && packet_stack_room(&stack)) {
        full = false;
        for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
            if (pcb->unsent)
                tcp_output(pcb);
        return true;
    }
    return !quiet;
}

/* ------------------------------------------------------------------ the card and its addresses */

static void on_status(struct netif *changed)
{
    char dns[IPADDR_STRLEN_MAX] = "-", gateway[IPADDR_STRLEN_MAX], lease[IPADDR_STRLEN_MAX];
    const ip4_addr_t *address = netif_ip4_addr(changed);

    sntp_network();
    if (!told_local && ip6_addr_ispreferred(netif_ip6_addr_state(changed, 0))) {
        told_local = true;
        sw_log(SW_LOG_INFO, "net: IPv6 link-local configured");
    }
    addresses_note(changed);
    if (!dhcp_supplied_address(changed) || ip4_addr_cmp(address, &told_lease))
        return;
    ip4_addr_copy(told_lease, *address);
    ip4addr_ntoa_r(address, lease, sizeof(lease));
    ip4addr_ntoa_r(netif_ip4_gw(changed), gateway, sizeof(gateway));
    netd_name_server(dns, sizeof(dns));
    sw_log(SW_LOG_INFO, "net-dhcp OK: lease %s gateway %s dns %s", lease, gateway, dns);
}

static err_t on_init(struct netif *to)
{
    uint32_t mtu = *(volatile uint32_t *)&pool->mtu; /* once: the driver may change it meanwhile */

    to->name[0] = 'n';
    to->name[1] = 'e';
    to->hostname = "swos";
    to->mtu = mtu < MTU_LEAST || mtu > MTU_MOST ? MTU_MOST : (u16_t)mtu;
    to->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(to->hwaddr, pool->address, ETH_HWADDR_LEN);
    to->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
    to->output = etharp_output;
    to->output_ip6 = ethip6_output;
    to->linkoutput = frame_send;
    return ERR_OK;
}

status_t interface_open(handle_t memory, handle_t wake_driver)
{
    uint64_t size, committed;
    uint32_t sealed;
    void *mapped;
    status_t status = sw_memory_info(memory, &size, &committed, &sealed);

    if (status != SW_OK)
        return status;
    if (size < SW_PACKET_POOL_BYTES)
        return SW_INVALID;
    status = sw_mapping_map(memory, 0, SW_PACKET_POOL_BYTES, SW_MAP_READ | SW_MAP_WRITE, &mapped);
    if (status != SW_OK)
        return status;
    pool = mapped;
    if (pool->magic != SW_PACKET_MAGIC || pool->version != SW_PACKET_VERSION)
        return SW_VERSION;
    driver_event = wake_driver;
    packet_stack_open(&stack, mapped);
    if (stack.dropped > 0)
        sw_log(SW_LOG_WARNING, "the packet that was being handled when netd ended is left out");
    if (!netif_add(&netif, NULL, NULL, NULL, NULL, on_init, ethernet_input))
        return SW_NO_MEMORY;
    netif_set_default(&netif);
    setup_apply_addresses();
    addresses_revive(&netif, setup_settings()->ipv4.mode == SETTINGS_AUTOMATIC,
                     setup_settings()->ipv6.mode == SETTINGS_AUTOMATIC);
    netif_set_status_callback(&netif, on_status);
    netif_set_up(&netif);
    active = sw_clock_monotonic();
    look_at_link();
    return SW_OK;
}
