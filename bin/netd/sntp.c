/* The clock, by SNTP: asks one server after the other until one gives a good answer (ntp.h), then
 * rests. Servers are those of the settings, or where there are none those DHCP named.
 *
 * Each question has a port and a nonce of its own; what does not come from that server, to that port,
 * with that nonce, is not looked at. While nothing is asked nothing is open. */
#include "netd.h"
#include "ntp.h"
#include "resolver.h"
#include "settings.h"
#include "socket.h"
#include "vault.h"
#include <lwip/dhcp.h>
#include <lwip/udp.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/status.h>

#define ANSWER_TIME (5 * SW_SECOND)
#define REST_LEAST (16 * SW_SECOND) /* after a round in which nobody gave a good answer; doubles */
#define REST (1024 * SW_SECOND)     /* after a good answer, and the most after bad ones */
#define REST_MOST (36 * 3600 * SW_SECOND) /* where a server wants to be asked less often */

static handle_t clock_authority;
static ip4_addr_t named[LWIP_DHCP_MAX_NTP_SERVERS]; /* by DHCP */
static uint32_t named_count;

static enum { IDLE, RESOLVING, ASKED, RESTING } phase;
static uint32_t server, generation; /* being asked; of its name's lookup */
static bool denied[SETTINGS_SERVERS], asked_v6;
static uint64_t deadline = SW_NEVER, pause_time = REST_LEAST, rest = REST;
static bool answered;   /* with a good answer, since we started */
static uint64_t behind; /* by so much the clock is still ahead and is set back in pieces */
static uint64_t piece_due = SW_NEVER;

static struct udp_pcb *asking;
static ip_addr_t address;
static uint16_t port_asked;
static uint64_t nonce, sent, sent_wall;

static void ask_next(void);

/* ------------------------------------------------------------------ the clock */

static void clock_add(int64_t offset)
{
    status_t status = clock_authority
                          ? sw_time_set(clock_authority, sw_clock_wall() + (uint64_t)offset)
                          : SW_ACCESS;

    if (status != SW_OK)
        sw_log(SW_LOG_ERROR, "the clock cannot be set: %s", sw_status_text(status));
}

static void act(const struct ntp_sample *sample)
{
    uint64_t size = sample->offset < 0 ? -(uint64_t)sample->offset : (uint64_t)sample->offset;
    enum ntp_action action = ntp_decide(sample->offset, !vault_clock_is_set());
    static const char *const words[] = { [NTP_LEAVE] = "left as it is",
                                         [NTP_STEP] = "set",
                                         [NTP_SLEW] = "set back bit by bit",
                                         [NTP_REFUSE] = "not set: too far to be believed" };
    char name[IPADDR_STRLEN_MAX];

    ipaddr_ntoa_r(&address, name, sizeof(name));
    sw_log(action == NTP_REFUSE ? SW_LOG_ERROR : SW_LOG_INFO,
           "net-sntp %s: server %s stratum %u offset %c%u.%06u s, clock %s",
           action == NTP_REFUSE ? "FAILED" : "OK", name, (unsigned)sample->stratum,
           sample->offset < 0 ? '-' : '+', (unsigned)(size / SW_SECOND),
           (unsigned)(size % SW_SECOND / SW_MICROSECOND), words[action]);
    if (action == NTP_REFUSE)
        return;
    answered = true;
    vault_clock_put(true);
    behind = action == NTP_SLEW ? size : 0;
    piece_due = action == NTP_SLEW ? sw_clock_monotonic() : SW_NEVER;
    if (action == NTP_STEP)
        clock_add(sample->offset);
}

static void slew(uint64_t now)
{
    uint64_t piece = behind < NTP_SLEW_PIECE ? behind : NTP_SLEW_PIECE;

    clock_add(-(int64_t)piece);
    behind -= piece;
    piece_due = behind > 0 ? now + SW_SECOND : SW_NEVER;
}

/* ------------------------------------------------------------------ questions */

static uint32_t server_count(void)
{
    return setup_settings()->sntp_count > 0 ? setup_settings()->sntp_count : named_count;
}

static void stop_asking(void)
{
    if (asking)
        udp_remove(asking);
    asking = NULL;
    generation++;
}

static void rest_for(uint64_t time)
{
    stop_asking();
    phase = RESTING;
    server = 0;
    deadline = sw_clock_deadline(time);
}

static void failed(const char *why)
{
    char name[IPADDR_STRLEN_MAX] = "";

    if (phase == ASKED)
        ipaddr_ntoa_r(&address, name, sizeof(name));
    else if (setup_settings()->sntp_count > server)
        strncpy(name, setup_settings()->sntp[server].name, sizeof(name) - 1);
    sw_log(SW_LOG_WARNING, "net-sntp: server %s %s", name, why);
    stop_asking();
    server++;
    ask_next();
}

