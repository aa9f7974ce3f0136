/* Addresses across netd's death: a successor has them from the first packet on, for what comes to
 * another address is dropped, and then asks whether it may keep them (RFC 2131, 3.2; a router's next
 * advertisement says so for IPv6). So it has IPv6 routers and prefixes: without them nothing could be sent
 * until they are heard of again. */
#include "netd.h"
#include "vault.h"
#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/prot/dhcp.h>
#include <string.h>
#include <swos/clock.h>

struct noted_ip6 {
    uint8_t address[16];
    uint32_t state;            /* lwIP's; 0: none */
    uint32_t valid, preferred; /* seconds from `noted` on */
};

struct noted_router {
    uint8_t address[16];
    uint8_t card[NETIF_MAX_HWADDR_LEN];
    uint16_t reserved;
    uint32_t valid; /* 0: none */
};

struct noted_prefix {
    uint8_t address[16];
    uint32_t valid; /* 0: none */
};

struct noted {
    uint64_t noted;                  /* monotonic ns */
    uint32_t address, mask, gateway; /* in network order; 0: none */
    uint32_t leased;
    uint32_t
        servers[DNS_MAX_SERVERS]; /* of names; IPv4 only: the others come with advertisements */
    struct noted_ip6 ip6[LWIP_IPV6_NUM_ADDRESSES];
    struct noted_router routers[LWIP_ND6_NUM_ROUTERS];
    struct noted_prefix prefixes[LWIP_ND6_NUM_PREFIXES];
};
_Static_assert(sizeof(struct noted) <= NOTE_MOST, "note");

static struct noted found;
static bool is_found;

void addresses_note(const struct netif *netif)
{
    struct noted note;

    memset(&note, 0, sizeof(note));
    note.noted = sw_clock_monotonic();
    note.address = netif_ip4_addr(netif)->addr;
    note.mask = netif_ip4_netmask(netif)->addr;
    note.gateway = netif_ip4_gw(netif)->addr;
    note.leased = dhcp_supplied_address(netif) || (is_found && found.address == note.address);
    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++)
        if (IP_IS_V4(dns_getserver(i)))
            note.servers[i] = ip_2_ip4(dns_getserver(i))->addr;
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (!ip6_addr_isvalid(netif_ip6_addr_state(netif, i)))
            continue;
        memcpy(note.ip6[i].address, netif_ip6_addr(netif, i)->addr, 16);
        note.ip6[i].state = netif_ip6_addr_state(netif, i);
        note.ip6[i].valid = netif_ip6_addr_valid_life(netif, i);
        note.ip6[i].preferred = netif_ip6_addr_pref_life(netif, i);
    }
    for (int i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
        const struct nd6_neighbor_cache_entry *neighbour = default_router_list[i].neighbor_entry;
        if (!neighbour || neighbour->netif != netif || neighbour->state < ND6_REACHABLE)
            continue;
        memcpy(note.routers[i].address, neighbour->next_hop_address.addr, 16);
        memcpy(note.routers[i].card, neighbour->lladdr, sizeof(note.routers[i].card));
        note.routers[i].valid = default_router_list[i].invalidation_timer;
    }
    for (int i = 0; i < LWIP_ND6_NUM_PREFIXES; i++) {
        if (prefix_list[i].netif != netif)
            continue;
        memcpy(note.prefixes[i].address, prefix_list[i].prefix.addr, 16);
        note.prefixes[i].valid = prefix_list[i].invalidation_timer;
    }
    vault_note_put(&note, sizeof(note));
}

/* What is left of a lifetime; forever stays, and an address that is over has a minute for its router to
 * say otherwise. */
static uint32_t rest(uint32_t life, uint32_t gone)
{
    if (life == IP6_ADDR_LIFE_STATIC || life == IP6_ADDR_LIFE_INFINITE)
        return life;
    return life > gone + 60 ? life - gone : 60;
}

static void routers_revive(struct netif *netif, uint32_t gone)
{
    for (int i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
        const struct noted_router *router = &found.routers[i];
        struct nd6_neighbor_cache_entry *neighbour = &neighbor_cache[i]; /* nobody has any yet */
        if (router->valid == 0)
            continue;
        memcpy(neighbour->next_hop_address.addr, router->address, 16);
        ip6_addr_assign_zone(&neighbour->next_hop_address, IP6_UNICAST, netif);
        memcpy(neighbour->lladdr, router->card, sizeof(router->card));
        neighbour->netif = netif;
        neighbour->state = ND6_STALE; /* it is asked when it is used */
        neighbour->isrouter = 1;
        default_router_list[i].neighbor_entry = neighbour;
        default_router_list[i].invalidation_timer = rest(router->valid, gone);
    }
    for (int i = 0; i < LWIP_ND6_NUM_PREFIXES; i++) {
        if (found.prefixes[i].valid == 0)
            continue;
        memcpy(prefix_list[i].prefix.addr, found.prefixes[i].address, 16);
        ip6_addr_assign_zone(&prefix_list[i].prefix, IP6_UNICAST, netif);
        prefix_list[i].netif = netif;
        prefix_list[i].invalidation_timer = rest(found.prefixes[i].valid, gone);
    }
}

void addresses_revive(struct netif *netif, bool ipv4, bool ipv6)
{
    is_found = vault_note_get(&found, sizeof(found));
    if (!is_found)
        return;
    uint32_t gone = (uint32_t)((sw_clock_monotonic() - found.noted) / SW_SECOND);
    ip4_addr_t address = { found.address }, mask = { found.mask }, gateway = { found.gateway };
    if (ipv4 && found.address)
        netif_set_addr(netif, &address, &mask, &gateway);
    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++) {
        ip_addr_t server;
        ip_addr_set_ip4_u32_val(server, found.servers[i]);
        if (found.servers[i])
            dns_setserver(i, &server);
    }
    if (ipv6)
        routers_revive(netif, gone);
    for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        ip6_addr_t ip6;
        if (!ip6_addr_isvalid(found.ip6[i].state))
            continue;
        memset(&ip6, 0, sizeof(ip6));
        memcpy(ip6.addr, found.ip6[i].address, 16);
        ip6_addr_assign_zone(&ip6, IP6_UNICAST, netif);
        if (!ipv6 && (ip6_addr_isinvalid(netif_ip6_addr_state(netif, i)) ||
                      !ip6_addr_cmp(&ip6, netif_ip6_addr(netif, i))))
            continue;
        netif_ip6_addr_set(netif, i, &ip6);
        netif_ip6_addr_set_state(netif, i, (u8_t)found.ip6[i].state);
        netif_ip6_addr_set_valid_life(netif, i, rest(found.ip6[i].valid, gone));
        netif_ip6_addr_set_pref_life(netif, i, rest(found.ip6[i].preferred, gone));
    }
}

bool addresses_reboot(struct netif *netif)
{
    if (!is_found || !found.address || !found.leased || netif_dhcp_data(netif) ||
        dhcp_start(netif) != ERR_OK) /* the link is down: it only makes its state */
        return false;
    struct dhcp *dhcp = netif_dhcp_data(netif);
    ip4_addr_set_u32(&dhcp->offered_ip_addr, found.address);
    dhcp->state = DHCP_STATE_REBOOTING;
    return true;
}
