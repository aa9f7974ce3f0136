/* See resolver.h.
 *
 * One query a name and kind, however many wait for it (RFC 5452, 5). Each datagram has an id and a port
 * of its own; what comes back counts only from that server and port, with that id and question. Every
 * server is asked in turn, twice; the one that answered last is asked first, so that a dead one holds
 * up one query and not all.
 *
 * One that has more to say than fits a datagram is asked again over TCP (RFC 7766), at once and in place of the
 * next: one connection a question, which has all of the same time to be made, and to bring its answer. What comes
 * on it is an answer or the end of it. */
#include "resolver.h"
#include "dns.h"
#include "socket.h"
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>

#define QUERIES 64
#define WAITERS 128
#define CACHE 128
#define ROUNDS 2
#define SERVERS_MOST 4
#define ANSWER_MOST 4096
#define FIRST_WAIT (2 * SW_SECOND) /* in the first round; twice as long in the second */
#define TCP_WAIT (5 * SW_SECOND)

struct waiter {
    resolver_done done; /* NULL: free */
    void *argument;
    struct waiter *next;
};

struct query {
    struct query *next;
    char name[DNS_NAME_MOST];
    uint32_t family;
    struct waiter *first, **last;
    uint32_t tries, first_server;
    uint64_t deadline;
    ip_addr_t server;
    uint16_t port, id;
    struct udp_pcb *pcb;
    struct tcp_pcb *tcp;      /* one of the two at most */
    struct dns_stream stream; /* what came on it */
    status_t status;          /* what to say when nobody gives an answer */
};

struct known {
    char name[DNS_NAME_MOST]; /* "": free */
    uint32_t family;
    bool found;
    ip_addr_t address;
    uint64_t until;
};

static struct query *queries;
static uint32_t query_count, preferred;
static struct waiter waiters[WAITERS];
static struct known cache[CACHE];

/* ------------------------------------------------------------------ what is known */

static const struct known *cache_find(const char *name, uint32_t family, uint64_t now)
{
    for (const struct known *known = cache; known < cache + CACHE; known++)
        if (known->family == family && known->until > now && !strcasecmp(known->name, name))
            return known;
    return NULL;
}

/* In the place of what would be forgotten first. */
static void cache_put(const struct query *query, bool found, const ip_addr_t *address,
                      uint32_t seconds)
{
    struct known *place = cache;

    if (seconds == 0)
        return;
    for (struct known *known = cache; known < cache + CACHE; known++)
        if (known->until < place->until)
            place = known;
    memcpy(place->name, query->name, sizeof(place->name));
    place->family = query->family;
    place->found = found;
    if (found)
        ip_addr_copy(place->address, *address);
    place->until = sw_clock_deadline(seconds * SW_SECOND);
}

void resolver_forget(void)
{
    memset(cache, 0, sizeof(cache));
    preferred = 0;
}

/* ------------------------------------------------------------------ questions */

/* The query has nothing to do with its connection any more. */
static struct tcp_pcb *connection_take(struct query *query)
{
    struct tcp_pcb *tcp = query->tcp;

    query->tcp = NULL;
    dns_stream_free(&query->stream);
    if (tcp) {
        tcp_arg(tcp, NULL);
        tcp_recv(tcp, NULL);
        tcp_err(tcp, NULL);
    }
    return tcp;
}

static void question_close(struct query *query)
{
    struct tcp_pcb *tcp = connection_take(query);

    if (tcp)
        tcp_abort(tcp);
    if (query->pcb)
        udp_remove(query->pcb);
    query->pcb = NULL;
}

/* Tells all who wait; the query is gone before, as they may ask again. */
static void query_end(struct query *query, status_t status, const ip_addr_t *address)
{
    struct query **link = &queries;

    while (*link != query)
        link = &(*link)->next;
    *link = query->next;
    query_count--;
    question_close(query);
    for (struct waiter *waiter = query->first, *next; waiter; waiter = next) {
        resolver_done done = waiter->done;
        void *argument = waiter->argument;
        next = waiter->next;
        waiter->done = NULL;
        done(argument, query->name, status, address);
    }
    free(query);
}

static void query_next(struct query *query);

/* What an answer says; what it does not ends nothing. */
static enum dns_verdict answer_take(struct query *query, const uint8_t *bytes, size_t length)
{
    struct dns_answer answer;
    ip_addr_t address;
    enum dns_verdict verdict = dns_judge(bytes, length, query->id, query->name,
                                         query->family == 4 ? DNS_A : DNS_AAAA, &answer);