static void on_answer(void *argument, struct udp_pcb *pcb, struct pbuf *packet,
                      const ip_addr_t *from, u16_t port)
{
    uint8_t bytes[NTP_PACKET];
    struct ntp_sample sample;
    const char *why;
    size_t length = pbuf_copy_partial(packet, bytes, sizeof(bytes), 0);

    (void)argument, (void)pcb;
    pbuf_free(packet);
    if (phase != ASKED || port != port_asked || !ip_addr_cmp(from, &address))
        return;
    switch (
        ntp_judge(bytes, length, nonce, sent_wall, sw_clock_monotonic() - sent, &sample, &why)) {
    case NTP_FOREIGN:
        return;
    case NTP_GOOD:
        act(&sample);
        pause_time = REST_LEAST;
        rest_for(rest);
        return;
    case NTP_RATE:
        rest = rest * 2 < REST_MOST ? rest * 2 : REST_MOST;
        pause_time = REST;
        break;
    case NTP_DENIED:
        denied[server] = true;
        break;
    case NTP_USELESS:
        break;
    }
    failed(why);
}

static void ask(void)
{
    uint8_t question[NTP_PACKET];
    struct pbuf *packet = pbuf_alloc(PBUF_TRANSPORT, sizeof(question), PBUF_RAM);

    phase = ASKED;
    deadline = sw_clock_deadline(ANSWER_TIME);
    nonce = (uint64_t)lwip_port_random() << 32 | lwip_port_random();
    ntp_ask(question, nonce);
    asking = udp_new_ip_type(IP_GET_TYPE(&address));
    /* What cannot be sent is answered by nobody: the deadline sees to it. */
    if (packet && asking &&
        socket_bind_anywhere(NULL, asking, IP_IS_V6_VAL(address) ? IP6_ADDR_ANY : IP4_ADDR_ANY) ==
            ERR_OK) {
        udp_recv(asking, on_answer, NULL);
        pbuf_take(packet, question, sizeof(question));
        sent = sw_clock_monotonic();
        sent_wall = sw_clock_wall();
        udp_sendto(asking, packet, &address, port_asked);
    }
    if (packet)
        pbuf_free(packet);
}

static void on_name(void *argument, const char *name, status_t status, const ip_addr_t *found)
{
    (void)name;
    if (phase != RESOLVING || (uint32_t)(uintptr_t)argument != generation)
        return;
    if (status == SW_NOT_FOUND && !asked_v6) {
        asked_v6 = true;
        status = resolver_ask(name, 6, on_name, argument);
        if (status == SW_OK)
            return;
    }
    if (status != SW_OK) {
        failed("has no address that can be found");
        return;
    }
    ip_addr_copy(address, *found);
    ask();
}

static void ask_next(void)
{
    const struct settings *settings = setup_settings();

    stop_asking();
    while (server < server_count() && denied[server])
        server++;
    if (server_count() == 0) {
        phase = IDLE;
        deadline = SW_NEVER;
        return;
    }
    if (server >= server_count()) {
        rest_for(pause_time);
        pause_time = pause_time * 2 < REST ? pause_time * 2 : REST;
        return;
    }
    phase = RESOLVING;
    deadline = SW_NEVER; /* the resolver always answers, perhaps at once */
    port_asked = settings->sntp_count > 0 ? settings->sntp[server].port : NTP_PORT;
    if (settings->sntp_count == 0) {
        ip_addr_copy_from_ip4(address, named[server]);
        ask();
        return;
    }
    asked_v6 = false;
    if (resolver_ask(settings->sntp[server].name, 4, on_name, (void *)(uintptr_t)generation) !=
        SW_OK)
        failed("cannot be looked up");
}

/* lwIP calls it with what the lease says, at each renewal too. */
void dhcp_set_ntp_servers(u8_t count, const ip4_addr_t *addresses)
{
    if (count > LWIP_DHCP_MAX_NTP_SERVERS)
        count = LWIP_DHCP_MAX_NTP_SERVERS;
    if (count == named_count && memcmp(named, addresses, count * sizeof(*addresses)) == 0)
        return;
    memcpy(named, addresses, count * sizeof(*addresses));
    named_count = count;
    if (setup_settings()->sntp_count == 0)
        sntp_start();
}

void sntp_open(handle_t authority)
{
    clock_authority = authority;
}

void sntp_start(void)
{
    memset(denied, 0, sizeof(denied));
    server = 0;
    pause_time = REST_LEAST;
    rest = REST;
    phase = RESTING;
    deadline = 0; /* from the loop: lwIP may be in the middle of something */
    stop_asking();
}

void sntp_network(void)
{
    if (!answered && (phase == IDLE || phase == RESTING) && server_count() > 0) {
        phase = RESTING;
        deadline = 0;
    }
}

void sntp_run(uint64_t now)
{
    if (now >= piece_due)
        slew(now);
    if (now < deadline)
        return;
    if (phase == ASKED)
        failed("does not answer");
    else
        ask_next();
}

uint64_t sntp_deadline(void)
{
    return deadline < piece_due ? deadline : piece_due;
}
