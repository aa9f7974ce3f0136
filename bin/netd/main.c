/* netd: the TCP/IP stack.
 *
 * Start handles: `pool` (the packet pool), `wake/netd` (event that wakes us), `wake/nicd` (event that
 * wakes the driver), `settings` (settings.h), `clock` (to set it), `serve`, and `log`, `names` if given. One thread around one port: packets,
 * calls and lwIP's timers are handled in turn, none waits for another. Nothing wakes netd when
 * nothing happens (timers.c). */
#include "netd.h"
#include "resolver.h"
#include "settings.h"
#include "sockets.h"
#include "vault.h"
#include <lwip/dns.h>
#include <lwip/init.h>
#include <lwip/tcp.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/service.h>
#include <swos/start.h>
#include <swos/status.h>
#include <unistd.h>

enum key {
    KEY_CHANNEL,
    KEY_WAKE,
    KEY_INTERRUPT,
    KEY_SOCKETS
}; /* the last and what is above: sockets */

#define TERMINATED 143    /* as if there were no interrupt event */
#define REPORT_MOST 32768 /* at once */
#define HEAP_SPARE (16 * SW_PAGE)

/* What is shared out among programs. */
static const uint32_t there_is[SHARE_KINDS] = {
    [SHARE_SOCKETS] = SOCKETS_MOST,
    [SHARE_DATAGRAMS] = 8u << 20,
    [SHARE_PINGS] = QUERY_PINGS,
    [SHARE_NAMES] = QUERY_NAMES,
};

static struct sw_server server;
static handle_t wake_us;

void netd_fail(const char *what, status_t status)
{
    sw_log(SW_LOG_ERROR, "%s: %s", what, sw_status_text(status));
    exit(1);
}

struct owner netd_owner(const struct sw_request *request)
{
    const struct sw_event *event = &request->event;

    return (struct owner){ .account = event->principal,
                           .session = event->session ? event->session
                                                     : SHARE_SERVICE | (uint32_t)event->badge,
                           .pid = event->pid };
}

status_t netd_status(err_t error)
{
    switch (error) {
    case ERR_OK:
        return SW_OK;
    case ERR_MEM:
    case ERR_BUF:
        return SW_NO_MEMORY;
    case ERR_TIMEOUT:
        return SW_TIMED_OUT;
    case ERR_RTE:
        return SW_UNREACHABLE;
    case ERR_USE:
        return SW_IN_USE;
    case ERR_RST:
    case ERR_ABRT:
        return SW_RESET;
    case ERR_CLSD:
    case ERR_CONN:
        return SW_NOT_CONNECTED;
    default:
        return SW_INVALID;
    }
}

bool netd_address(const uint8_t bytes[16], uint32_t family, uint32_t scope, ip_addr_t *out)
{
    if (family == SW_NET_IPV4) {
        u32_t word;
        memcpy(&word, bytes, sizeof(word));
        ip_addr_set_ip4_u32_val(*out, word);
        return true;
    }
    if (family != SW_NET_IPV6)
        return false;
    memset(out, 0, sizeof(*out));
    IP_SET_TYPE_VAL(*out, IPADDR_TYPE_V6);
    memcpy(ip_2_ip6(out)->addr, bytes, 16);
    if (ip6_addr_has_scope(ip_2_ip6(out), IP6_UNKNOWN)) {
        /* A link-local address without its link is on the card's. */
        const struct netif *netif = scope ? netif_get_by_index((u8_t)scope) : NULL;
        ip6_addr_assign_zone(ip_2_ip6(out), IP6_UNKNOWN, netif ? netif : interface_netif());
    }
    return true;
}

void netd_address_put(const ip_addr_t *address, uint8_t bytes[16])
{
    memset(bytes, 0, 16);
    if (IP_IS_V6(address))
        memcpy(bytes, ip_2_ip6(address)->addr, 16);
    else
        memcpy(bytes, &ip_2_ip4(address)->addr, 4);
}