    if (verdict == DNS_FOUND) {
        netd_address(answer.address, query->family, 0, &address);
        preferred = (query->first_server + query->tries - 1) % SERVERS_MOST;
        cache_put(query, true, &address, answer.seconds);
        query_end(query, SW_OK, &address);
    } else if (verdict == DNS_NONE) {
        preferred = (query->first_server + query->tries - 1) % SERVERS_MOST;
        cache_put(query, false, NULL, answer.seconds);
        query_end(query, SW_NOT_FOUND, NULL);
    }
    return verdict;
}

/* ------------------------------------------------------------------ over TCP */

static void failed(struct query *query, status_t status)
{
    query->status = status;
    query_next(query);
}

/* lwIP has freed the pcb. */
static void on_lost(void *argument, err_t error)
{
    struct query *query = argument;

    query->tcp = NULL;
    failed(query,
           netd_status(error) == SW_RESET && query->stream.head == 0 ? SW_REFUSED : SW_BAD_MESSAGE);
}

static err_t on_bytes(void *argument, struct tcp_pcb *tcp, struct pbuf *packet, err_t error)
{
    struct query *query = argument;
    enum dns_stream_result result = packet ? DNS_STREAM_MORE : DNS_STREAM_BAD;

    (void)error;
    for (struct pbuf *part = packet; part && result == DNS_STREAM_MORE; part = part->next)
        result = dns_stream_take(&query->stream, part->payload, part->len);
    if (packet) {
        tcp_recved(tcp, packet->tot_len);
        pbuf_free(packet);
    }
    if (result == DNS_STREAM_MORE)
        return ERR_OK;
    /* The connection first: what follows may end the query. */
    struct dns_stream stream = query->stream;
    query->stream = (struct dns_stream){ 0 };
    connection_take(query);
    bool aborted = result == DNS_STREAM_BAD || tcp_close(tcp) != ERR_OK;
    if (aborted)
        tcp_abort(tcp);
    enum dns_verdict verdict = DNS_FAILED;
    if (result == DNS_STREAM_WHOLE)
        verdict = answer_take(query, stream.message, stream.length);
    dns_stream_free(&stream);
    if (verdict != DNS_FOUND && verdict != DNS_NONE)
        failed(query, SW_BAD_MESSAGE);
    return aborted ? ERR_ABRT : ERR_OK;
}

static err_t on_connected(void *argument, struct tcp_pcb *tcp, err_t error)
{
    struct query *query = argument;
    uint8_t question[2 + DNS_QUESTION_MOST];
    size_t length =
        dns_ask(question + 2, query->id, query->name, query->family == 4 ? DNS_A : DNS_AAAA);

    (void)error; /* always ERR_OK */
    dns_stream_head(question, length);
    /* What cannot be sent is answered by nobody: the deadline sees to it. */
    if (tcp_write(tcp, question, (u16_t)(2 + length), TCP_WRITE_FLAG_COPY) == ERR_OK)
        tcp_output(tcp);
    return ERR_OK;
}

/* Asks the same server again. */
static void question_connect(struct query *query)
{
    const ip_addr_t *any = IP_IS_V6_VAL(query->server) ? IP6_ADDR_ANY : IP4_ADDR_ANY;

    question_close(query);
    query->id = (uint16_t)lwip_port_random();
    query->deadline = sw_clock_deadline(TCP_WAIT);
    query->status = SW_TIMED_OUT;
    if (!(query->tcp = tcp_new_ip_type(IP_GET_TYPE(&query->server))))
        return;
    tcp_arg(query->tcp, query);
    tcp_recv(query->tcp, on_bytes);
    tcp_err(query->tcp, on_lost);
    if (socket_bind_anywhere(query->tcp, NULL, any) != ERR_OK ||
        tcp_connect(query->tcp, &query->server, query->port, on_connected) != ERR_OK)
        question_close(query);
}

/* ------------------------------------------------------------------ by datagrams */

static void on_answer(void *argument, struct udp_pcb *pcb, struct pbuf *packet,
                      const ip_addr_t *from, u16_t port)
{
    static uint8_t bytes[ANSWER_MOST];
    struct query *query = argument;
    size_t length = pbuf_copy_partial(packet, bytes, sizeof(bytes), 0);

    (void)pcb;
    pbuf_free(packet);
    if (port != query->port || !ip_addr_cmp(from, &query->server))
        return;
    enum dns_verdict verdict = answer_take(query, bytes, length);
    if (verdict == DNS_TRUNCATED)
        question_connect(query);
    else if (verdict == DNS_FAILED)
        failed(query, SW_BAD_MESSAGE);
}

