/* What `list` tells, as lines of words with tabs between them. */
#include "netd.h"
#include "sockets.h"
#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip_hooks.h>
#include <swos/log.h>

struct text {
    char *bytes;
    size_t capacity, length;
    bool cut;
    uint32_t from, next; /* of a list in parts */
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, format);
    size_t length = sw_format_list(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (length > text->capacity - text->length) {
        text->cut = true;
        return;
    }
    for (size_t i = 0; i < length; i++)
        text->bytes[text->length++] = line[i];
}

static const char *name_of(const struct netif *netif)
{
    return netif == interface_netif() ? "net0" : "lo";
}

static const char *address4(const ip4_addr_t *address)
{
    static char text[IP4ADDR_STRLEN_MAX];
    return ip4addr_ntoa_r(address, text, sizeof(text));
}

/* Without the zone, which the interface's name says. */
static const char *address6(const ip6_addr_t *address)
{
    static char text[IP6ADDR_STRLEN_MAX];
    ip6_addr_t bare;

    ip6_addr_copy(bare, *address);
    ip6_addr_clear_zone(&bare);
    for (char *at = ip6addr_ntoa_r(&bare, text, sizeof(text)); at && *at; at++)
        if (*at >= 'A' && *at <= 'F')
            *at += 'a' - 'A'; /* RFC 5952, 4.3 */
    return text;
}

static void put_card(struct text *text, const uint8_t bytes[6])
{
    put(text, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
        bytes[5]);
}

static unsigned bits_of(const ip4_addr_t *mask)
{
    return (unsigned)__builtin_popcount(mask->addr);
}

static void links(struct text *text)
{
    const struct netif *netif;

    NETIF_FOREACH(netif)
    {
        bool card = netif == interface_netif();
        put(text, "%s\t%u\t%u\t", name_of(netif), netif_get_index(netif), netif->mtu);
        if (card)
            put_card(text, netif->hwaddr);
        else
            put(text, "-");
        put(text, "\t%s\n", netif_is_up(netif) && netif_is_link_up(netif) ? "up" : "down");
    }
}

static void put_lifetime(struct text *text, uint32_t seconds)
{
    if (seconds == 0 || seconds == UINT32_MAX)
        put(text, "forever\n");
    else
        put(text, "%u\n", (unsigned)seconds);
}

static void addresses(struct text *text)
{
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        if (!ip4_addr_isany(netif_ip4_addr(netif))) {
            const struct dhcp *dhcp = netif_dhcp_data(netif);
            bool leased = dhcp && dhcp_supplied_address(netif);
            put(text, "%s\t4\t%s\t%u\t%s\tpreferred\t", name_of(netif),
                address4(netif_ip4_addr(netif)), bits_of(netif_ip4_netmask(netif)),
                leased ? "dhcp" : "static");
            put_lifetime(text, leased ? dhcp->offered_t0_lease : 0);
        }
        for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
            uint8_t state = netif_ip6_addr_state(netif, i);
            const ip6_addr_t *address = netif_ip6_addr(netif, i);
            bool loop = ip6_addr_isloopback(address), local = ip6_addr_islinklocal(address);

            if (ip6_addr_isinvalid(state))
                continue;
            put(text, "%s\t6\t%s\t%u\t%s\t%s\t", name_of(netif), address6(address), loop ? 128 : 64,
                loop || (!local && netif_ip6_addr_isstatic(netif, i)) ? "static"
                : local                                               ? "link"
                                                                      : "slaac",
                ip6_addr_istentative(state)             ? "tentative"
                : ip6_addr_isduplicated(state)          ? "duplicated"
                : ip6_addr_isdeprecated(state) && !loop ? "deprecated"
                                                        : "preferred");
            put_lifetime(text, netif_ip6_addr_valid_life(netif, i));
        }
    }
}