void netd_name_server(char *text, size_t capacity)
{
    ip_addr_t address;
    uint16_t port;

    if (setup_name_server(0, &address, &port))
        ipaddr_ntoa_r(&address, text, (int)capacity);
}

/* ------------------------------------------------------------------ the protocol */

static status_t handle_list(struct sw_request *request, const struct sw_net_list_request *in,
                            struct sw_net_list_reply *out)
{
    static char text[REPORT_MOST];
    size_t length, capacity = sizeof(text);
    bool known;
    uint64_t done;

    if (!settings_may_look(request->event.badge))
        return SW_ACCESS;
    if (capacity > request->event.data_length)
        capacity = request->event.data_length;
    if (!report(in->what, in->from, text, capacity, &length, &out->next, &known))
        return SW_TOO_LARGE;
    if (!known)
        return SW_INVALID;
    out->bytes = (uint32_t)length;
    return length > 0 ? sw_call_write(request->event.token, 0, text, length, &done) : SW_OK;
}

static status_t handle_ping(struct sw_request *request, const struct sw_net_ping_request *in,
                            struct sw_net_ping_reply *out)
{
    (void)out;
    if (!settings_may_connect(setup_settings(), request->event.badge, in->address, in->family))
        return SW_ACCESS;
    return query_ping(request, in);
}

static status_t handle_resolve(struct sw_request *request, const struct sw_net_resolve_request *in,
                               const char *name, size_t name_length,
                               struct sw_net_resolve_reply *out)
{
    if (!settings_may_connect_anywhere(setup_settings(), request->event.badge))
        return SW_ACCESS;
    return query_resolve(request, in, name, name_length, out);
}

static status_t handle_connect(struct sw_request *request, const struct sw_net_connect_request *in,
                               struct sw_net_connect_reply *out)
{
    (void)out;
    if (!settings_may_connect(setup_settings(), request->event.badge, in->address, in->family))
        return SW_ACCESS;
    return socket_connect(request, in);
}

static status_t handle_listen(struct sw_request *request, const struct sw_net_listen_request *in,
                              struct sw_net_listen_reply *out)
{
    if (!settings_may_listen(setup_settings(), request->event.badge, in->port))
        return SW_ACCESS;
    return socket_listen(request, in, out);
}

/* A UDP socket at a port of netd's choice is one to ask others with. */
static status_t handle_bind(struct sw_request *request, const struct sw_net_bind_request *in,
                            struct sw_net_bind_reply *out)
{
    const struct settings *settings = setup_settings();
    uint64_t badge = request->event.badge;

    if (in->port ? !settings_may_listen(settings, badge, in->port)
                 : !settings_may_connect_anywhere(settings, badge))
        return SW_ACCESS;
    return socket_bind(request, in, out);
}

static status_t handle_configure(struct sw_request *request,
                                 const struct sw_net_configure_request *in,
                                 struct sw_net_configure_reply *out)
{
    (void)in, (void)out;
    if (request->event.badge != SETTINGS_ADMINISTER)
        return SW_ACCESS;
    return request->event.received_count == 1 ? setup_load(request->event.received[0])
                                              : SW_BAD_MESSAGE;
}

static const struct sw_net_handlers handlers = {
    .list = handle_list,
    .ping = handle_ping,
    .resolve = handle_resolve,
    .connect = handle_connect,
    .listen = handle_listen,
    .bind = handle_bind,
    .configure = handle_configure,
};

/* ------------------------------------------------------------------ the loop */

/* Before anything is handled: what begins now must not be counted the time that went by in sleep. */
static void wake(void)
{
    timers_run(sw_clock_monotonic());
}

/* What a burst took goes back when it is over: with larger rings it can be a hundred KiB, which malloc keeps
 * at the end of the heap otherwise, more or less of it each time. */
