/* What the settings say (settings.h), put in force: addresses, name servers, keep-alive, time servers.
 *
 * Settings come with the start and at any time after it. What they do not change goes on: a lease is
 * kept when another key changes. */
#include "netd.h"
#include "resolver.h"
#include "settings.h"
#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/nd6.h>
#include <lwip/prot/dns.h>
#include <stdlib.h>
#include <string.h>
#include <swos/log.h>
#include <swos/status.h>

#include "lwip_hooks.h"

#define TEXT_MOST 65536u

u32_t lwip_port_keep_idle, lwip_port_keep_interval, lwip_port_keep_probes;

static struct settings current;
static ip6_addr_t gateway6;
static bool has_gateway6;

const struct settings *setup_settings(void)
{
    return &current;
}

const ip6_addr_t *lwip_port_gateway6(struct netif *netif, const ip6_addr_t *destination)
{
    (void)destination;
    return has_gateway6 && netif == interface_netif() ? &gateway6 : NULL;
}

bool setup_name_server(uint32_t index, ip_addr_t *out, uint16_t *out_port)
{
    *out_port = DNS_SERVER_PORT;
    if (current.dns_count > 0) {
        const struct settings_address *server = &current.dns[index % SETTINGS_SERVERS];
        if (index >= current.dns_count)
            return false;
        *out_port = server->port;
        return netd_address(server->bytes, server->family, 0, out);
    }
    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++) {
        if (ip_addr_isany(dns_getserver(i)))
            continue;
        if (index-- == 0) {
            ip_addr_copy(*out, *dns_getserver(i));
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ addresses */

static void address4(const struct settings_address *from, ip4_addr_t *out)
{
    memcpy(&out->addr, from->bytes, sizeof(out->addr));
}

static void address6(const struct settings_address *from, ip6_addr_t *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->addr, from->bytes, 16);
    ip6_addr_assign_zone(out, IP6_UNICAST, interface_netif());
}

static void apply_ipv4(void)
{
    struct netif *netif = interface_netif();
    ip4_addr_t address = { 0 }, mask = { 0 }, gateway = { 0 };

    if (current.ipv4.mode == SETTINGS_AUTOMATIC) {
        netif_set_addr(netif, &address, &mask, &gateway);
        if (netif_is_link_up(netif))
            dhcp_start(netif);
        return;
    }
    dhcp_release_and_stop(netif);
    if (current.ipv4.mode == SETTINGS_STATIC) {
        address4(&current.ipv4.address, &address);
        mask.addr = lwip_htonl(~0u << (32 - current.ipv4.address.bits));
        address4(&current.ipv4.gateway, &gateway);
    }
    netif_set_addr(netif, &address, &mask, &gateway);
}

static void apply_ipv6(void)
{
    struct netif *netif = interface_netif();
    bool on = current.ipv6.mode != SETTINGS_OFF;
    ip6_addr_t address;

    netif->ip6_autoconfig_enabled = current.ipv6.mode == SETTINGS_AUTOMATIC;
    /* Slot 0 is the link-local address, which stays while there is IPv6. */
    for (s8_t i = on ? 1 : 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        netif_ip6_addr_set_state(netif, i, IP6_ADDR_INVALID);
        netif_ip6_addr_set_valid_life(netif, i, IP6_ADDR_LIFE_STATIC);
        netif_ip6_addr_set_pref_life(netif, i, IP6_ADDR_LIFE_STATIC);
    }
    if (on && ip6_addr_isinvalid(netif_ip6_addr_state(netif, 0)))
        netif_create_ip6_linklocal_address(netif, 1);
    if (current.ipv6.mode == SETTINGS_STATIC) {
        address6(&current.ipv6.address, &address);
        netif_add_ip6_address(netif, &address, NULL);
    }
    has_gateway6 = current.ipv6.mode == SETTINGS_STATIC && current.ipv6.gateway.family == 6;
    if (has_gateway6)
        address6(&current.ipv6.gateway, &gateway6);
    nd6_clear_destination_cache();
    if (netif_is_link_up(netif))
        nd6_restart_netif(netif); /* solicits routers */
    interface_touch();            /* so that somebody looks whether another has the address */
}

void setup_apply_addresses(void)
{
    apply_ipv4();
    apply_ipv6();
}

void setup_link_up(void)
{
    if (current.ipv4.mode == SETTINGS_AUTOMATIC)
        dhcp_start(interface_netif());
}

/* ------------------------------------------------------------------ settings */

static void take(const struct settings *settings)
{
    current = *settings;
    lwip_port_keep_idle = current.keep_idle * 1000;
    lwip_port_keep_interval = current.keep_interval * 1000;
    lwip_port_keep_probes = current.keep_probes;
}

static status_t load(handle_t memory, struct settings *out)
{
    uint64_t size, committed, done;
    uint32_t sealed, line;
    status_t status = sw_memory_info(memory, &size, &committed, &sealed);

    if (status != SW_OK)
        return status;
    if (size > TEXT_MOST)
        return SW_TOO_LARGE;
    char *text = malloc(size + 1);
    if (!text)
        return SW_NO_MEMORY;
    status = sw_memory_read(memory, 0, text, size, &done);
    text[status == SW_OK ? done : 0] = 0; /* the text ends there, the memory with its page */
    if (status == SW_OK && !settings_parse(text, strlen(text), out, &line)) {
        sw_log(SW_LOG_ERROR, "settings: line %u makes no sense; those in force stay",
               (unsigned)line);
        status = SW_INVALID;
    }
    free(text);
    return status;
}

void setup_open(handle_t memory)
{
    static struct settings settings;
    status_t status = memory ? load(memory, &settings) : SW_OK;

    if (!memory || status != SW_OK)
        settings_default(&settings);
    if (status != SW_OK && status != SW_INVALID)
        sw_log(SW_LOG_ERROR, "settings: %s", sw_status_text(status));
    take(&settings);
}

static bool differ(const struct settings_interface *a, const struct settings_interface *b)
{
    return memcmp(a, b, sizeof(*a)) != 0; /* they are built from zeros, without padding between */
}

_Static_assert(sizeof(struct settings_interface) == sizeof(enum settings_mode) + 2 * 20,
               "no padding");

status_t setup_load(handle_t memory)
{
    static struct settings settings;
    status_t status = load(memory, &settings);

    if (status != SW_OK)
        return status;
    bool ipv4 = differ(&settings.ipv4, &current.ipv4), ipv6 = differ(&settings.ipv6, &current.ipv6);
    bool time = settings.sntp_count != current.sntp_count ||
                memcmp(settings.sntp, current.sntp, sizeof(settings.sntp)) != 0;
    if (settings.dns_count != current.dns_count ||
        memcmp(settings.dns, current.dns, sizeof(settings.dns)) != 0)
        resolver_forget();
    take(&settings);
    if (ipv4)
        apply_ipv4();
    if (ipv6)
        apply_ipv6();
    if (time)
        sntp_start();
    sw_log(SW_LOG_INFO, "settings: taken");
    return SW_OK;
}