static void routes(struct text *text)
{
    const struct netif *netif;

    NETIF_FOREACH(netif)
    {
        if (ip4_addr_isany(netif_ip4_addr(netif)))
            continue;
        if (!ip4_addr_isany(netif_ip4_gw(netif)) && netif == interface_netif())
            put(text, "%s\t4\tdefault\t0\t%s\n", name_of(netif), address4(netif_ip4_gw(netif)));
        ip4_addr_t network;
        ip4_addr_get_network(&network, netif_ip4_addr(netif), netif_ip4_netmask(netif));
        put(text, "%s\t4\t%s\t%u\t-\n", name_of(netif), address4(&network),
            bits_of(netif_ip4_netmask(netif)));
    }
    const ip6_addr_t *gateway = lwip_port_gateway6(interface_netif(), NULL);
    if (gateway)
        put(text, "net0\t6\tdefault\t0\t%s\n", address6(gateway));
    for (int i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
        const struct nd6_router_list_entry *router = &default_router_list[i];
        if (router->neighbor_entry && router->invalidation_timer > 0)
            put(text, "%s\t6\tdefault\t0\t%s\n", name_of(router->neighbor_entry->netif),
                address6(&router->neighbor_entry->next_hop_address));
    }
    for (int i = 0; i < LWIP_ND6_NUM_PREFIXES; i++)
        if (prefix_list[i].netif && prefix_list[i].invalidation_timer > 0)
            put(text, "%s\t6\t%s\t64\t-\n", name_of(prefix_list[i].netif),
                address6(&prefix_list[i].prefix));
}

static void neighbours(struct text *text)
{
    for (size_t i = 0; i < ARP_TABLE_SIZE; i++) {
        ip4_addr_t *address;
        struct netif *netif;
        struct eth_addr *card;

        if (!etharp_get_entry(i, &address, &netif, &card))
            continue;
        put(text, "%s\t4\t%s\t", name_of(netif), address4(address));
        put_card(text, card->addr);
        put(text, "\treachable\n");
    }
    for (int i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
        static const char *const words[] = { "-",     "incomplete", "reachable",
                                             "stale", "delay",      "probe" };
        const struct nd6_neighbor_cache_entry *entry = &neighbor_cache[i];

        if (entry->state == ND6_NO_ENTRY || entry->state >= sizeof(words) / sizeof(words[0]))
            continue;
        put(text, "%s\t6\t%s\t", name_of(entry->netif), address6(&entry->next_hop_address));
        if (entry->state == ND6_INCOMPLETE)
            put(text, "-");
        else
            put_card(text, entry->lladdr);
        put(text, "\t%s\n", words[entry->state]);
    }
}

static void resolvers(struct text *text)
{
    ip_addr_t server;
    uint16_t port;

    for (uint32_t i = 0; setup_name_server(i, &server, &port); i++) {
        if (IP_IS_V6_VAL(server))
            put(text, "6\t%s\n", address6(ip_2_ip6(&server)));
        else
            put(text, "4\t%s\n", address4(ip_2_ip4(&server)));
    }
}

static void put_end(struct text *text, const ip_addr_t *address, uint16_t port)
{
    if (!address)
        put(text, "\t-\t0");
    else if (IP_IS_V6_VAL(*address))
        put(text, "\t%s\t%u", address6(ip_2_ip6(address)), port);
    else
        put(text, "\t%s\t%u", IP_IS_ANY_TYPE_VAL(*address) ? "*" : address4(ip_2_ip4(address)),
            port);
}

/* In parts, by the places of sockets in their table. */
static void sockets(struct text *text)
{
    struct socket_line line;
    size_t i = text->from, before = i, whole = 0;

    for (; socket_line(&i, &line); before = i, whole = text->length) {
        put(text, "%s\t%s\t%u\t%u\t%c", line.kind, line.state, (unsigned)line.unread,
            (unsigned)line.unacknowledged, IP_IS_V4_VAL(*line.local) ? '4' : '6');
        put_end(text, line.local, line.local_port);
        put_end(text, line.remote, line.remote_port);
        put(text, "\t%u\n", (unsigned)line.pid);
        if (text->cut) { /* the line belongs to the next part, if there was one before it */
            text->length = whole;
            text->next = (uint32_t)before;
            text->cut = whole == 0;
            return;
        }
    }
}

bool report(uint32_t what, uint32_t from, char *bytes, size_t capacity, size_t *out_length,
            uint32_t *out_next, bool *out_known)
{
    static void (*const lists[])(struct text *) = {
        [SW_NET_LINKS] = links,           [SW_NET_ADDRESSES] = addresses, [SW_NET_ROUTES] = routes,
        [SW_NET_NEIGHBOURS] = neighbours, [SW_NET_RESOLVERS] = resolvers, [SW_NET_SOCKETS] = sockets
    };
    struct text text = { .bytes = bytes, .capacity = capacity, .from = from };

    *out_known = what < sizeof(lists) / sizeof(lists[0]) && lists[what];
    if (*out_known && (from == 0 || what == SW_NET_SOCKETS))
        lists[what](&text);
    *out_length = text.length;
    *out_next = text.next;
    return !text.cut;
}