static void heap_trim(void)
{
    static uintptr_t kept; /* where the heap ended then */
    uintptr_t end = (uintptr_t)sbrk(0);

    if (!kept)
        kept = end;
    if (end > kept + HEAP_SPARE && !tcp_sends()) {
        malloc_trim(0);
        kept = (uintptr_t)sbrk(0);
    }
}

/* After anything that happened, before sleeping. */
static void settle(void)
{
    uint64_t now = sw_clock_monotonic(), queries, timers;

    sockets_review();
    queries_run(now);
    sockets_run(now);
    timers_run(now);
    resolver_run(now);
    sntp_run(now);
    if (interface_settle())
        sw_event_update(wake_us, 0, 1, NULL); /* others' events come first */
    heap_trim();
    timers = timers_deadline(now);
    queries = queries_deadline();
    uint64_t sockets = sockets_deadline();
    server.deadline = timers < queries ? timers : queries;
    if (sockets < server.deadline)
        server.deadline = sockets;
    if (resolver_deadline() < server.deadline)
        server.deadline = resolver_deadline();
    if (sntp_deadline() < server.deadline)
        server.deadline = sntp_deadline();
}

static void on_event(struct sw_server *from, const struct sw_event *event)
{
    (void)from;
    if (event->key == KEY_INTERRUPT) {
        vault_clock_put(false); /* stopped by hand: the next netd believes the first answer */
        exit(TERMINATED);
    }
    wake();
    if (event->key == KEY_WAKE) {
        sw_event_update(wake_us, 1, 0, NULL);
        if (interface_work())
            sw_event_update(wake_us, 0, 1, NULL);
    } else {
        socket_event(event->key);
    }
    settle();
}

static void on_closed(struct sw_server *from, uint64_t key, uint64_t badge)
{
    (void)from, (void)key;
    wake();
    socket_closed(badge);
    settle();
}

static status_t on_message(struct sw_server *from, struct sw_request *request)
{
    (void)from;
    wake();
    status_t status = request->event.badge < SOCKET_BADGES ? sw_net_dispatch(&handlers, request)
                                                           : socket_message(request);
    settle();
    return status;
}

static void on_timeout(struct sw_server *from)
{
    (void)from;
    settle();
}

/* Asked to end: an event like others, between two of them. */
static status_t interrupts_open(void)
{
    handle_t event;
    status_t status = sw_event_create(&event);

    if (status == SW_OK)
        status = sw_port_bind(server.port, event, UINT64_MAX, KEY_INTERRUPT);
    return status == SW_OK ? sw_process_on_interrupt(event) : status;
}

int main(void)
{
    server = (struct sw_server){
        .message = on_message, .closed = on_closed, .event = on_event, .timeout = on_timeout
    };
    wake_us = sw_start_get("wake/netd");
    status_t status = sw_server_serve(&server, sw_start_get("serve"), KEY_CHANNEL);
    if (status != SW_OK)
        netd_fail("serve", status);
    lwip_init();
    shares_open(there_is);
    bool found;
    if ((status = vault_open(&found)) != SW_OK)
        netd_fail("the vault", status);
    sockets_open(sw_start_get("serve"), server.port, KEY_SOCKETS);
    setup_open(sw_start_get("settings"));
    sntp_open(sw_start_get("clock"));
    status = interface_open(sw_start_get("pool"), sw_start_get("wake/nicd"));
    if (status != SW_OK)
        netd_fail("the packet pool", status);
    if ((status = queries_open()) != SW_OK || (status = interrupts_open()) != SW_OK ||
        (status = sw_port_bind(server.port, wake_us, UINT64_MAX, KEY_WAKE)) != SW_OK)
        netd_fail("start", status);
    if (found)
        sockets_revive();
    sw_event_update(wake_us, 0, 1, NULL); /* what has come before we were there */
    settle();
    if ((status = sw_service_ready()) != SW_OK && status != SW_NOT_FOUND)
        sw_log(SW_LOG_WARNING, "ready: %s", sw_status_text(status));
    netd_fail("wait", sw_server_run(&server));
}