static void question_send(struct query *query)
{
    uint8_t question[DNS_QUESTION_MOST];
    const ip_addr_t *any = IP_IS_V6_VAL(query->server) ? IP6_ADDR_ANY : IP4_ADDR_ANY;
    struct pbuf *packet;

    question_close(query);
    query->id = (uint16_t)lwip_port_random();
    size_t length =
        dns_ask(question, query->id, query->name, query->family == 4 ? DNS_A : DNS_AAAA);
    packet = pbuf_alloc(PBUF_TRANSPORT, (u16_t)length, PBUF_RAM);
    query->pcb = udp_new_ip_type(IP_GET_TYPE(&query->server));
    /* What cannot be sent is answered by nobody: the deadline sees to it. */
    if (packet && query->pcb && socket_bind_anywhere(NULL, query->pcb, any) == ERR_OK) {
        udp_recv(query->pcb, on_answer, query);
        pbuf_take(packet, question, (u16_t)length);
        udp_sendto(query->pcb, packet, &query->server, query->port);
    }
    if (packet)
        pbuf_free(packet);
}

/* Asks the next server, or gives up. */
static void query_next(struct query *query)
{
    for (; query->tries < ROUNDS * SERVERS_MOST; query->tries++) {
        uint32_t index = (query->first_server + query->tries) % SERVERS_MOST;
        if (!setup_name_server(index, &query->server, &query->port))
            continue;
        bool again = query->tries >= SERVERS_MOST;
        query->tries++;
        query->deadline = sw_clock_deadline(again ? 2 * FIRST_WAIT : FIRST_WAIT);
        question_send(query);
        return;
    }
    preferred = 0;
    query_end(query, query->status, NULL);
}

static struct query *query_find(const char *name, uint32_t family)
{
    for (struct query *query = queries; query; query = query->next)
        if (query->family == family && !strcasecmp(query->name, name))
            return query;
    return NULL;
}

static status_t query_wait(struct query *query, resolver_done done, void *argument)
{
    for (struct waiter *waiter = waiters; waiter < waiters + WAITERS; waiter++) {
        if (waiter->done)
            continue;
        *waiter = (struct waiter){ .done = done, .argument = argument };
        *query->last = waiter;
        query->last = &waiter->next;
        return SW_OK;
    }
    return SW_BUSY;
}

/* What needs no server. */
static bool is_own(const char *name, uint32_t family, ip_addr_t *out)
{
    if (ipaddr_aton(name, out))
        return true;
    if (strcasecmp(name, "localhost") != 0)
        return false;
    if (family == 4)
        ip_addr_set_loopback_val(false, *out);
    else
        ip_addr_set_loopback_val(true, *out);
    return true;
}

status_t resolver_ask(const char *text, uint32_t family, resolver_done done, void *argument)
{
    char name[DNS_NAME_MOST + 1];
    size_t length = strlen(text);
    ip_addr_t address;
    uint16_t port;

    if (length > 0 && text[length - 1] == '.')
        length--;
    if (length >= DNS_NAME_MOST)
        return SW_NAME_TOO_LONG;
    memcpy(name, text, length);
    name[length] = 0;
    if (is_own(name, family, &address)) {
        bool fits = IP_IS_V6_VAL(address) == (family == 6);
        done(argument, name, fits ? SW_OK : SW_NOT_FOUND, fits ? &address : NULL);
        return SW_OK;
    }
    if (!dns_is_name(name))
        return SW_INVALID;
    const struct known *known = cache_find(name, family, sw_clock_monotonic());
    if (known) {
        ip_addr_copy(address, known->address); /* `done` may change the cache */
        done(argument, name, known->found ? SW_OK : SW_NOT_FOUND, &address);
        return SW_OK;
    }
    if (!setup_name_server(0, &address, &port))
        return SW_UNREACHABLE;
    struct query *query = query_find(name, family);
    if (query)
        return query_wait(query, done, argument);
    if (query_count == QUERIES)
        return SW_BUSY;
    if (!(query = calloc(1, sizeof(*query))))
        return SW_NO_MEMORY;
    memcpy(query->name, name, length + 1);
    query->family = family;
    query->last = &query->first;
    query->first_server = preferred;
    query->status = SW_TIMED_OUT;
    status_t status = query_wait(query, done, argument);
    if (status != SW_OK) {
        free(query);
        return status;
    }
    query->next = queries;
    queries = query;
    query_count++;
    query_next(query);
    return SW_OK;
}

void resolver_run(uint64_t now)
{
    struct query *query = queries;

    while (query) {
        if (now < query->deadline) {
            query = query->next;
        } else {
            query_next(query);
            query = queries; /* anything may have become of the others */
        }
    }
}

uint64_t resolver_deadline(void)
{
    uint64_t deadline = SW_NEVER;

    for (const struct query *query = queries; query; query = query->next)
        if (query->deadline < deadline)
            deadline = query->deadline;
    return deadline;
}
